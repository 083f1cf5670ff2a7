"""Recorded files come back from the database as DuckDB reads them, in both kinds of file."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pytest

from batch_layer.imports.bars import Asked, Kind, Rows, read
from batch_layer.imports.mapping import parse_map, places
from batch_layer.imports.run import import_rows
from batch_layer.imports.tables import open_table
from shared.bars.sessions import new_york_sessions
from shared.stores.postgres import Postgres
from tests.fakes.postgres import database

__all__ = ["database"]

MAP = "ts=window_start,sym=ticker,count=transactions"
FILES: list[tuple[Kind, str, str]] = [
    ("daily", "daily/BNO.csv.gz", "bars_1d"),
    ("minute", "minute/SPY_2013-10-08.csv.gz", "bars_1m"),
]


@pytest.fixture
def postgres(database: str) -> Iterator[Postgres]:
    postgres = Postgres(database)
    yield postgres
    postgres.close()


def stored(postgres: Postgres, kind: Kind, path: Path) -> int:
    table = open_table(path)
    asked = Asked(places(table.columns, parse_map(MAP), None), None, ZoneInfo("America/New_York"), date(2026, 1, 1))
    rows = Rows(asked, new_york_sessions())
    read_rows = read(table, rows.daily, path.name) if kind == "daily" else read(table, rows.minute, path.name)
    imported = import_rows(postgres, kind, read_rows, datetime(2026, 1, 1, tzinfo=UTC))
    assert not imported.reasons
    return imported.loaded.added


def as_duckdb_reads(path: Path, kind: Kind) -> list[tuple[Any, ...]]:
    time = "make_timestamp(window_start // 1000)"
    key = f"({time} AT TIME ZONE 'UTC' AT TIME ZONE 'America/New_York')::DATE" if kind == "daily" else time
    with duckdb.connect() as sql:
        found: list[tuple[Any, ...]] = sql.execute(
            f"""
            SELECT ticker, {key}::VARCHAR, open, high, low, close, volume, transactions
            FROM read_csv($path, types = {{open: 'DECIMAL(18,9)', high: 'DECIMAL(18,9)', low: 'DECIMAL(18,9)',
                close: 'DECIMAL(18,9)', volume: 'DECIMAL(18,6)', window_start: 'BIGINT'}})
            ORDER BY 1, 2
            """,  # noqa: S608 -- ours
            {"path": str(path)},
        ).fetchall()
    return found


@pytest.mark.parametrize("parquet", [False, True], ids=["csv", "parquet"])
@pytest.mark.parametrize("told", FILES, ids=lambda told: told[0])
def test_what_a_file_says_is_what_is_stored(
    postgres: Postgres, recorded: Path, tmp_path: Path, told: tuple[Kind, str, str], *, parquet: bool
) -> None:
    kind, file, table = told
    source = recorded / file
    if parquet:
        source = tmp_path / "bars.parquet"
        pl.read_csv(recorded / file).write_parquet(source)
    added = stored(postgres, kind, source)
    key = "day::text" if kind == "daily" else "to_char(t, 'YYYY-MM-DD HH24:MI:SS')"
    got = postgres.rows(
        f"SELECT sym, {key}, open, high, low, close, volume, count FROM {table} ORDER BY 1, 2"  # noqa: S608 -- ours
    )
    assert got == as_duckdb_reads(recorded / file, kind)
    assert added == len(got) > 800
