"""Loads of bars, splits, dividends and tickers: a repeat is a no-op, a change is a correction, nothing is lost.

Later knowledge takes the place of earlier, whatever came first; to hear again what is there already changes nothing,
its `known_at` stays when it was first known. A row that breaks a rule, or contradicts one that was known at the same
time, goes to the table `quarantine` with its reason; the others are loaded. Nothing here commits what the caller has
begun: a load and the mark that its unit is done (batch_layer/load/runs.py) are one transaction.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from batch_layer.load import statements
from batch_layer.load.ahead import ahead
from batch_layer.load.copying import Packed, Refused, packed
from batch_layer.load.partitions import ensure_months
from batch_layer.load.targets import BARS_1D, DIVIDENDS, SPLITS, TICKERS, Target
from shared.models.daily import DailyBar, Dividend, Split, Ticker

if TYPE_CHECKING:
    from psycopg import Connection

CHUNK_ROWS = 25_000
"""Rows staged at once. While the database has one chunk the next is encoded, so that both are at work."""
WORK_MEM = "128MB"
NO_RULES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Loaded:
    """What became of `rows` rows: `added`, `changed` (a correction each), `outdated` (later values are there already),
    `quarantined` by reason; the others were there as they are."""

    rows: int = 0
    added: int = 0
    changed: int = 0
    outdated: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def quarantined(self) -> int:
        return sum(self.reasons.values())

    def summary(self) -> dict[str, object]:
        """For people, in the detail of a finished unit."""
        return asdict(self)

    def plus(self, other: "Loaded") -> "Loaded":
        return Loaded(
            self.rows + other.rows,
            self.added + other.added,
            self.changed + other.changed,
            self.outdated + other.outdated,
            dict(Counter(self.reasons) + Counter(other.reasons)),
        )


def load_daily(connection: "Connection", bars: Iterable[DailyBar], *, source: str, known_at: datetime) -> Loaded:
    """Daily bars. `source`: who says so; `known_at`: since when we know."""
    return load(connection, BARS_1D, bars, source, known_at)


def load_splits(connection: "Connection", splits: Iterable[Split], *, source: str, known_at: datetime) -> Loaded:
    """Splits, each known since its own `known_at`; the other is for what is quarantined."""
    return load(connection, SPLITS, splits, source, known_at)


def load_dividends(
    connection: "Connection", dividends: Iterable[Dividend], *, source: str, known_at: datetime
) -> Loaded:
    """Dividends, each known since its own `known_at`; the other is for what is quarantined."""
    return load(connection, DIVIDENDS, dividends, source, known_at)


def load_tickers(connection: "Connection", tickers: Iterable[Ticker], *, source: str, known_at: datetime) -> Loaded:
    """Listings, one a symbol: the active one, else the one delisted last."""
    return load(connection, TICKERS, tickers, source, known_at)


def load(
    connection: "Connection",
    target: Target,
    rows: Iterable[Sequence[Any]],
    source: str,
    known_at: datetime,
    *,
    rules: Mapping[str, str] = NO_RULES,
) -> Loaded:
    """Rows of any table. `rules`: what this load demands beside the table's own checks, condition (SQL) -> name."""
    work, loaded = _Load(connection, target, source, known_at, rules), Loaded()
    encoders = [(name, kind.encode) for name, kind in target.columns.items()]
    with connection.transaction():
        connection.execute(f"SET LOCAL work_mem = '{WORK_MEM}'".encode())
        for chunk in ahead(packed(iter(rows), encoders, CHUNK_ROWS)):
            loaded = loaded.plus(work.take(chunk))
    return loaded


class _Load:
    """Rows of one table on their way through staging, a chunk after another."""

    def __init__(
        self, connection: "Connection", target: Target, source: str, known_at: datetime, rules: Mapping[str, str]
    ) -> None:
        self._connection, self._target, self._own_rules = connection, target, rules
        self._parameters: dict[str, Any] = {"source": source, "known_at": known_at}
        self._own_months: set[date] = set()
        self._reasons: Counter[str] = Counter()

    def take(self, chunk: Packed) -> Loaded:
        self._reasons.clear()
        given = self._stage(chunk)
        filled = self._filled()
        if filled is None or filled < given - sum(self._reasons.values()):  # of two with one key, one may break a rule
            for reason, count in self._rows(statements.set_aside(self._target, self._rules())):
                self._reasons[reason] += count
        staged = given - sum(self._reasons.values())
        added = changed = outdated = 0
        if staged:
            if filled is not None:
                differing, written = staged, filled
            else:
                if self._target.by:
                    self._make_months()
                differing, written, changed = self._row(statements.upsert(self._target))
            added = written - changed
            if differing > written or changed:  # a change may have made a repeat of the old row a contradiction
                conflicts, outdated = self._row(statements.left_over(self._target))
                self._reasons += Counter(conflict=conflicts)
            if written and self._target.due:
                self._connection.execute(statements.note_due(self._target).encode())
        self._connection.execute(f"DROP TABLE {statements.staging(self._target)}".encode())
        return Loaded(given, added, changed, outdated, dict(self._reasons))

    def _filled(self) -> int | None:
        """How many rows were written to months of our own, where there is nothing to look for; None, with none written,
        where a month or a row was there already or a row breaks one of the table's rules: to find out which takes half
        as long again."""
        from psycopg import DataError, IntegrityError  # noqa: PLC0415  (who loads nothing needs no driver)

        if not self._target.by or self._own_rules:
            return None
        try:
            with self._connection.transaction():
                months = self._make_months()
                if months is None:
                    return None
                filled = self._connection.execute(statements.fill(self._target).encode(), self._parameters).rowcount
        except (DataError, IntegrityError):
            return None
        self._own_months |= months
        return filled

    def _stage(self, chunk: Packed) -> int:
        """Copy the rows to staging; how many there were, those that cannot be copied included."""
        with self._connection.cursor() as cursor:
            cursor.execute(statements.create_staging(self._target).encode())
            with cursor.copy(statements.copy_in(self._target).encode()) as copy:
                for block in chunk.blocks:
                    copy.write(block)
            copied = cursor.rowcount
            cursor.executemany(statements.QUARANTINE, [self._quarantined(one) for one in chunk.refused])
        self._reasons.update(one.reason for one in chunk.refused)
        return copied + len(chunk.refused)

    def _quarantined(self, one: Refused) -> tuple[object, ...]:
        row = dict(zip(self._target.columns, one.row, strict=False))
        text = json.dumps(row, default=repr)
        return self._target.table, one.reason, text, self._parameters["source"], self._parameters["known_at"]

    def _rules(self) -> dict[str, str]:
        columns = {"table": self._target.table, "columns": list(self._target.columns)}
        return {**dict(self._connection.execute(statements.RULES, columns).fetchall()), **self._own_rules}

    def _make_months(self) -> set[date] | None:
        """Make what is missing of the months; all of them where this load has made them: until it commits they are its
        alone. None where one was there before."""
        since, through, found = self._row(statements.months(self._target))
        self._parameters.update(since=since, through=through)
        months = set(found or ())
        others = months - self._own_months
        return months if ensure_months(self._connection, self._target.table, others) == len(others) else None

    def _row(self, statement: str) -> tuple[Any, ...]:
        (row,) = self._rows(statement)
        return row

    def _rows(self, statement: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement.encode(), self._parameters).fetchall()
