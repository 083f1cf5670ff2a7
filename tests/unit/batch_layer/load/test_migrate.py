import shutil
import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest

from batch_layer.load.migrate import migrate
from shared.errors import PermanentError
from shared.stores.schema import FOLDER
from tests.fakes.postgres import connect

FILES = sorted(path.name for path in FOLDER.glob("*.sql"))
TABLES = {
    "bars_1m",
    "bars_1d",
    "bars_nd",
    "bars_nd_due",
    "tickers",
    "splits",
    "dividends",
    "corrections",
    "quarantine",
    "runs",
}


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    """A copy of the migrations, to be changed."""
    return Path(shutil.copytree(FOLDER, tmp_path / "schema"))


def tables(connection: "psycopg.Connection[tuple[Any, ...]]") -> set[str]:
    found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return {name for (name,) in found} - {"schema_migrations"}


def test_every_file_is_applied_once_in_order(empty_database: str) -> None:
    with connect(empty_database) as connection:
        assert migrate(connection) == FILES
        assert tables(connection) == TABLES
        assert migrate(connection) == []
        assert connection.execute("SELECT name FROM schema_migrations ORDER BY applied_at, name").fetchall() == [
            (name,) for name in FILES
        ]


def test_a_new_file_is_all_that_is_applied_later(empty_database: str, schema: Path) -> None:
    with connect(empty_database) as connection:
        migrate(connection, schema)
        (schema / "9000_more.sql").write_text("CREATE TABLE more (n integer)")
        assert migrate(connection, schema) == ["9000_more.sql"]
        assert tables(connection) == {*TABLES, "more"}


def test_a_file_that_was_changed_after_it_was_applied_is_refused(empty_database: str, schema: Path) -> None:
    with connect(empty_database) as connection:
        migrate(connection, schema)
        path = schema / "0001_bars.sql"
        path.write_text(path.read_text() + "-- a comment\n")
        with pytest.raises(PermanentError, match=r"0001_bars\.sql was changed"):
            migrate(connection, schema)


def test_older_code_does_not_touch_a_newer_database(empty_database: str, schema: Path) -> None:
    with connect(empty_database) as connection:
        migrate(connection, schema)
        last = max(schema.glob("*.sql"))
        last.unlink()
        with pytest.raises(PermanentError, match=f"{last.name} was applied"):
            migrate(connection, schema)


def test_a_file_that_comes_late_needs_a_later_number(empty_database: str, schema: Path) -> None:
    with connect(empty_database) as connection:
        migrate(connection, schema)
        (schema / "0001_before.sql").write_text("SELECT 1")
        with pytest.raises(PermanentError, match=r"0001_before\.sql comes before"):
            migrate(connection, schema)


def test_a_file_without_a_number_is_refused(empty_database: str, schema: Path) -> None:
    (schema / "more.sql").write_text("SELECT 1")
    with connect(empty_database) as connection, pytest.raises(PermanentError, match=r"more\.sql"):
        migrate(connection, schema)


def test_a_migration_that_fails_leaves_nothing(empty_database: str, schema: Path) -> None:
    (schema / "9000_broken.sql").write_text("CREATE TABLE half (n integer); SELECT nothing")
    with connect(empty_database) as connection:
        with pytest.raises(psycopg.errors.UndefinedColumn):
            migrate(connection, schema)
        assert tables(connection) == set()


def test_two_migrations_at_once_apply_each_file_once(empty_database: str) -> None:
    applied: list[str] = []

    def run() -> None:
        with connect(empty_database) as connection:
            applied.extend(migrate(connection))

    runs = [threading.Thread(target=run) for _ in range(3)]
    for one in runs:
        one.start()
    for one in runs:
        one.join()
    assert applied == FILES


def test_a_database_from_before_the_batch_view_of_minutes_keeps_its_rows_and_has_all_its_days_due(
    empty_database: str, schema: Path
) -> None:
    later = [path for path in schema.glob("*.sql") if path.name >= "0007"]
    texts = {path: path.read_text() for path in later}
    for path in later:
        path.unlink()
    with connect(empty_database) as connection:
        migrate(connection, schema)
        connection.execute("SELECT ensure_partitions('bars_1d', '2013-10-01', '2013-11-30')")
        connection.execute("SELECT ensure_partitions('bars_1m', '2013-10-01', '2013-10-31')")
        connection.execute(
            "INSERT INTO bars_1d (sym, day, volume, source, known_at) SELECT sym, day::date, 1, 'rest', now()"
            " FROM unnest(ARRAY['AIG', 'SPY']) sym, unnest(ARRAY['2013-10-08', '2013-11-01']) day"
        )
        connection.execute(
            "INSERT INTO bars_1m (sym, t, volume, notional, source, known_at)"
            " VALUES ('SPY', '2013-10-08 14:00+00', 1, 7, 'rest', now())"
        )
        for path, text in texts.items():
            path.write_text(text)
        assert migrate(connection, schema) == sorted(path.name for path in later)
        due = connection.execute("SELECT day::text FROM bars_nd_due ORDER BY day").fetchall()
        assert due == [("2013-10-08",), ("2013-11-01",)]
        assert connection.execute("SELECT sym, partial, notional FROM bars_1m").fetchall() == [("SPY", None, 7)]
