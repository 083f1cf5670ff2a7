"""History loaded once: what a plan names is fetched and stored unit by unit, from where an earlier run was stopped.

Fetching and storing are apart (batch_layer/fetch, batch_layer/load); here is what becomes of a unit.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from batch_layer.fetch.run import Outcome, Step, run
from batch_layer.fetch.units import Fetched, Unit
from batch_layer.load.migrate import migrate
from batch_layer.load.once import load_once
from batch_layer.load.rows import Loaded, load_daily, load_dividends, load_splits, load_tickers
from batch_layer.load.runs import finished
from batch_layer.load.statements import QUARANTINE
from shared.stores.postgres import Postgres

if TYPE_CHECKING:
    from psycopg import Connection

MIGRATE_S = 60.0
_RELATION = {
    "splits": "splits",
    "dividends": "dividends",
    "tickers": "tickers",
    "delisted": "tickers",
    "ticker": "tickers",
}


class Backfill:
    """`source`: where the history comes from, which is part of what a unit is. `known_at`: since when we know it."""

    def __init__(self, postgres: Postgres, source: str, known_at: datetime) -> None:
        self._postgres, self._source, self._known_at = postgres, source, known_at
        self.loaded = Loaded()

    def prepare(self) -> None:
        """The schema, as it is now. Raises StoreUnavailable, or PermanentError for a schema of other code."""
        self._postgres.run(migrate, MIGRATE_S)

    def done(self) -> set[str]:
        """Units that are stored."""
        return self._postgres.run(lambda connection: finished(connection, self._job))

    def symbols_on(self, day: date) -> int | None:
        """How many symbols have a bar of a trade date, None where nobody has asked for that day."""
        ((count,),) = self._postgres.rows("SELECT count(*) FROM bars_1d WHERE day = %s", (day,))
        return int(count) or None

    def run(
        self, units: Sequence[Unit], fetch: Callable[[Unit], Fetched], told: Callable[[Step], None] = lambda step: None
    ) -> Outcome:
        """Raises what `batch_layer.fetch.run.run` raises."""
        return run(units, self.done(), fetch, self._load, told)

    def _load(self, unit: Unit, fetched: Fetched) -> None:
        loaded = load_once(self._postgres, self._job, unit.id, partial(self._rows, unit, fetched))
        self.loaded = self.loaded.plus(loaded or Loaded())

    def _rows(self, unit: Unit, fetched: Fetched, connection: "Connection[tuple[Any, ...]]") -> Loaded:
        told: dict[str, Any] = {"source": self._source, "known_at": self._known_at}
        return (
            self._set_aside(unit, fetched, connection)
            .plus(load_daily(connection, fetched.bars, **told))
            .plus(load_splits(connection, fetched.splits, **told))
            .plus(load_dividends(connection, fetched.dividends, **told))
            .plus(load_tickers(connection, fetched.tickers, **told))
        )

    def _set_aside(self, unit: Unit, fetched: Fetched, connection: "Connection[tuple[Any, ...]]") -> Loaded:
        """Rows that the fetcher could not read, with their bytes as text."""
        relation = _RELATION.get(unit.kind, "bars_1d")
        rows = [
            (relation, one.reason, _text(one.row), self._source, self._known_at)  # in the order of the statement
            for one in fetched.refused
        ]
        with connection.cursor() as cursor:
            cursor.executemany(QUARANTINE, rows)
        return Loaded(rows=len(rows), reasons=Counter(one.reason for one in fetched.refused))

    @property
    def _job(self) -> str:
        return f"backfill {self._source}"


def _text(row: bytes) -> str:
    """What PostgreSQL's text can hold of any bytes."""
    return row.decode(errors="backslashreplace").replace("\0", "\\0")
