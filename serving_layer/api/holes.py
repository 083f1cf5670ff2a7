"""Where trades may be missing: the gaps of the feed that nothing has filled, as a reader of bars sees them.

Engines never know: a gap may be found, and filled, long after a bar was made. So `complete` is derived on read, and
only said where it is false.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple, TypeVar

from serving_layer.api.market import IngestRecords
from shared.bars.windows import new_york_date, new_york_midnight_ms
from shared.polygon.answers import incomplete
from shared.stores.gaps import Gap, gaps_of
from shared.stores.settled import MINUTES, Settlements

LOOK_S = 1.0
"""How long what ingesters told is taken to hold."""
_DAY = timedelta(days=1)

K = TypeVar("K", int, date)
T = TypeVar("T")


class Hole(NamedTuple):
    """Trades of [start, end), Unix ms, may be missing; never empty."""

    start: int
    end: int


class Holes:
    """`now_s`: this host's Unix time in seconds."""

    def __init__(self, control: IngestRecords, settled: Settlements, now_s: Callable[[], float]) -> None:
        self._control, self._settled, self._now_s = control, settled, now_s
        self._looked: tuple[float, Sequence[Gap]] | None = None

    def within(self, start: int, end: int, as_of: datetime | None = None) -> list[Hole]:
        """The holes of [start, end), Unix ms, cut to it. A date that was settled of something else than our own log is
        whole (`as_of`: was by then). As of a second ago at most. Raises StoreUnavailable."""
        found = [
            Hole(max(gap.start, start), min(gap.until, end))
            for gap in self._gaps()
            if gap.start < end and gap.until > start
        ]
        return [piece for hole in found for piece in self._unsettled(hole, as_of)]

    def _gaps(self) -> Sequence[Gap]:
        now_s = self._now_s()
        if self._looked is None or not 0 <= now_s - self._looked[0] < LOOK_S:
            self._looked = (now_s, tuple(gaps_of(self._control.epochs())))
        return self._looked[1]

    def _unsettled(self, hole: Hole, as_of: datetime | None) -> Iterator[Hole]:
        days = self._settled.days(MINUTES, new_york_date(hole.start), new_york_date(hole.end - 1))
        start = hole.start
        for day, one in sorted(days.items()):
            if one.is_whole and (as_of is None or one.since <= as_of):
                midnight, following = (new_york_midnight_ms(of) for of in (day, day + _DAY))
                if start < midnight:
                    yield Hole(start, midnight)
                start = max(start, following)
        if start < hole.end:
            yield Hole(start, hole.end)


def marked(
    text_of: Callable[[K, Sequence[tuple[K, T]]], str | None], is_touched: Callable[[K], bool]
) -> Callable[[K, Sequence[tuple[K, T]]], str | None]:
    """As `text_of`, and says of the windows (by their start) that a hole touches that they are not complete."""

    def text(window: K, items: Sequence[tuple[K, T]]) -> str | None:
        shown = text_of(window, items)
        return incomplete(shown) if shown is not None and is_touched(window) else shown

    return text
