"""The Python bar engine: closes windows of every stream timeframe as the promise passes their ends.

A window of rank k (1m is rank 1) takes the parts that fewer than k timeframes had closed on. So a part enters at the
shortest window still open for it, and each closing window is merged into the next longer one: the same sums as giving
every part to every window, for a fifth of the merges.
"""

from collections.abc import Iterator
from typing import NamedTuple

from shared.bars.algebra import merge
from shared.bars.windows import STREAM_TIMEFRAMES
from shared.models.bar import EMPTY, Partial

_TIMEFRAMES = tuple(STREAM_TIMEFRAMES.items())
NAME = "python"


class ClosedWindow(NamedTuple):
    """A window of `tf` that starts at Unix second `start` and will take no more parts."""

    sym: str
    tf: str
    start: int
    partial: Partial


class PythonEngine:
    """Open windows in memory; parts must be unique and carry the `late` they were framed with."""

    def __init__(self, emit_from: int = 0) -> None:
        """`emit_from`: windows that start before this Unix second are not emitted (they began before what was read)."""
        self._open: list[dict[int, dict[str, Partial]]] = [{} for _ in _TIMEFRAMES]
        self._touched: set[tuple[str, int]] = set()
        self.emit_from = emit_from

    def add(self, sym: str, sec: int, late: int, partial: Partial) -> None:
        """Count a part in every window still open for it; `late` = how many timeframes had closed on it."""
        if late >= len(_TIMEFRAMES):
            return
        self._merge_into(late, sym, sec, partial)
        if late == 0:
            self._touched.add((sym, sec - sec % 60))

    def close(self, promise: int) -> list[ClosedWindow]:
        """The windows whose end the promise (Unix seconds) has reached, shortest first, then by time and symbol."""
        closed = []
        for rank, (timeframe, width) in enumerate(_TIMEFRAMES):
            windows = self._open[rank]
            for start in sorted(start for start in windows if start + width <= promise):
                for sym, partial in sorted(windows.pop(start).items()):
                    if rank + 1 < len(_TIMEFRAMES):
                        self._merge_into(rank + 1, sym, start, partial)
                    if start >= self.emit_from:
                        closed.append(ClosedWindow(sym, timeframe, start, partial))
        return closed

    def touched_minutes(self) -> Iterator[tuple[str, int, Partial]]:
        """(sym, minute start in Unix seconds, partial) of the open minutes that changed since the last call."""
        touched, self._touched = self._touched, set()
        for sym, start in touched:
            partial = self._open[0].get(start, {}).get(sym)
            if partial is not None:
                yield sym, start, partial

    def _merge_into(self, rank: int, sym: str, sec: int, partial: Partial) -> None:
        width = _TIMEFRAMES[rank][1]
        window = self._open[rank].setdefault(sec - sec % width, {})
        window[sym] = merge(window.get(sym, EMPTY), partial)
