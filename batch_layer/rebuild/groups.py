"""Which exchange sessions make one bar: 3, 5, 8, 13, 21 or 34 of them counted from one day, a week's or a month's."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from functools import partial
from types import MappingProxyType
from typing import Final

import polars as pl

from shared.bars.calendar_windows import number_of
from shared.bars.sessions import SessionTable

ANCHOR: Final = date(1995, 1, 3)
"""Where sessions are counted from, for all symbols: the first one that the frozen session table knows, before any bar a
vendor offers. It is written down here, not asked of the table: a table that begins earlier must not move every group.
"""
MOST_SESSIONS: Final = 34
COUNTED: Final = (3, 5, 8, 13, 21, MOST_SESSIONS)
_Number = Callable[[int, date], int]


def _counted(size: int, index: int, day: date) -> int:
    return index // size


def _of_calendar(unit: str, index: int, day: date) -> int:
    return number_of(unit, day)


_NUMBERS: Final[Mapping[str, _Number]] = MappingProxyType(
    {f"{size}d": partial(_counted, size) for size in COUNTED}
    | {unit: partial(_of_calendar, unit) for unit in ("week", "month")}
)
TIMEFRAMES: Final = tuple(_NUMBERS)
"""As `bars_nd` names them."""


def sessions_of(table: SessionTable) -> list[date]:
    """The trade dates that can be grouped: all from the anchor on."""
    first = max(ANCHOR, table.first)
    days = (first + timedelta(days=n) for n in range((table.last - first).days + 1))
    return [day for day in days if table.day(day)]


def groups(sessions: list[date], timeframe: str) -> pl.DataFrame:
    """One row a session: `session`, and its group's first and last session, `day` and `last_day`.

    The table reaches at least 60 days ahead (SessionTable.days_left), further than a group: only groups nobody has a
    bar of can be cut by its end.
    """
    rows = [(group[0], group[-1]) for group in _runs(sessions, _NUMBERS[timeframe]) for _ in group]
    ends = pl.DataFrame(rows, schema={"day": pl.Date, "last_day": pl.Date}, orient="row")
    return ends.insert_column(0, pl.Series("session", sessions, pl.Date))


def _runs(sessions: list[date], number: _Number) -> Iterator[list[date]]:
    group: list[date] = []
    of: int | None = None
    for index, day in enumerate(sessions):
        if number(index, day) != of and group:
            yield group
            group = []
        group.append(day)
        of = number(index, day)
    if group:
        yield group
