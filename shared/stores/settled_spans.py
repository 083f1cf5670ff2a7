"""A span of time cut where settled trade dates meet others."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple, Protocol

from shared.bars.sessions import SessionTable
from shared.bars.windows import END_OF_TIME_MS, new_york_date, new_york_midnight_ms
from shared.stores.settled import MINUTES, Settled

KEPT_S = 1.0
"""How long a snapshot of settled dates is taken to hold: speed rows outlive settling, so an older one is whole too."""
MOST_KEPT = 64
CHUNK_YEARS = 4
"""Calendar years whose dates are asked for at a time: about 130 KB of items where all are settled."""
_DAY = timedelta(days=1)


class SettledDates(Protocol):
    """Settled dates of [first, last] (shared/stores/settled.py); raises StoreUnavailable."""

    def days(self, timeframe: str, first: date, last: date) -> Mapping[date, Settled]: ...


class Span(NamedTuple):
    """[start, end) in Unix ms; a New York midnight wherever another span follows or came before."""

    start: int
    end: int
    is_settled: bool


def cut(span: Span, at: int, *, reverse: bool) -> list[Span]:
    """A span in one piece, or in two where `at` lies inside, in order of time or against it."""
    if not span.start < at < span.end:
        return [span]
    pieces = [span._replace(end=at), span._replace(start=at)]
    return pieces[::-1] if reverse else pieces


class SettledSpans:
    """`clock`: seconds that only grow."""

    def __init__(self, dates: SettledDates, sessions: SessionTable, clock: Callable[[], float]) -> None:
        self._dates, self._sessions, self._clock = dates, sessions, clock
        self._kept: dict[tuple[date, date], tuple[float, Mapping[date, Settled]]] = {}

    def spans(self, start: int, end: int, *, reverse: bool = False, as_of: datetime | None = None) -> Iterator[Span]:
        """[start, end) in spans, in order of time or against it: each date's rows lie in one view. `as_of`: as it was
        then. Lazy; each date is looked up once. Raises StoreUnavailable."""
        low, high = max(start, 0), min(end, END_OF_TIME_MS)
        if low >= high:
            return
        chunks = _chunks(new_york_date(low), new_york_date(high - 1))
        for first, last in reversed(chunks) if reverse else chunks:
            settled = {day for day, one in self._look(first, last).items() if as_of is None or one.since <= as_of}
            runs = list(self._runs(first, last, settled))
            for begin, through, is_settled in reversed(runs) if reverse else runs:
                since, after = new_york_midnight_ms(begin), new_york_midnight_ms(through + _DAY)
                yield Span(max(low, since), min(high, after), is_settled)

    def _look(self, first: date, last: date) -> Mapping[date, Settled]:
        now = self._clock()
        at, found = self._kept.get((first, last), (now - KEPT_S, {}))
        if now - at < KEPT_S:
            return found
        found = self._dates.days(MINUTES, first, last)
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[first, last] = (now, found)
        return found

    def _runs(self, first: date, last: date, settled: set[date]) -> Iterator[tuple[date, date, bool]]:
        """Dates that follow one another and are alike; one on which nobody trades is like its neighbours."""
        begin, kind = first, None
        if settled:
            for number in range((last - first).days + 1):
                day = first + timedelta(days=number)
                of = True if day in settled else False if self._sessions.trades_on(day) else None
                if of is None or of == kind:
                    continue
                if kind is not None:
                    yield begin, day - _DAY, kind
                    begin = day
                kind = of
        yield begin, last, bool(kind)


def _chunks(first: date, last: date) -> list[tuple[date, date]]:
    """[first, last] cut where a multiple of CHUNK_YEARS begins."""
    starts = [date(year, 1, 1) for year in range(first.year + 1, last.year + 1) if year % CHUNK_YEARS == 0]
    return list(zip([first, *starts], [*(start - _DAY for start in starts), last], strict=True))
