import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
import psycopg
import pytest

from local_dev.runtime.postgres import QUICK_AND_LOSSY, PostgresServer, start_postgres
from local_dev.runtime.processes import Supervisor
from local_dev.runtime.servers import free_port
from shared import settings
from shared.errors import InvalidRecord, PermanentError, StoreUnavailable
from shared.stores.postgres import (
    CONNECT_TIMEOUT_S,
    ConnectionLost,
    Interrupted,
    Postgres,
    PostgresSettings,
    iam_token,
)
from tests.fakes.postgres import connect, fresh_database, kill, shared_server, stalled

BUSY_MACHINE_S = 2.0
FEW = 5


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server of our own, to be hurt; it takes FEW connections of ordinary users."""
    folder = tmp_path_factory.mktemp("postgres")
    supervisor = Supervisor(folder / "logs")
    extra = {**QUICK_AND_LOSSY, "max_connections": str(FEW + 3)}  # three are kept for the superuser
    server = start_postgres(supervisor, folder, extra=extra)
    with connect(server.conninfo) as connection:
        connection.execute("CREATE ROLE reader LOGIN PASSWORD 'reader'")
    yield server
    supervisor.stop()


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with fresh_database("template1") as conninfo:
        postgres = Postgres(conninfo, budget_s=0.5)
        yield postgres
        postgres.close()


def seconds_of_a_failure(postgres: Postgres, kind: type[Exception] = StoreUnavailable) -> float:
    begin = time.perf_counter()
    with pytest.raises(kind):
        postgres.rows("SELECT 1")
    return time.perf_counter() - begin


def test_one_connection_serves_all_reads(postgres: Postgres) -> None:
    first = postgres.rows("SELECT pg_backend_pid(), %s + 1", (1,))
    assert first[0][1] == 2
    assert postgres.rows("SELECT pg_backend_pid(), 2") == first


def test_a_connection_that_was_closed_meanwhile_is_made_anew_without_an_error(postgres: Postgres) -> None:
    """Aurora ends idle ones, so that it can pause."""
    ((pid,),) = postgres.rows("SELECT pg_backend_pid()")
    with connect(shared_server().conninfo) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    ((again,),) = postgres.rows("SELECT pg_backend_pid()")
    assert again != pid


def test_a_statement_that_takes_too_long_is_given_up_within_the_budget_and_the_next_one_is_answered(
    postgres: Postgres,
) -> None:
    begin = time.perf_counter()
    with pytest.raises(StoreUnavailable, match=r"within 0\.5 s"):
        postgres.rows("SELECT pg_sleep(20)")
    assert 0.4 < time.perf_counter() - begin < 0.5 + BUSY_MACHINE_S
    assert postgres.rows("SELECT 1") == [(1,)]


def test_what_a_failed_piece_of_work_left_open_is_rolled_back(postgres: Postgres) -> None:
    postgres.run(lambda connection: connection.execute("CREATE TABLE kept (n integer)"))

    def leave_open(connection: "psycopg.Connection[tuple[Any, ...]]") -> None:
        connection.execute("BEGIN")
        connection.execute("INSERT INTO kept VALUES (1)")

    postgres.run(leave_open)
    assert postgres.rows("SELECT count(*) FROM kept") == [(0,)]


def test_errors_are_told_apart_by_what_can_be_done_about_them(postgres: Postgres) -> None:
    with pytest.raises(InvalidRecord):
        postgres.rows("SELECT %s", ("S\0Y",))
    with pytest.raises(InvalidRecord):
        postgres.rows("SELECT %s::date", ("2026-02-30",))
    with pytest.raises(PermanentError):
        postgres.rows("SELEC 1")
    with pytest.raises(StoreUnavailable, match="no_schema_yet"):
        postgres.rows("SELECT * FROM no_schema_yet")
    with pytest.raises(StoreUnavailable):
        postgres.rows("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53300'; END $$")
    assert postgres.rows("SELECT 1") == [(1,)]


def test_a_connection_to_what_is_no_longer_the_writer_is_not_used_again(postgres: Postgres) -> None:
    postgres.run(lambda connection: connection.execute("SET default_transaction_read_only = on"))
    with pytest.raises(Interrupted):
        postgres.run(lambda connection: connection.execute("CREATE TABLE kept (n integer)"))
    postgres.run(lambda connection: connection.execute("CREATE TABLE kept (n integer)"))


def test_errors_of_the_work_itself_pass_through(postgres: Postgres) -> None:
    def fail(connection: object) -> None:
        raise KeyError(connection)

    with pytest.raises(KeyError):
        postgres.run(fail)


def test_nobody_listening_is_unavailable_at_once() -> None:
    assert seconds_of_a_failure(Postgres(f"host=127.0.0.1 port={free_port()} user=x"), ConnectionLost) < BUSY_MACHINE_S


def test_a_stalled_server_is_given_up_and_used_again_when_it_goes_on(server: PostgresServer) -> None:
    """Its kernel takes what we send, so nothing but our own clock ends the wait."""
    postgres, fresh = Postgres(server.conninfo, budget_s=0.5), Postgres(server.conninfo)
    assert postgres.rows("SELECT 1") == [(1,)]
    with stalled(server):
        assert seconds_of_a_failure(postgres) < 0.5 + BUSY_MACHINE_S
        assert seconds_of_a_failure(fresh) < CONNECT_TIMEOUT_S + BUSY_MACHINE_S
    assert postgres.rows("SELECT 1") == fresh.rows("SELECT 1") == [(1,)]
    for one in (postgres, fresh):
        one.close()


def test_a_killed_server_is_used_again_when_it_is_back(server: PostgresServer) -> None:
    postgres = Postgres(server.conninfo)
    postgres.run(lambda connection: connection.execute("CREATE TABLE kept AS SELECT 7 AS n"))
    kill(server)
    assert postgres.rows("SELECT n FROM kept") == [(7,)]
    postgres.close()


def test_a_server_without_connections_left_is_unavailable_until_one_is_given_back(server: PostgresServer) -> None:
    reader = psycopg.conninfo.make_conninfo(server.conninfo, user="reader", password="reader")
    held = [connect(reader) for _ in range(FEW)]
    postgres = Postgres(reader)
    with pytest.raises(StoreUnavailable, match="connection"):
        postgres.rows("SELECT 1")
    held.pop().close()
    deadline = time.monotonic() + 5
    while True:
        try:
            assert postgres.rows("SELECT 1") == [(1,)]
            break
        except StoreUnavailable:
            assert time.monotonic() < deadline
    for connection in held:
        connection.close()
    postgres.close()


CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
TOKEN_TIME = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOST = "condvest.cluster-abc.us-east-1.rds.amazonaws.com"


def test_a_token_is_the_one_that_the_sdk_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("rds", region_name="us-east-1")
    with mock.patch("botocore.crt.auth.get_current_datetime", return_value=TOKEN_TIME):  # what signs where awscrt is
        expected = client.generate_db_auth_token(DBHostname=HOST, Port=5432, DBUsername="loader")
        assert "X-Amz-Date=20260302T120000Z" in expected
        assert iam_token(HOST, 5432, "loader") == expected


def test_without_credentials_there_is_no_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (*CREDENTIALS, "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    with pytest.raises(StoreUnavailable, match="no token"):
        iam_token(HOST, 5432, "loader")


def test_on_aws_the_name_of_the_server_is_checked_and_the_password_is_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    environment = {"POSTGRES_HOST": HOST, "POSTGRES_USER": "loader", "POSTGRES_CA": "/opt/rds.pem"}
    not_there = psycopg.OperationalError("not there")
    with mock.patch("psycopg.connect", side_effect=not_there) as connected, pytest.raises(StoreUnavailable):
        Postgres(settings.read(PostgresSettings, environment)).rows("SELECT 1")
    used = psycopg.conninfo.conninfo_to_dict(connected.call_args.args[0])
    assert str(used.pop("password")).startswith(f"{HOST}:5432/?Action=connect&DBUser=loader&")
    assert used == {
        "host": HOST,
        "port": "5432",
        "dbname": "condvest",
        "user": "loader",
        "sslmode": "verify-full",
        "sslrootcert": "/opt/rds.pem",
    }


def test_who_never_asks_does_not_wait_for_the_driver() -> None:
    code = "import sys, shared.stores.daily; assert not {'psycopg', 'botocore'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)  # noqa: S603  (our own interpreter)
