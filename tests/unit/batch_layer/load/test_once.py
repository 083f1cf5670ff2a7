import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest

from batch_layer.load.migrate import migrate
from batch_layer.load.once import PAUSES_S, in_transaction, load_once
from batch_layer.load.rows import Loaded, load_daily
from batch_layer.load.runs import finish, finished
from local_dev.runtime.postgres import QUICK_AND_LOSSY, PostgresServer, start_postgres
from local_dev.runtime.processes import Supervisor
from shared.errors import StoreUnavailable
from shared.models.daily import DailyBar
from shared.stores.postgres import Interrupted, Postgres
from tests.conftest import ROOT
from tests.fakes.postgres import connect, kill, stalled

Connection = psycopg.Connection[tuple[Any, ...]]
KNOWN = datetime(2026, 3, 3, tzinfo=UTC)
DAY = date(2026, 3, 2)
BARS = [DailyBar(f"S{n}", DAY, 10, 12, 9, 11, n, 10, n) for n in range(50)]


def load(connection: Connection) -> Loaded:
    return load_daily(connection, BARS, source="rest", known_at=KNOWN)


def count(conninfo: str) -> int:
    with connect(conninfo) as connection:
        return connection.execute("SELECT count(*) FROM bars_1d").fetchone()[0]  # type: ignore[index, no-any-return]


def test_a_unit_is_loaded_once_and_says_what_came_of_it(database: str) -> None:
    postgres = Postgres(database)
    assert load_once(postgres, "daily", "2026-03-02", load) == Loaded(rows=50, added=50)
    assert load_once(postgres, "daily", "2026-03-02", load) is None
    assert load_once(postgres, "again", "2026-03-02", load) == Loaded(rows=50)
    assert postgres.rows("SELECT detail ->> 'added' FROM runs WHERE job = 'daily'") == [("50",)]
    postgres.close()


def test_a_load_that_fails_leaves_neither_rows_nor_mark(database: str) -> None:
    def fail(connection: Connection) -> Loaded:
        load(connection)
        raise KeyError("later")

    postgres = Postgres(database)
    with pytest.raises(KeyError):
        load_once(postgres, "daily", "2026-03-02", fail)
    assert count(database) == 0
    with connect(database) as connection:
        assert finished(connection, "daily") == set()
    postgres.close()


def test_units_are_marked_by_job_and_by_the_first_to_do_so(connection: Connection) -> None:
    assert finish(connection, "daily", "a", {"rows": 1})
    assert not finish(connection, "daily", "a", {"rows": 2})
    assert finish(connection, "daily", "b", {})
    assert finish(connection, "splits", "a", {})
    assert finished(connection, "daily") == {"a", "b"}


def test_many_loads_of_the_same_rows_in_any_order_do_not_hold_each_other_up(database: str) -> None:
    """Rows are written in the order of their key, so no two wait for one another."""
    results: list[Loaded] = []

    def run(n: int) -> None:
        bars = [bar._replace(volume=n) for bar in (BARS if n % 2 else reversed(BARS))]
        with connect(database) as connection:
            results.append(load_daily(connection, bars, source="rest", known_at=KNOWN.replace(day=3 + n)))

    loads = [threading.Thread(target=run, args=(n,)) for n in range(6)]
    for one in loads:
        one.start()
    for one in loads:
        one.join()
    assert len(results) == 6
    with connect(database) as connection:
        assert connection.execute("SELECT DISTINCT (volume * 1000000)::int FROM bars_1d").fetchall() == [(5,)]


def test_a_transaction_that_lost_a_deadlock_is_done_again(database: str) -> None:
    postgres, met = Postgres(database), threading.Barrier(2)
    tries: list[tuple[str, ...]] = []
    slept: list[float] = []
    with connect(database) as connection:
        load(connection)

    def change(connection: Connection, *symbols: str) -> None:
        tries.append(symbols)
        for n, sym in enumerate(symbols):
            connection.execute("UPDATE bars_1d SET volume = volume + 1000 WHERE sym = %s", (sym,))
            if n == 0 and len(tries) <= 2:
                met.wait(10)

    other = Postgres(database)
    against = threading.Thread(
        target=in_transaction, args=(other, lambda c: change(c, "S2", "S1")), kwargs={"sleep": slept.append}
    )
    against.start()
    in_transaction(postgres, lambda c: change(c, "S1", "S2"), sleep=slept.append)
    against.join()
    assert len(tries) == 3
    assert slept == [PAUSES_S[0]]
    assert postgres.rows("SELECT sym, volume::int FROM bars_1d WHERE sym IN ('S1', 'S2') ORDER BY sym") == [
        ("S1", 2000),
        ("S2", 2000),
    ]
    for one in (postgres, other):
        one.close()


