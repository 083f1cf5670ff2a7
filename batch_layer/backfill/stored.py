"""What a plan names, fetched and stored unit by unit, from where an earlier run was stopped.

Fetching and storing are apart (batch_layer/fetch, batch_layer/load); here is what becomes of a unit.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from batch_layer.fetch.run import Outcome, Step, run
from batch_layer.fetch.units import Fetched, Unit
from batch_layer.load.fetched import load_fetched
from batch_layer.load.once import load_once
from batch_layer.load.rows import Loaded
from batch_layer.load.runs import finished
from shared.stores.postgres import Postgres

if TYPE_CHECKING:
    from psycopg import Connection

VENDOR = "vendor"
"""The source that is asked for history unless another is named, wherever the backfill runs."""
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
        relation = _RELATION.get(unit.kind, "bars_1d")
        return load_fetched(connection, relation, fetched, source=self._source, known_at=self._known_at)

    @property
    def _job(self) -> str:
        return f"backfill {self._source}"
