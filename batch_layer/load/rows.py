"""Loads of bars, splits, dividends and tickers: a repeat is a no-op, a change is a correction, nothing is lost.

Later knowledge takes the place of earlier, whatever came first; to hear again what is there already changes nothing,
its `known_at` stays when it was first known. A row that breaks a rule, or contradicts one that was known at the same
time, goes to the table `quarantine` with its reason; the others are loaded. Nothing here commits what the caller has
begun: a load and the mark that its unit is done (batch_layer/load/runs.py) are one transaction.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from batch_layer.load import statements
from batch_layer.load.ahead import ahead
from batch_layer.load.copying import Refused, blocks
from batch_layer.load.partitions import OwnMonths
from batch_layer.load.straight import Stream, copied, stream_of
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
    with connection.transaction():
        connection.execute(f"SET LOCAL work_mem = '{WORK_MEM}'".encode())
        for chunk in ahead(work.packed(iter(rows))):
            loaded = loaded.plus(work.take(chunk))
    return loaded


class _Staged(NamedTuple):
    """A COPY stream for staging, and the rows that cannot be in it."""

    blocks: list[bytes]
    refused: list[Refused]


class _Chunk(NamedTuple):
    """Rows, and one of the two ways they can go."""

    rows: list[Sequence[Any]]
    straight: Stream | None
    staged: _Staged | None


class _Load:
    """Rows of one table on their way, a chunk after another: straight into new months, else through staging."""

    def __init__(
        self, connection: "Connection", target: Target, source: str, known_at: datetime, rules: Mapping[str, str]
    ) -> None:
        self._connection, self._target, self._own_rules = connection, target, rules
        self._source, self._known_at = source, known_at
        self._months = OwnMonths(connection, target.table)
        self._new = bool(target.by) and not rules
        self._reasons: Counter[str] = Counter()

    def packed(self, rows: Iterator[Sequence[Any]]) -> Iterator[_Chunk]:
        """The rows by CHUNK_ROWS, for the way that the last chunk went."""
        while chunk := list(islice(rows, CHUNK_ROWS)):
            straight = stream_of(self._target, chunk, self._source, self._known_at) if self._new else None
            yield _Chunk(chunk, straight, self._staged(chunk) if straight is None else None)

    def _staged(self, rows: list[Sequence[Any]]) -> _Staged:
        refused: list[Refused] = []
        encoders = [(name, kind.encode) for name, kind in self._target.columns.items()]
        return _Staged(list(blocks(rows, encoders, refused.append)), refused)

    def take(self, chunk: _Chunk) -> Loaded:
        if chunk.straight is not None and copied(self._connection, self._target, chunk.straight, self._months):
            if self._target.due:
                due = statements.note_due(self._target, staged=False)
                self._connection.execute(due.encode(), {"days": chunk.straight.days})
            return Loaded(len(chunk.rows), added=len(chunk.rows))
        return self._through_staging(chunk.staged or self._staged(chunk.rows))

    def _through_staging(self, chunk: _Staged) -> Loaded:
        self._reasons.clear()
        given = self._stage(chunk)
        for reason, count in self._rows(statements.set_aside(self._target, self._rules())):
            self._reasons[reason] += count
        added = changed = outdated = 0
        if given > sum(self._reasons.values()):
            span = self._make_months() if self._target.by else {}
            differing, written, changed = self._row(statements.upsert(self._target), **span)
            added = written - changed
            if differing > written or changed:  # a change may have made a repeat of the old row a contradiction
                conflicts, outdated = self._row(statements.left_over(self._target), **span)
                self._reasons += Counter(conflict=conflicts)
            if written and self._target.due:
                self._connection.execute(statements.note_due(self._target, staged=True).encode())
        self._connection.execute(f"DROP TABLE {statements.staging(self._target)}".encode())
        return Loaded(given, added, changed, outdated, dict(self._reasons))

    def _stage(self, chunk: _Staged) -> int:
        """Copy the rows to staging; how many there were, those that cannot be copied included."""
        with self._connection.cursor() as cursor:
            cursor.execute(statements.create_staging(self._target).encode())
            with cursor.copy(statements.copy_in(self._target).encode()) as copy:
                for block in chunk.blocks:
                    copy.write(block)
            copied_rows = cursor.rowcount
            cursor.executemany(statements.QUARANTINE, [self._quarantined(one) for one in chunk.refused])
        self._reasons.update(one.reason for one in chunk.refused)
        return copied_rows + len(chunk.refused)

    def _quarantined(self, one: Refused) -> tuple[object, ...]:
        row = dict(zip(self._target.columns, one.row, strict=False))
        text = json.dumps(row, default=repr)
        return self._target.table, one.reason, text, self._source, self._known_at

    def _rules(self) -> dict[str, str]:
        columns = {"table": self._target.table, "columns": list(self._target.columns)}
        return {**dict(self._connection.execute(statements.RULES, columns).fetchall()), **self._own_rules}

    def _make_months(self) -> dict[str, Any]:
        """The months of what is staged; its first and last day or time."""
        since, through, months = self._row(statements.months(self._target))
        self._new = self._months.make(months or ()) and not self._own_rules
        return {"since": since, "through": through}

    def _row(self, statement: str, **more: Any) -> tuple[Any, ...]:
        (row,) = self._rows(statement, **more)
        return row

    def _rows(self, statement: str, **more: Any) -> list[tuple[Any, ...]]:
        parameters = {"source": self._source, "known_at": self._known_at, **more}
        return self._connection.execute(statement.encode(), parameters).fetchall()
