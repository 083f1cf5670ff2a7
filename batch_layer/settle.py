"""Settling a trade date: its minutes are committed to the batch view, then the date is marked settled.

In this order a reader finds the date whole at every moment: while it is not marked, in the speed rows; from then on in
the batch rows. Cut off between the two, or anywhere else, it is done again: what is there already is left as it is.
"""

import time
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Protocol

from batch_layer.load.minutes import load_minutes
from batch_layer.load.once import BUDGET_S, PAUSES_S, in_transaction
from batch_layer.load.rows import Loaded
from shared.models.bar import Minute
from shared.stores.postgres import Postgres
from shared.stores.settled import MINUTES


class Settling(Protocol):
    """Marks a trade date settled, unless it was settled by later knowledge (shared/stores/settled.py)."""

    def settle(self, timeframe: str, day: date, *, known_at: datetime, source: str) -> bool: ...


def settle(
    postgres: Postgres,
    settled: Settling,
    day: date,
    minutes: Iterable[Minute],
    *,
    source: str,
    known_at: datetime,
    budget_s: float = BUDGET_S,
    sleep: Callable[[float], None] = time.sleep,
) -> Loaded:
    """Settle a trade date for all symbols; what became of its minutes.

    `minutes`: all of the date. They are gone through again after a lost connection; an iterator has only one go, so
    with one it is the caller who begins again. Raises StoreUnavailable when a store did not take them, and what comes
    of the minutes; then the date is as settled as it was before.
    """
    loaded = in_transaction(
        postgres,
        lambda connection: load_minutes(connection, day, minutes, source=source, known_at=known_at),
        budget_s=budget_s,
        sleep=sleep,
        pauses_s=() if iter(minutes) is minutes else PAUSES_S,
    )
    settled.settle(MINUTES, day, known_at=known_at, source=source)
    return loaded
