"""Days of a symbol from all that tells of them: stored daily bars, and minutes for the sessions that have none yet.

The last sessions up to the feed's are looked at one by one, as far back as a long break; before and after them only
what is stored counts. So the day that is forming stands at the end of the stored ones: no hole, and no day twice.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta

from serving_layer.api.daily_rows import DailyRows
from serving_layer.api.days import Days
from serving_layer.api.market import Market
from shared.bars.algebra import present_day
from shared.bars.sessions import SessionDay
from shared.models.bar import EMPTY, Partial
from shared.models.daily import DailyBar

CHUNK = 5_000
"""Stored days that are read at a time, at most."""
_DAY = timedelta(days=1)


class TradeDates:
    """Raises StoreUnavailable."""

    def __init__(self, rows: DailyRows, days: Days, market: Market) -> None:
        self._rows, self._days, self._market = rows, days, market

    def read(
        self,
        sym: str,
        start: date,
        end: date,
        *,
        reverse: bool = False,
        most: int = CHUNK,
        as_of: datetime | None = None,
    ) -> Iterator[tuple[date, DailyBar]]:
        """(trade date, raw bar) of [start, end), in order or against it. Lazy; `most`: days that will be enough.

        `as_of`: what was known then, of stored days and of the minutes of those that were not stored yet.
        """
        last, chunk = end - _DAY, min(most, CHUNK)
        recent = sorted(session for session in self._recent() if start <= session.date <= last)
        if not recent:
            spans = [self._stored(sym, start, last, chunk, reverse=reverse, as_of=as_of)]
        else:
            first, newest = recent[0].date, recent[-1].date
            spans = [
                self._stored(sym, start, first - _DAY, chunk, reverse=reverse, as_of=as_of),
                self._looked_at(sym, recent, reverse=reverse, as_of=as_of),
                self._stored(sym, newest + _DAY, last, chunk, reverse=reverse, as_of=as_of),
            ]
        for span in reversed(spans) if reverse else spans:
            for bar in span:
                yield bar.day, bar

    def before(self, sym: str, day: date, as_of: datetime | None = None) -> DailyBar | None:
        """The last bar with prices of a date before a day."""
        earlier = self.read(sym, date.min, day, reverse=True, most=10, as_of=as_of)
        return next((bar for _, bar in earlier if bar.open is not None), None)

    def _recent(self) -> Iterable[SessionDay]:
        """The sessions whose days may not be stored yet."""
        moment = self._market.moment()
        sessions = (moment.session, *self._market.sessions_before(moment.now_ms))
        return {session for session in sessions if session is not None}

    def _stored(
        self, sym: str, start: date, last: date, chunk: int, *, reverse: bool, as_of: datetime | None
    ) -> Iterator[DailyBar]:
        while start <= last:
            rows = self._rows.bars(sym, start, last, reverse=reverse, limit=chunk, as_of=as_of)
            yield from rows
            if len(rows) < chunk:
                return
            start, last = (start, rows[-1].day - _DAY) if reverse else (rows[-1].day + _DAY, last)

    def _looked_at(
        self, sym: str, sessions: Sequence[SessionDay], *, reverse: bool, as_of: datetime | None
    ) -> Iterator[DailyBar]:
        stored = self._rows.bars(sym, sessions[0].date, sessions[-1].date, as_of=as_of)
        forming = self._from_minutes(sym, provisional(sessions, stored), as_of)
        yield from sorted([*stored, *forming], key=lambda bar: bar.day, reverse=reverse)

    def _from_minutes(self, sym: str, sessions: Sequence[SessionDay], as_of: datetime | None) -> Iterator[DailyBar]:
        if not sessions:
            return
        moment = self._market.moment()
        hours = self._days.hours([sym], moment.now_ms).get(sym, []) if as_of is None else []
        for session in sessions:
            if as_of is None:
                partial = self._days.day(sym, session, moment, hours)
            else:
                partial = self._days.known_then(sym, session, as_of)
            if partial != EMPTY:
                yield day_of(sym, session, partial)


def provisional(sessions: Iterable[SessionDay], stored: Iterable[DailyBar]) -> list[SessionDay]:
    """The sessions of which minutes tell: a day that is stored is settled, whatever its minutes say."""
    settled = {bar.day for bar in stored}
    return [session for session in sessions if session.date not in settled]


def day_of(sym: str, session: SessionDay, partial: Partial) -> DailyBar:
    """A day's bar of its minutes; without prices while no trade has set an open."""
    bar = present_day(session.start, partial)
    if bar is None:
        return DailyBar(sym, session.date, None, None, None, None, partial.volume, count=partial.count)
    return DailyBar(sym, session.date, *bar[1:])
