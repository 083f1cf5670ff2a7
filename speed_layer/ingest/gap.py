"""Gaps of the feed: while one is open the promise stands still, and REST fills it.

A gap opens when the connection is lost, and with every start that finds trades in the stream. It closes when the refill
is done, or 30 s after the feed is back; what is filled in later is late. Heartbeats say from where it is not filled
yet, or given up and not told: a successor goes on with it.
"""

import asyncio
from collections.abc import Callable

from shared.bars.windows import end_of_new_york_day_ms
from shared.errors import CondvestError
from shared.observability import event, logger
from speed_layer.ingest.refill import Refill

BACK_MS = 5_000
LONGEST_S = 30.0
MOST_HOLES = 1_000
"""That are told of one by one: of more the two oldest are one, and what lies between them."""

log = logger("ingest.gap")


class Gap:
    """Whether the promise stands still, and the task that fills the gap."""

    def __init__(
        self,
        refill: Refill,
        unfilled_from: int = 0,
        now_ms: Callable[[], int | None] = lambda: None,
        known_from: int = 0,
    ) -> None:
        """`unfilled_from` (Unix ms): what a predecessor left; 0 = nothing. `now_ms`: the feed's time, if any.
        `known_from` (Unix ms): what came since can be told from what is missing. What came before would come twice, so
        that a predecessor's gap is a hole up to there."""
        self._refill, self._now_ms = refill, now_ms
        self._task: asyncio.Task[None] | None = None
        self._unfilled_from = unfilled_from or None
        self._stood_at = self._went_on_at = 0
        """The feed's time when it came back, and with its next trade, which shows what it has passed meanwhile."""
        self._given_up = False
        self.is_open = True
        self.filled = self.unfilled = 0
        self.holes: list[tuple[int, int]] = []
        """[start, end), Unix ms, of gaps that were given up: trades of them may be missing for good."""
        self.ended = 0
        """Holes that there ever were: `holes` may have joined some."""
        self._told = 0
        if 0 < unfilled_from < known_from:
            self._end_hole(known_from)
            self._unfilled_from = known_from

    @property
    def left(self) -> int:
        """Symbols that a refill under way has not filled yet."""
        return self._refill.left

    @property
    def unfilled_from(self) -> int:
        """Event time (Unix ms) from which trades may be missing, 0 when none are."""
        return self._unfilled_from or 0

    @property
    def untold_from(self) -> int:
        """Event time (Unix ms) from which trades may be missing though no table says so for good, 0 when none are: of
        the oldest hole that is not told yet, or of what is unfilled."""
        starts = [start for start, _ in self.holes[-untold:]] if (untold := self.ended - self._told) else []
        return min([*starts, *filter(None, [self._unfilled_from])], default=0)

    def told(self, ended: int) -> None:
        """The control table has the first `ended` of all holes: a successor need not know of them."""
        self._told = max(self._told, ended)

    def open(self) -> None:
        """The feed is gone. A refill that is under way begins again with the next, from where it began."""
        self.is_open, self._given_up = True, False
        self._cancel()

    def fill(self, from_ms: int | None) -> None:
        """The feed is back: fetch what came since `from_ms` (Unix ms); None = there is nothing to fill but what a
        predecessor left."""
        self._stood_at, self._went_on_at, self._given_up = self._now_ms() or 0, 0, False
        starts = [start for start in (self._unfilled_from, from_ms) if start is not None]
        if not starts:
            self.is_open = False
        else:
            self._cancel()  # `closed` may have begun one while the feed was away
            self._unfilled_from = min(starts)
            self._task = asyncio.create_task(self._fill(self._unfilled_from))

    async def closed(self) -> None:
        """Wait until no gap is left to fill, however long it takes, though the feed may be gone again meanwhile."""
        while self._unfilled_from is not None:
            if self._task is None:
                self._task = asyncio.create_task(self._fill(self._unfilled_from))
            await asyncio.wait([self._task])
            if self._given_up:  # nothing comes any more that could show where the hole ends
                self._end_hole(end_of_new_york_day_ms(max(self._unfilled_from, self._stood_at)))

    def went_on(self) -> None:
        """The feed has brought something: what is given up ends where this first moved the feed's time."""
        if not self._went_on_at and (now := self._now_ms() or 0) > self._stood_at:
            self._went_on_at = now
        if self._given_up and self._went_on_at:
            self._end_hole(self._went_on_at)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _fill(self, from_ms: int) -> None:
        standing = asyncio.get_running_loop().call_later(LONGEST_S, self._stand_no_longer)
        whole = False
        try:
            whole = await self._refill.run(from_ms)
        except CondvestError as error:
            event(log, 40, "gap not filled", from_ms=from_ms, error=str(error))
        finally:
            standing.cancel()
            if self._task is asyncio.current_task():  # else it was cancelled: the gap is still open
                self._task = None
                self.is_open = False
                self.filled += whole
                self.unfilled += not whole
                self._given_up = not whole
                if whole:
                    self._unfilled_from = None
                elif self._went_on_at:
                    self._end_hole(self._went_on_at)

    def _end_hole(self, end_ms: int) -> None:
        if self._unfilled_from is not None:
            self.holes.append((self._unfilled_from, max(self._unfilled_from, end_ms)))
            self.ended += 1
        self._unfilled_from, self._given_up = None, False
        if len(self.holes) > MOST_HOLES:
            (start, _), (_, end) = self.holes[:2]
            self.holes[:2] = [(start, end)]

    def _stand_no_longer(self) -> None:
        self.is_open = False
