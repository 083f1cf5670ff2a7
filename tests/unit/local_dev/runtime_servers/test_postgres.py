import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from local_dev.runtime import postgres
from local_dev.runtime.postgres import AS_NOBODY, NOBODY, PostgresServer, start_postgres, stop_postgres
from local_dev.runtime.processes import Supervisor
from local_dev.runtime.servers import ServerNotReady
from tests.unit.local_dev.runtime_servers.test_servers import LOOPBACK_HEX, addresses_of


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    supervisor = Supervisor(tmp_path / "logs")
    yield supervisor
    supervisor.stop()


def ask(server: PostgresServer, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(server.conninfo) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_it_keeps_its_data_between_runs(supervisor: Supervisor, tmp_path: Path) -> None:
    server = start_postgres(supervisor, tmp_path)
    ask(server, "CREATE TABLE kept AS SELECT 7 AS n")
    stop_postgres(supervisor, server)
    assert server.child.returncode == 0
    again = start_postgres(supervisor, tmp_path)
    assert ask(again, "SELECT n FROM kept") == [(7,)]
    assert "was not properly shut down" not in again.child.log.read_text()


def test_it_stops_cleanly_while_somebody_is_connected(supervisor: Supervisor, tmp_path: Path) -> None:
    server = start_postgres(supervisor, tmp_path)
    with psycopg.connect(server.conninfo) as connection:
        stop_postgres(supervisor, server)
        assert server.child.returncode == 0
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_it_comes_back_on_its_port_with_what_was_committed_when_it_is_killed(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    server = start_postgres(supervisor, tmp_path)
    ask(server, "CREATE TABLE kept AS SELECT 7 AS n")
    os.kill(server.child.pid, signal.SIGKILL)
    until(lambda: server.child.starts == 2)
    until(lambda: postgres._takes_connections(server.port))
    assert ask(server, "SELECT n FROM kept") == [(7,)]
    assert "automatic recovery in progress" in server.child.log.read_text()


def test_what_a_killed_run_committed_is_there_in_the_next(tmp_path: Path) -> None:
    first = Supervisor(tmp_path / "logs")
    server = start_postgres(first, tmp_path)
    ask(server, "CREATE TABLE kept AS SELECT 7 AS n")
    os.kill(server.child.pid, signal.SIGSTOP)
    first.stop_child(server.child, 0.5)  # it does not listen, and so is killed
    lock = tmp_path / "postgres/data/postmaster.pid"
    held = lock.read_text().split("\n")
    lock.write_text("\n".join([str(os.getpid()), *held[1:]]))  # its number is another process by now: this one
    again = start_postgres(first, tmp_path)
    assert ask(again, "SELECT n FROM kept") == [(7,)]
    first.stop()


def test_it_listens_on_loopback_alone_and_asks_for_the_password(supervisor: Supervisor, tmp_path: Path) -> None:
    server = start_postgres(supervisor, tmp_path)
    assert addresses_of(server.child.pid) == {LOOPBACK_HEX}
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(server.conninfo, password="guess")
    assert (server.home / "password").stat().st_mode & 0o077 == 0
    assert server.home.stat().st_mode & 0o077 == 0


def test_a_server_that_cannot_start_is_reported_with_the_end_of_its_log(supervisor: Supervisor, tmp_path: Path) -> None:
    stop_postgres(supervisor, start_postgres(supervisor, tmp_path))
    (tmp_path / "postgres/data/PG_VERSION").write_text("12\n")
    with pytest.raises(ServerNotReady, match=r"(?s)the postgres did not start.*version 12"):
        start_postgres(supervisor, tmp_path)


def test_a_first_start_that_was_cut_short_is_begun_anew(supervisor: Supervisor, tmp_path: Path) -> None:
    unfinished = tmp_path / "postgres/unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("16\n")
    assert ask(start_postgres(supervisor, tmp_path), "SELECT 1") == [(1,)]


def test_a_first_start_that_fails_is_reported_and_leaves_no_data(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary = postgres._binary
    monkeypatch.setattr(postgres, "_binary", lambda name: binary("pg_config") if name == "initdb" else binary(name))
    with pytest.raises(ServerNotReady, match=r"(?s)postgres-initdb failed.*invalid argument"):
        start_postgres(supervisor, tmp_path)
    assert not (tmp_path / "postgres/data").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_where_there_are_no_user_namespaces_root_runs_it_as_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "NAMESPACE", ("false",))
    monkeypatch.setattr(postgres, "_prefix", postgres._prefix.__wrapped__)
    assert postgres._prefix() == AS_NOBODY
    monkeypatch.setattr(postgres, "NAMESPACE", ("no-such-command",))
    assert postgres._prefix() == AS_NOBODY


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_nobody_can_run_it_where_its_files_can_be_reached(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = subprocess.run([*AS_NOBODY, "test", "-x", str(postgres._binary("postgres"))], check=False)  # noqa: S603
    if reached.returncode:
        pytest.skip("the binaries are in a folder that only root may enter")
    monkeypatch.setattr(postgres, "_prefix", lambda: AS_NOBODY)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        server = start_postgres(supervisor, Path(folder))
        assert ask(server, "SELECT 1") == [(1,)]
        assert Path(f"/proc/{server.child.pid}").stat().st_uid == NOBODY
        stop_postgres(supervisor, server)
