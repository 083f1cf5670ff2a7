"""Months of the partitioned tables, made before they are written to."""

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psycopg import Connection


def ensure_partitions(connection: "Connection", table: str, since: date, through: date) -> int:
    """Make the months of `table` (bars_1m, bars_1d) that hold [since, through]; how many were missing."""
    return _number(connection, "SELECT ensure_partitions(%s, %s, %s)", table, since, through)


def ensure_months(connection: "Connection", table: str, days: Iterable[date]) -> int:
    """Make the months that hold `days`, and no others."""
    return sum(ensure_partitions(connection, table, day, day) for day in sorted({day.replace(day=1) for day in days}))


class OwnMonths:
    """Months of a table that one transaction has made itself: until it commits, nobody else has rows there."""

    def __init__(self, connection: "Connection", table: str) -> None:
        self._connection, self._table = connection, table
        self._own: frozenset[date] = frozenset()

    def make(self, days: Iterable[date]) -> bool:
        """Make the months that hold `days` where they are missing; whether all of them are our own."""
        others = {day.replace(day=1) for day in days} - self._own
        if ensure_months(self._connection, self._table, others) < len(others):
            return False
        self._own |= others
        return True

    def kept(self) -> frozenset[date]:
        """For `undo`, once what was made since is rolled back."""
        return self._own

    def undo(self, kept: frozenset[date]) -> None:
        self._own = kept


def drop_partitions(connection: "Connection", table: str, before: date) -> int:
    """Drop the months that end before `before`, with their rows; how many."""
    return _number(connection, "SELECT drop_partitions(%s, %s)", table, before)


def _number(connection: "Connection", query: str, *parameters: object) -> int:
    row = connection.execute(query.encode(), parameters).fetchone()
    return int(row[0]) if row else 0
