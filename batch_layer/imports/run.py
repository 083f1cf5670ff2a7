"""A file into the database, batch by batch: a repeat, or a run after one that was stopped, changes nothing twice."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from batch_layer.fetch.units import Fetched
from batch_layer.imports.bars import Bar, Kind, Wrong
from batch_layer.load.fetched import load_fetched
from batch_layer.load.minutes import load_bars_1m
from batch_layer.load.once import in_transaction
from batch_layer.load.rows import Loaded
from shared.bars.windows import new_york_date
from shared.models.bar import MinuteBar
from shared.models.daily import DailyBar
from shared.stores.postgres import Postgres

if TYPE_CHECKING:
    from psycopg import Connection

SOURCE = "import"
RELATIONS: Mapping[Kind, str] = {"daily": "bars_1d", "minute": "bars_1m"}
BATCH_ROWS = 100_000
SHOWN = 10
"""Of the rows that break a rule, how many are told with their lines."""


@dataclass
class Imported:
    """What came of a file so far. `bars`: rows that can be used; `first` and `last`: their trade dates."""

    bars: int = 0
    symbols: set[str] = field(default_factory=set)
    first: date | None = None
    last: date | None = None
    reasons: Counter[str] = field(default_factory=Counter)
    shown: list[Wrong] = field(default_factory=list)
    loaded: Loaded = field(default_factory=Loaded)

    def note(self, rows: Iterable[Bar | Wrong]) -> None:
        for row in rows:
            if isinstance(row, Wrong):
                self.reasons[row.refused.reason] += 1
                self.shown += [row] if len(self.shown) < SHOWN else []
            else:
                self.bars += 1
                self.symbols.add(row.sym)
                day = row.day if isinstance(row, DailyBar) else new_york_date(row.t)
                self.first = day if self.first is None else min(self.first, day)
                self.last = day if self.last is None else max(self.last, day)


def import_rows(postgres: Postgres, kind: Kind, rows: Iterator[Bar | Wrong], known_at: datetime) -> Imported:
    """Store the bars and set the others aside; each batch is stored whole or not at all.

    Later values than those there take their place, as corrections. Minutes settle nothing. Raises WrongFile,
    StoreUnavailable.
    """
    imported = Imported()
    for batch in _batches(rows):
        loaded = in_transaction(postgres, lambda connection: _load(connection, kind, batch, known_at))  # noqa: B023 -- called at once
        imported.note(batch)
        imported.loaded = imported.loaded.plus(loaded)
    return imported


def _batches(rows: Iterator[Bar | Wrong]) -> Iterator[list[Bar | Wrong]]:
    while batch := list(islice(rows, BATCH_ROWS)):
        yield batch


def _load(
    connection: "Connection[tuple[Any, ...]]", kind: Kind, batch: Sequence[Bar | Wrong], known_at: datetime
) -> Loaded:
    told: dict[str, Any] = {"source": SOURCE, "known_at": known_at}
    days = [row for row in batch if isinstance(row, DailyBar)]
    minutes = [row for row in batch if isinstance(row, MinuteBar)]
    fetched = Fetched(bars=days, refused=[row.refused for row in batch if isinstance(row, Wrong)])
    loaded = load_fetched(connection, RELATIONS[kind], fetched, **told)
    return loaded.plus(load_bars_1m(connection, minutes, **told))
