"""A real PostgreSQL of this test process, started when first asked for; a new database for every test.

Fixtures for a conftest to import. The database `migrated` is made once and copied, which takes a tenth of a second.
"""

import atexit
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from batch_layer.load.migrate import migrate
from local_dev.runtime.postgres import QUICK_AND_LOSSY, PostgresServer, start_postgres, stop_postgres
from local_dev.runtime.processes import Supervisor

TEMPLATE = "migrated"
_numbers = count()


@lru_cache(maxsize=1)
def shared_server() -> PostgresServer:
    """The server of this process, with the migrated template."""
    folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    supervisor = Supervisor(Path(folder.name) / "logs")
    server = start_postgres(supervisor, Path(folder.name), extra=QUICK_AND_LOSSY)

    def end() -> None:
        stop_postgres(supervisor, server)
        supervisor.stop()
        folder.cleanup()

    atexit.register(end)
    with connect(server.conninfo) as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE}")
    with connect(server.conninfo, TEMPLATE) as connection:
        migrate(connection)
    return server


def connect(conninfo: str, database: str | None = None) -> "psycopg.Connection[tuple[Any, ...]]":
    """A connection that commits each statement outside of `transaction()`, as the platform's do."""
    return psycopg.connect(
        psycopg.conninfo.make_conninfo(conninfo, **({"dbname": database} if database else {})), autocommit=True
    )


@contextmanager
def fresh_database(template: str) -> Iterator[str]:
    """The conninfo of a new copy of a database."""
    server, name = shared_server(), f"test_{next(_numbers)}"
    with connect(server.conninfo) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
    yield psycopg.conninfo.make_conninfo(server.conninfo, dbname=name)
    with connect(server.conninfo) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def database() -> Iterator[str]:
    """The conninfo of a database of this test's own, with the schema."""
    with fresh_database(TEMPLATE) as conninfo:
        yield conninfo


@pytest.fixture
def empty_database() -> Iterator[str]:
    """The conninfo of a database of this test's own, with nothing in it."""
    with fresh_database("template1") as conninfo:
        yield conninfo


@pytest.fixture
def connection(database: str) -> Iterator["psycopg.Connection[tuple[Any, ...]]"]:
    """A connection to `database`."""
    with connect(database) as connection:
        yield connection


def tree(pid: int) -> list[int]:
    """A process and all below it, Linux."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(below for child in children for below in tree(int(child)))]


@contextmanager
def stalled(server: PostgresServer) -> Iterator[None]:
    """It holds its connections and answers nothing. The whole tree is stopped: a backend is a process of its own."""
    stopped = tree(server.child.pid)
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in reversed(stopped):
            os.kill(pid, signal.SIGCONT)


def kill(server: PostgresServer) -> None:
    """End all of it at once, and wait until the supervisor has started it anew and it takes connections."""
    starts = server.child.starts
    for pid in tree(server.child.pid):
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if server.child.starts > starts:
            try:
                connect(server.conninfo).close()
            except psycopg.OperationalError:
                pass
            else:
                return
        time.sleep(0.02)
    raise TimeoutError("the killed server did not come back")
