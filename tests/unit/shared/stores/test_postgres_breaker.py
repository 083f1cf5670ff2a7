"""A database that is away costs one time-out, not one for each who asks; threads share a connection by turns."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.errors import PermanentError
from shared.stores.breaker import OPEN_S, Breaker
from shared.stores.postgres import DatabaseUnavailable, Postgres
from tests.fakes.postgres import connect, database

__all__ = ["database"]


class Silent:
    """A server that takes connections and says nothing, as one that resumes from a pause; it counts them."""

    def __init__(self) -> None:
        self.taken = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        while True:
            try:
                self._open.append(self._listener.accept()[0])
            except OSError:
                return
            self.taken += 1

    def close(self) -> None:
        for one in (self._listener, *self._open):
            one.close()


@pytest.fixture
def silent() -> Iterator[Silent]:
    server = Silent()
    yield server
    server.close()


def test_eight_who_ask_at_once_wait_for_one_time_out_together(silent: Silent) -> None:
    now = [100.0]
    postgres = Postgres(f"host=127.0.0.1 port={silent.port} user=u dbname=d", breaker=Breaker(lambda: now[0]))
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(postgres.rows, "SELECT 1") for _ in range(8)]
        assert all(isinstance(one.exception(), DatabaseUnavailable) for one in asked)
    assert time.monotonic() - began < 4, "the driver's least time-out is 2 s"
    assert (silent.taken, postgres.answered) == (1, False)
    now[0] += OPEN_S - 0.1
    with pytest.raises(DatabaseUnavailable, match="a moment ago"):
        postgres.rows("SELECT 1")
    assert silent.taken == 1


def test_once_the_breaker_closes_one_try_finds_a_server_that_is_back(database: str) -> None:
    now = [100.0]
    postgres = Postgres(database, breaker=Breaker(lambda: now[0]))
    seen = [postgres.answered]
    with pytest.raises(DatabaseUnavailable, match="no_such_table"):
        postgres.rows("SELECT * FROM no_such_table")
    with pytest.raises(DatabaseUnavailable, match="a moment ago"):
        postgres.rows("SELECT 1")
    now[0] += OPEN_S
    assert postgres.rows("SELECT 1") == [(1,)]
    assert [*seen, postgres.answered] == [None, True]
    postgres.close()


def test_a_lost_connection_that_is_made_anew_does_not_open_the_breaker(database: str) -> None:
    postgres = Postgres(database, breaker=Breaker(lambda: 100.0))
    ((pid,),) = postgres.rows("SELECT pg_backend_pid()")
    with connect(database) as other:
        assert other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,)).fetchone() == (True,)
    ((again,),) = postgres.rows("SELECT pg_backend_pid()")
    assert again != pid
    assert postgres.rows("SELECT 1") == [(1,)]
    postgres.close()


def test_a_wrong_statement_does_not_open_the_breaker(database: str) -> None:
    postgres = Postgres(database, breaker=Breaker(lambda: 100.0))
    for _ in range(2):
        with pytest.raises(PermanentError, match="syntax"):
            postgres.rows("SELEKT 1")
    assert postgres.rows("SELECT 1") == [(1,)]
    postgres.close()


def test_threads_take_turns_on_one_connection(database: str) -> None:
    postgres = Postgres(database)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: postgres.rows("SELECT %s::int, pg_backend_pid()", (n,))[0], range(200)))
    assert [n for n, _ in answers] == list(range(200))
    assert len({pid for _, pid in answers}) == 1
    postgres.close()
