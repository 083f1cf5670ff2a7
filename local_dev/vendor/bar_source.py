"""Where the bars that REST serves come from, and the tables of a folder as such a source."""

import bisect
from datetime import date
from typing import Protocol

from local_dev.vendor.tables import BarRow, Tables


class BarSource(Protocol):
    """Bars as the vendor published them, not adjusted."""

    async def days(self, ticker: str, start_ms: int, end_ms: int) -> list[BarRow]:
        """Daily bars that begin in [start_ms, end_ms), oldest first."""
        ...

    async def minutes(self, ticker: str, start_ms: int, end_ms: int) -> list[BarRow]:
        """Minute bars that begin in [start_ms, end_ms), oldest first."""
        ...

    async def market(self, day: date) -> list[tuple[str, BarRow]]:
        """The daily bars of a trade date with their symbols, by symbol."""
        ...


class TableBars:
    """Bars that lie in a folder are history: they are served whole, wherever the clock of the trades stands."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def days(self, ticker: str, start_ms: int, end_ms: int) -> list[BarRow]:
        return _between(self._tables.daily.get(ticker, []), start_ms, end_ms)

    async def minutes(self, ticker: str, start_ms: int, end_ms: int) -> list[BarRow]:
        return _between(self._tables.minute.get(ticker, []), start_ms, end_ms)

    async def market(self, day: date) -> list[tuple[str, BarRow]]:
        return self._tables.grouped.get(day, [])


def _between(rows: list[BarRow], start: int, end: int) -> list[BarRow]:
    first = bisect.bisect_left(rows, start, key=lambda row: row.t_ms)
    return rows[first : bisect.bisect_left(rows, end, key=lambda row: row.t_ms)]
