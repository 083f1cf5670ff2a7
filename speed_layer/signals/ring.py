"""The newest closed bars of one symbol and timeframe, in memory."""

from bisect import bisect_left
from collections.abc import Iterable

from shared.bars.algebra import present
from shared.models.bar import Bar
from shared.stores.rings import ClosedBar


class Ring:
    """At most `kept` bars without a hole between them, by start; each the version of the greatest (count, rev) so far.

    A window that no trade has opened is no bar.
    """

    def __init__(self, kept: int, bars: Iterable[ClosedBar] = ()) -> None:
        self._kept = kept
        self._times: list[int] = []
        self.closed: list[ClosedBar] = []
        self.bars: list[Bar] = []
        """The same, presented."""
        for bar in bars:
            self.take(bar)

    @property
    def is_cut(self) -> bool:
        """Whether there may be older bars; otherwise these are all there ever were."""
        return len(self._times) >= self._kept

    @property
    def newest(self) -> int:
        """Start of the newest bar, Unix ms; -1 when there is none."""
        return self._times[-1] if self._times else -1

    def take(self, closed: ClosedBar) -> bool:
        """Hold a bar; False when a version at least as good is held, or it is older than what is kept."""
        place = bisect_left(self._times, closed.t)
        if place < len(self._times) and self._times[place] == closed.t:
            held = self.closed[place]
            if (held.count, held.rev) >= (closed.count, closed.rev):
                return False
            bar = present(closed.t, closed.partial)
            if bar is not None:
                self.closed[place], self.bars[place] = closed, bar
            return bar is not None
        if place == 0 and self.is_cut:
            return False
        bar = present(closed.t, closed.partial)
        if bar is None:
            return False
        self._times.insert(place, closed.t)
        self.closed.insert(place, closed)
        self.bars.insert(place, bar)
        if len(self._times) > self._kept:
            del self._times[0], self.closed[0], self.bars[0]
        return True

    def between(self, start: int, last: int) -> list[int]:
        """Starts of the bars that start in [start, last], Unix ms."""
        return self._times[bisect_left(self._times, start) : bisect_left(self._times, last + 1)]

    def reaches(self, t: int, width: int) -> bool:
        """Whether all there is of the last `width` bars at `t` (Unix ms) is here."""
        return not self.is_cut or bisect_left(self._times, t + 1) >= width
