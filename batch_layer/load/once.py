"""A unit of work in one transaction, done again when the transaction was undone or its end is unknown."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from batch_layer.load.rows import Loaded
from batch_layer.load.runs import finish, finished
from shared.stores.postgres import ConnectionLost, Interrupted, Postgres

if TYPE_CHECKING:
    from psycopg import Connection

R = TypeVar("R")
BUDGET_S = 600.0
"""Of one transaction: a month of the whole market takes a tenth of it."""
PAUSES_S = (0.5, 2.0, 8.0)
"""Before each further try: a server that recovers from a crash refuses connections for some seconds."""


def in_transaction(
    postgres: Postgres,
    work: Callable[["Connection[tuple[Any, ...]]"], R],
    *,
    budget_s: float = BUDGET_S,
    sleep: Callable[[float], None] = time.sleep,
    pauses_s: Sequence[float] = PAUSES_S,
) -> R:
    """What `work` makes of one transaction; repeated after a deadlock, a lost connection or a change of writer.

    A connection lost at the commit leaves open whether it happened, so `work` must do no harm when done twice. Raises
    StoreUnavailable when no try succeeded.
    """

    def transaction(connection: "Connection[tuple[Any, ...]]") -> R:
        with connection.transaction():
            return work(connection)

    for pause in pauses_s:
        try:
            return postgres.run(transaction, budget_s)
        except (ConnectionLost, Interrupted):
            sleep(pause)
    return postgres.run(transaction, budget_s)


def load_once(
    postgres: Postgres,
    job: str,
    unit: str,
    load: Callable[["Connection[tuple[Any, ...]]"], Loaded],
    *,
    budget_s: float = BUDGET_S,
    sleep: Callable[[float], None] = time.sleep,
) -> Loaded | None:
    """Load a unit and mark it done, both or neither; None when it was done before, and then `load` is not called."""

    def work(connection: "Connection[tuple[Any, ...]]") -> Loaded | None:
        if unit in finished(connection, job):
            return None
        loaded = load(connection)
        finish(connection, job, unit, loaded.summary())
        return loaded

    return in_transaction(postgres, work, budget_s=budget_s, sleep=sleep)