def test_a_transaction_that_never_succeeds_is_given_up(database: str) -> None:
    tries: list[int] = []

    def fail(connection: Connection) -> None:
        tries.append(1)
        connection.execute("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END $$")

    postgres = Postgres(database)
    with pytest.raises(Interrupted):
        in_transaction(postgres, fail, sleep=lambda _: None)
    assert len(tries) == 1 + len(PAUSES_S)
    postgres.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server of our own, to be hurt."""
    folder = tmp_path_factory.mktemp("postgres")
    supervisor = Supervisor(folder / "logs")
    server = start_postgres(supervisor, folder, extra=QUICK_AND_LOSSY)
    with connect(server.conninfo) as connection:
        migrate(connection)
    yield server
    supervisor.stop()


@pytest.fixture
def empty(server: PostgresServer) -> PostgresServer:
    with connect(server.conninfo) as connection:
        connection.execute("TRUNCATE bars_1d, runs")
    return server


def test_a_server_killed_in_mid_load_keeps_nothing_and_the_load_is_done_again(empty: PostgresServer) -> None:
    postgres, tries = Postgres(empty.conninfo), []

    def interrupted(connection: Connection) -> Loaded:
        loaded = load(connection)
        tries.append(loaded.added)
        if len(tries) == 1:
            kill(empty)
            assert count(empty.conninfo) == 0
        return loaded

    assert load_once(postgres, "daily", "a", interrupted, sleep=lambda _: None) == Loaded(rows=50, added=50)
    assert tries == [50, 50]
    assert count(empty.conninfo) == 50
    postgres.close()


def test_a_commit_whose_answer_is_lost_is_not_done_twice(empty: PostgresServer) -> None:
    postgres, tries = Postgres(empty.conninfo), []

    def committed_unheard(connection: Connection) -> Loaded:
        tries.append(1)
        loaded = load(connection)
        if len(tries) == 1:
            finish(connection, "daily", "a", loaded.summary())
            connection.execute("COMMIT")
            raise_as_if_cut(connection)
        return loaded

    assert load_once(postgres, "daily", "a", committed_unheard, sleep=lambda _: None) is None
    assert (len(tries), count(empty.conninfo)) == (1, 50)
    postgres.close()


def raise_as_if_cut(connection: Connection) -> None:
    connection.close()
    connection.execute("SELECT 1")


def test_a_loader_killed_in_mid_load_leaves_nothing(empty: PostgresServer) -> None:
    code = """
import sys, time
from tests.unit.batch_layer.load.test_once import load
from tests.fakes.postgres import connect
with connect(sys.argv[1]) as connection, connection.transaction():
    load(connection)
    print("loaded", flush=True)
    time.sleep(60)
"""
    loader = subprocess.Popen(  # noqa: S603  (our own interpreter)
        [sys.executable, "-c", code, empty.conninfo], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert loader.stdout is not None
    assert loader.stdout.readline() == b"loaded\n"
    os.kill(loader.pid, signal.SIGKILL)
    loader.wait()
    loader.stdout.close()
    assert count(empty.conninfo) == 0
    postgres = Postgres(empty.conninfo)
    assert load_once(postgres, "daily", "a", load) == Loaded(rows=50, added=50)
    postgres.close()


def test_a_server_that_stalls_in_mid_load_is_given_up_within_the_budget(empty: PostgresServer) -> None:
    postgres = Postgres(empty.conninfo)

    def stall(connection: Connection) -> Loaded:
        load(connection)
        with stalled(empty):
            return load(connection)

    begin = time.perf_counter()
    with pytest.raises(StoreUnavailable, match=r"within 3\.0 s"):
        load_once(postgres, "daily", "a", stall, budget_s=3.0)
    assert time.perf_counter() - begin < 10
    assert load_once(postgres, "daily", "a", load).rows == 50  # type: ignore[union-attr]
    assert count(empty.conninfo) == 50
    postgres.close()
