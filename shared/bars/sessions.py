"""The session table: which New York dates trade, and when the regular session opens and closes.

Frozen from `exchange_calendars` (XNYS) by `python -m tests.tools.freeze_sessions`; a test compares the two. Every
weekday between the table's ends is a session unless listed as closed; early closes carry their time.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

from shared.bars.windows import HOUR_MS, NEW_YORK, new_york_date, new_york_midnight_ms
from shared.errors import PermanentError

REGULAR_OPEN = time(9, 30)
REGULAR_CLOSE = time(16, 0)
PRE_MARKET = time(4, 0)
POST_MARKET_MS = 4 * HOUR_MS
"""How long trades still come after the regular session: until 20:00, on half days until 17:00 New York."""
FRIDAY = 4


class SessionDay(NamedTuple):
    """One trade date; times in Unix ms, starts included, ends excluded; `start` and `end` are New York midnights."""

    date: date
    start: int
    regular_open: int
    regular_close: int
    end: int

    @property
    def extended_open(self) -> int:
        """From when on (Unix ms) trades may come: 04:00 New York, or midnight where the market never closes."""
        return min(_at(self.date, PRE_MARKET), self.regular_open)

    @property
    def extended_close(self) -> int:
        """From when on (Unix ms) no trade of this date is expected."""
        return min(self.regular_close + POST_MARKET_MS, self.end)

    def is_regular(self, t_ms: int) -> bool:
        return self.regular_open <= t_ms < self.regular_close


class SessionTable:
    """Trade dates of one market."""

    def __init__(self, first: date, last: date, closed: frozenset[date], early_closes: Mapping[date, time]) -> None:
        self.first, self.last = first, last
        self._closed = closed
        self._early_closes = early_closes

    def trades_on(self, day: date) -> bool:
        """Whether a date has a session; quicker than to ask for its times."""
        return self.first <= day <= self.last and day.weekday() <= FRIDAY and day not in self._closed

    def day(self, day: date) -> SessionDay | None:
        """The session of a trade date, None where the market is closed or the table has no answer."""
        if not self.trades_on(day):
            return None
        close = self._early_closes.get(day, REGULAR_CLOSE)
        return SessionDay(
            date=day,
            start=new_york_midnight_ms(day),
            regular_open=_at(day, REGULAR_OPEN),
            regular_close=_at(day, close),
            end=new_york_midnight_ms(day + timedelta(days=1)),
        )

    def day_of(self, t_ms: int) -> SessionDay | None:
        """The session whose New York date holds an instant."""
        return self.day(new_york_date(t_ms))

    def before(self, day: date) -> date | None:
        """The last trade date before one, None where the table has none."""
        while day > self.first:
            day -= timedelta(days=1)
            if self.trades_on(day):
                return day
        return None

    def between(self, first: date, last: date) -> Iterator[date]:
        """The trade dates of [first, last], both included, in order."""
        days = (first + timedelta(days=number) for number in range((last - first).days + 1))
        return filter(self.trades_on, days)

    def days_left(self, today: date) -> int:
        """How far ahead the table reaches: warn under 400 days, refuse to build under 60."""
        return (self.last - today).days


class AlwaysOpen(SessionTable):
    """The simulator's market: every date trades, and all of it is the regular session."""

    def __init__(self) -> None:
        super().__init__(date(2000, 1, 1), date(2099, 12, 31), frozenset(), {})

    def trades_on(self, day: date) -> bool:
        return self.first <= day <= self.last

    def day(self, day: date) -> SessionDay | None:
        if not self.trades_on(day):
            return None
        start, end = new_york_midnight_ms(day), new_york_midnight_ms(day + timedelta(days=1))
        return SessionDay(day, start, start, end, end)


def _at(day: date, at: time) -> int:
    return int(datetime.combine(day, at, NEW_YORK).timestamp()) * 1000


@lru_cache(maxsize=1)
def new_york_sessions() -> SessionTable:
    """The frozen table of the New York stock exchanges."""
    table = json.loads(resources.files("shared.bars").joinpath("sessions.json").read_text())
    return SessionTable(
        first=date.fromisoformat(table["first"]),
        last=date.fromisoformat(table["last"]),
        closed=frozenset(date.fromisoformat(day) for day in table["closed"]),
        early_closes={date.fromisoformat(day): time.fromisoformat(at) for day, at in table["early_closes"].items()},
    )


XNYS, SIMULATED = "XNYS", "SIMULATED"
_TABLES: dict[str, Callable[[], SessionTable]] = {
    XNYS: new_york_sessions,
    SIMULATED: lru_cache(maxsize=1)(AlwaysOpen),
}


def sessions_named(name: str) -> SessionTable:
    """The session table that a setting names: `XNYS`, or `SIMULATED` for the simulator's market.

    Raises PermanentError for another name.
    """
    if name not in _TABLES:
        raise PermanentError(f"SESSIONS must be one of {', '.join(_TABLES)}, was {name[:40]!r}")
    return _TABLES[name]()
