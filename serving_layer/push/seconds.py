"""Parts gathered by second, told when their lane's promise has passed the second, and again for a while after.

Reading begins in the middle of the stream. A second is whole once two promises of its lane that differ were read and it
lies after the trades that can have come before the first of them: the later promise is the feed clock less two seconds
at a moment after our beginning. Where the first frame of the first ingester is read, everything is whole.
"""

from collections.abc import Callable, Sequence

from shared.frames import Part, PartialWire

MEMORY_S = 60
"""A late part within this time of the promise tells its second again."""
AHEAD_S = 3
"""The feed clock runs at most this far ahead of a promise that moves."""
MOST_SECONDS = 100_000
"""Symbol-seconds remembered by all lanes together, about 70 MB; beyond it the oldest are forgotten sooner."""
NEVER = 2**62

Closed = Callable[[str, int, Sequence[PartialWire], int, bool], None]
"""(sym, second, its parts, how many of the last ones are new, whether its minute and the one before are whole)."""


class _Lane:
    __slots__ = ("forgotten", "promise", "promises", "seconds", "whole_from")

    def __init__(self) -> None:
        self.promise = 0
        self.promises = 0
        self.whole_from = NEVER
        self.forgotten = 0
        """Of seconds before this one a late part alone would pass for the whole."""
        self.seconds: dict[int, dict[str, list[PartialWire]]] = {}

    def has_whole_minute(self, sec: int) -> bool:
        """Whether the minute of a second is whole, and the one before: until its bar is there, its seconds stand for
        it."""
        return self.whole_from == 0 or sec - sec % 60 - 60 >= self.whole_from


class Seconds:
    """Hands closed seconds to `on_closed`, in order of time within a lane but for corrections."""

    def __init__(self, on_closed: Closed, most: int = MOST_SECONDS) -> None:
        self._on_closed, self._most = on_closed, most
        self._lanes: dict[int, _Lane] = {}
        self._held = 0

    def everything_is_whole(self, lane: int) -> None:
        """The lane is read from its very beginning."""
        self._lane(lane).whole_from = 0

    def add(self, lane: int, part: Part) -> None:
        """A part that has not been added before."""
        state = self._lane(lane)
        if part.bar is None or part.sec < state.whole_from or part.sec < state.forgotten:
            return
        second = state.seconds.setdefault(part.sec, {})
        parts = second.get(part.sym)
        if parts is None:
            parts = second[part.sym] = []
            self._held += 1
        parts.append(part.bar)
        if part.sec < state.promise:
            self._on_closed(part.sym, part.sec, parts, 1, state.has_whole_minute(part.sec))

    def promise(self, lane: int, promise: int) -> None:
        """A heartbeat of the lane: every trade before `promise` (Unix seconds) has been read."""
        state = self._lane(lane)
        if promise <= state.promise:
            return
        before, state.promise = state.promise, promise
        state.promises += 1
        if state.promises == 2:
            state.whole_from = min(state.whole_from, promise + AHEAD_S)
        for sec in sorted(sec for sec in state.seconds if before <= sec < promise):
            whole_minute = state.has_whole_minute(sec)
            for sym, parts in state.seconds[sec].items():
                self._on_closed(sym, sec, parts, len(parts), whole_minute)
        self._forget(state, promise - MEMORY_S)
        while self._held > self._most and any(sec < promise for sec in state.seconds):
            self._forget(state, min(state.seconds) + 1)

    def _forget(self, state: _Lane, before: int) -> None:
        state.forgotten = max(state.forgotten, before)
        for sec in [sec for sec in state.seconds if sec < before]:
            self._held -= len(state.seconds.pop(sec))

    def _lane(self, lane: int) -> _Lane:
        state = self._lanes.get(lane)
        if state is None:
            state = self._lanes[lane] = _Lane()
        return state
