"""The database of a state folder, started for as long as a command needs it; no platform may run on the folder."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from batch_layer.load.migrate import MIGRATE_S, migrate
from local_dev.cli.logs import log_to
from local_dev.runtime.postgres import start_postgres, stop_postgres
from local_dev.runtime.processes import Supervisor
from local_dev.runtime.state import Source, StateFolder, open_state
from shared.stores.postgres import Postgres


class Database(NamedTuple):
    state: StateFolder
    supervisor: Supervisor
    postgres: Postgres


@contextmanager
def database(folder: Path) -> Iterator[Database]:
    """With its schema brought up to date. Raises WrongState, ServerNotReady, StoreUnavailable, PermanentError."""
    with ExitStack() as stack:
        state = open_state(folder, Source("none"), fresh=False)
        stack.callback(state.close)
        log_to(state.logs)
        supervisor = Supervisor(state.logs)
        stack.callback(supervisor.stop)
        server = start_postgres(supervisor, state.path)
        stack.callback(stop_postgres, supervisor, server)
        postgres = Postgres(server.conninfo)
        postgres.run(migrate, MIGRATE_S)
        yield Database(state, supervisor, postgres)
