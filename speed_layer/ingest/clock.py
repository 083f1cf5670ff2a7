"""The feed clock, and the trades that run ahead of it.

The feed clock is the greatest accepted event time. A trade more than 2 s ahead of it waits: another trade with
t >= its t - 2 s shows that the feed has moved and releases it; three others at or behind clock + 2 s show that its time
is wrong. All times are Unix ms.
"""

from collections.abc import Iterator
from typing import Generic, TypeVar

AHEAD_MS = 2_000
SHOWN_WRONG_BY = 3
OLDEST_FIRST_MS = 20 * 60_000
SILENCE_LAG_MS = 1_000
LONGEST_STEP_MS = 250

T = TypeVar("T")


class FeedClock(Generic[T]):
    """Pure: time comes in with the trades. `T` is whatever the caller keeps of a held trade."""

    def __init__(self, now_ms: int | None = None) -> None:
        self.now_ms = self.last_t = now_ms
        """`last_t`: the greatest event time of a trade alone; silence may be the feed's fault."""
        self.held: list[tuple[int, T, int]] = []
        self._reached_ms = now_ms

    @property
    def limit_ms(self) -> int:
        """The latest event time that is taken at once."""
        return -1 if self.now_ms is None else self.now_ms + AHEAD_MS

    def start(self, t: int, host_ms: int | None) -> None:
        """The first trade sets the clock; on live feeds (host_ms given) only one whose time is near the host's."""
        if self.now_ms is None and (host_ms is None or t >= host_ms - OLDEST_FIRST_MS):
            self.now_ms = self.last_t = self._reached_ms = t

    def accepted(self, t: int) -> None:
        """A trade at `t` was accepted; it moves a clock that has started."""
        if self.now_ms is not None and self.last_t is not None and self._reached_ms is not None:
            self.now_ms = max(self.now_ms, t)
            self.last_t = max(self.last_t, t)
            self._reached_ms = max(self._reached_ms, t)

    def hold(self, t: int, trade: T) -> None:
        """Keep a trade that is ahead until others show what it is."""
        self.held.append((t, trade, 0))
        self.held.sort(key=lambda entry: entry[0])

    def released_by(self, t: int) -> Iterator[T]:
        """Held trades that a trade of another key at `t` confirms, in order of time."""
        while self.held and t >= self.held[0][0] - AHEAD_MS:
            held_t, trade, _ = self.held.pop(0)
            self.accepted(held_t)
            yield trade

    def refuted(self) -> Iterator[T]:
        """Call once for each trade taken at or behind the limit: held trades that are now known to be wrong."""
        counted = [(t, trade, others + 1) for t, trade, others in self.held]
        self.held = [entry for entry in counted if entry[2] < SHOWN_WRONG_BY]
        yield from (trade for _, trade, others in counted if others >= SHOWN_WRONG_BY)

    def drain(self) -> list[T]:
        """At feed end every held trade is taken, in order of time."""
        held, self.held = self.held, []
        for t, _, _ in held:
            self.start(t, None)
            self.accepted(t)
        return [trade for _, trade, _ in held]

    def silence(self, idle_ms: int) -> None:
        """Live feeds only: the reader was idle with an empty queue for `idle_ms`; the clock follows, 1 s behind."""
        if self.now_ms is None or self._reached_ms is None:
            return
        self._reached_ms += min(idle_ms, LONGEST_STEP_MS)
        self.now_ms = max(self.now_ms, self._reached_ms - SILENCE_LAG_MS)
