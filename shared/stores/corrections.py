"""What was known before: rows whose values changed, as they were and as they became, from PostgreSQL."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from shared.stores.postgres import Postgres

RELATIONS = ("bars_1m", "bars_1d", "bars_nd", "splits", "dividends", "tickers")
COLUMNS = ("relation", "sym", "day", "known_at")
"""What conditions may be about."""
COMPARISONS = ("=", ">=", ">", "<=", "<")


class Condition(NamedTuple):
    column: str
    comparison: str
    value: object


class Correction(NamedTuple):
    """A change of a row of `relation`; ids grow with the time of the change. `day`: its trade date, None for tickers.
    `old` and `new`: the row before and after, JSON objects as text. `known_at`: of the new one."""

    id: int
    relation: str
    sym: str
    day: date | None
    old: str
    new: str
    source: str
    known_at: datetime


class CorrectionStore:
    """Raises StoreUnavailable when the database does not answer in time."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def corrections(
        self, conditions: Sequence[Condition] = (), *, after: int | None = None, reverse: bool = False, limit: int
    ) -> list[Correction]:
        """Those that fit all conditions, by id or against it; the first `limit` of them that come after an id."""
        for column, comparison, _ in conditions:
            if column not in COLUMNS or comparison not in COMPARISONS:
                raise ValueError(f"no condition: {column} {comparison}")
        where = [f"{column} {comparison} %s" for column, comparison, _ in conditions]
        values: list[Any] = [value for _, _, value in conditions]
        if after is not None:
            where.append(f"id {'<' if reverse else '>'} %s")
            values.append(after)
        wanted = " AND ".join(["true", *where])
        direction = "DESC" if reverse else "ASC"
        query = f"""
            SELECT id, relation, sym, day, (old - 'partial')::text, (new - 'partial')::text, source, known_at
            FROM corrections WHERE {wanted} ORDER BY id {direction} LIMIT %s
        """  # noqa: S608  (columns and comparisons are of the lists above; values travel apart)
        return [Correction(*row) for row in self._postgres.rows(query, (*values, limit))]
