"""What the roles of the database may do, made in the order of a cluster on AWS: by its master, then by `migrator`.

On a server of these tests' own, for roles are of a server and not of a database.
"""

import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from batch_layer.bootstrap import ROLES
from batch_layer.load.migrate import migrate
from batch_layer.load.minutes import load_minutes
from batch_layer.load.multi_session import load_multi_session
from batch_layer.load.rows import load_daily, load_splits
from batch_layer.load.runs import finish
from batch_layer.rebuild.multi_session import MultiSession
from local_dev.runtime.postgres import QUICK_AND_LOSSY, start_postgres, stop_postgres
from local_dev.runtime.processes import Supervisor
from shared.bars.sessions import XNYS, sessions_named
from shared.models.bar import Minute, Partial
from shared.models.daily import DailyBar, Split
from shared.stores.postgres import Postgres
from shared.stores.schema import FOLDER
from tests.fakes.postgres import connect

Connection = psycopg.Connection[tuple[Any, ...]]
WRITTEN = {"bars_1m", "bars_1d", "bars_nd", "splits", "dividends", "tickers"}
APPENDED = {"quarantine", "runs", "bars_nd_due"}
PASSWORD = "roles of a test"
BAR = DailyBar("SPY", date(2026, 3, 2), 10, 12, 9, 11, 5, None, None)
KNOWN = datetime(2026, 3, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The conninfo of the owner of a database that went through a first deployment on AWS."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        supervisor = Supervisor(Path(folder) / "logs")
        server = start_postgres(supervisor, Path(folder), extra=QUICK_AND_LOSSY)
        try:
            with connect(server.conninfo) as master:
                master.execute("CREATE ROLE rds_iam")
                master.execute(ROLES.read_bytes())
                for role in ("api", "loader", "migrator"):  # what stands in for tokens of IAM
                    master.execute(f"ALTER ROLE {role} PASSWORD '{PASSWORD}'")
            yield server.conninfo
        finally:
            stop_postgres(supervisor, server)
            supervisor.stop()


def login(cluster: str, role: str) -> str:
    return psycopg.conninfo.make_conninfo(cluster, user=role, password=PASSWORD)


@pytest.fixture(scope="module")
def migrated(cluster: str) -> str:
    with connect(login(cluster, "migrator")) as connection:
        assert migrate(connection) == sorted(path.name for path in FOLDER.glob("*.sql"))
    return cluster


@pytest.fixture
def api(migrated: str) -> Iterator[Connection]:
    with connect(login(migrated, "api")) as connection:
        yield connection


@pytest.fixture
def loader(migrated: str) -> Iterator[Connection]:
    with connect(login(migrated, "loader")) as connection:
        yield connection


def test_the_statement_of_the_master_is_a_single_one_without_anything_that_looks_like_a_parameter() -> None:
    """The Data API takes one statement at a time, and `:name` for a parameter."""
    code = "\n".join(line.partition("--")[0].rstrip() for line in ROLES.read_text().splitlines()).strip()
    assert code.startswith("DO $$")
    assert code.endswith("END $$;")
    assert code.count("$$") == 2
    assert ":" not in code


def test_to_make_the_roles_again_changes_nothing(migrated: str) -> None:
    settings = "SELECT setrole::regrole::text, setconfig FROM pg_db_role_setting ORDER BY 1"
    with connect(migrated) as master:
        before = master.execute(settings).fetchall()
        master.execute(ROLES.read_bytes())
        assert master.execute(settings).fetchall() == before
    assert [role for role, _ in before] == ["api", "loader", "migrator"]
    assert all("idle_session_timeout=60s" in config for _, config in before)


def test_every_role_logs_in_by_tokens_and_none_may_do_more_than_its_rights(migrated: str) -> None:
    with connect(migrated) as master:
        members = master.execute(
            "SELECT m.rolname, m.rolsuper OR m.rolcreaterole OR m.rolcreatedb OR m.rolbypassrls FROM pg_auth_members a"
            " JOIN pg_roles m ON m.oid = a.member JOIN pg_roles g ON g.oid = a.roleid WHERE g.rolname = 'rds_iam'"
        ).fetchall()
    assert sorted(members) == [("api", False), ("loader", False), ("migrator", False)]


def test_everything_in_the_schema_belongs_to_the_migrator(migrated: str) -> None:
    with connect(migrated) as master:
        owners = master.execute(
            "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        ).fetchall()
    assert owners == [("migrator",)]


def test_a_role_has_exactly_these_rights(migrated: str) -> None:
    """A migration that makes a table or view must give them, or decide here that it does not."""
    with connect(migrated) as master:
        relations: dict[str, str] = dict(
            master.execute(
                "SELECT relname, relkind::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                " AND relkind IN ('r', 'p', 'v') AND NOT relispartition"
            ).fetchall()
        )
        granted = {
            (role, name): set(rights)
            for role, name, rights in master.execute(
                "SELECT grantee, table_name, array_agg(privilege_type::text) FROM information_schema.role_table_grants"
                " WHERE table_schema = 'public' AND grantee IN ('api', 'loader', 'PUBLIC') GROUP BY 1, 2"
            ).fetchall()
        }
    expected = {("loader", name): {"SELECT"} for name in relations if name != "schema_migrations"}
    expected |= {("api", name): {"SELECT"} for _, name in expected if name != "quarantine"}
    for name in WRITTEN:
        expected["loader", name] = {"SELECT", "INSERT", "UPDATE"}
    for name in APPENDED:
        expected["loader", name] = {"SELECT", "INSERT"}
    assert {name for name, kind in relations.items() if kind != "v"} >= WRITTEN | APPENDED | {"corrections"}
    assert granted == expected


def test_the_loader_loads_corrects_and_marks_what_is_done(loader: Connection) -> None:
    for close in (11, 12):
        loaded = load_daily(loader, [BAR._replace(close=close)], source="test", known_at=KNOWN.replace(hour=close))
    assert (loaded.added, loaded.changed) == (0, 1)
    assert finish(loader, "job", "unit", {})
    assert loader.execute("SELECT count(*) FROM corrections").fetchone() == (1,)


def test_the_loader_does_every_load_of_a_night(loader: Connection) -> None:
    """Minutes, reference data, and bars of several sessions, which take out what is due; a bad row is set aside."""
    told: dict[str, Any] = {"source": "test", "known_at": KNOWN}
    load_daily(loader, [BAR._replace(sym="QQQ"), BAR._replace(sym="BAD", high=1)], **told)
    split = Split("QQQ", BAR.day, Decimal(1), Decimal(2), "split", KNOWN)
    assert load_splits(loader, [split], **told).added == 1
    minute = Minute("QQQ", 1_772_461_800_000, Partial(volume=1_000_000, notional=0, count=1))
    assert load_minutes(loader, BAR.day, [minute], **told).added == 1
    assert load_multi_session(loader, MultiSession(sessions_named(XNYS)), known_at=KNOWN).added > 0
    assert loader.execute("SELECT count(*) FROM bars_nd_due").fetchone() == (0,)
    assert loader.execute("SELECT count(*) FROM quarantine").fetchone() == (1,)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM bars_1d",
        "DELETE FROM bars_nd_due",
        "TRUNCATE bars_1d",
        "UPDATE runs SET job = 'other'",
        "INSERT INTO corrections (relation, sym, old, new, source, known_at) VALUES ('', '', '{}', '{}', '', now())",
        "SELECT drop_partitions('bars_1d', current_date)",
        "CREATE TABLE mine (n integer)",
        "DROP TABLE bars_1d",
        "SET ROLE migrator",
    ],
)
def test_the_loader_can_neither_delete_nor_rewrite_what_was_known(loader: Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        loader.execute(statement.encode())


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO runs (job, unit, detail) VALUES ('a', 'b', '{}')",
        "SELECT row FROM quarantine",
        "SELECT ensure_partitions('bars_1d', current_date, current_date)",
        "SELECT * FROM schema_migrations",
    ],
)
def test_the_api_reads_and_nothing_else(api: Connection, statement: str) -> None:
    assert api.execute("SHOW default_transaction_read_only").fetchone() == ("on",)
    api.execute("SET default_transaction_read_only = off")  # a role may change its settings, not its rights
    api.execute("SELECT * FROM bars_1d_versions").fetchall()
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        api.execute(statement.encode())


def test_a_reader_whose_idle_session_was_ended_connects_again(migrated: str) -> None:
    """As a function does that slept: the server has said why it hangs up, and the next read is the first to hear it."""
    with connect(migrated) as master:
        master.execute("ALTER ROLE api SET idle_session_timeout = '50ms'")
        try:
            postgres = Postgres(login(migrated, "api"))
            first = postgres.rows("SELECT pg_backend_pid()")
            wait_until_gone(master, first[0][0])
            assert postgres.rows("SELECT pg_backend_pid()") != first
            postgres.close()
        finally:
            master.execute("ALTER ROLE api SET idle_session_timeout = '60s'")


def wait_until_gone(master: Connection, pid: int) -> None:
    for _ in range(200):
        if master.execute("SELECT FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone() is None:
            return
        master.execute("SELECT pg_sleep(0.02)")
    pytest.fail("the server kept an idle session")
