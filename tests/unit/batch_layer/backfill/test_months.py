"""A month of history as a job loads it: from a vendor on a socket into a real PostgreSQL and the lake."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from batch_layer.backfill import __main__ as command
from batch_layer.backfill.months import History, month_of
from batch_layer.lake.daily import DailyLake
from local_dev.vendor.server import TablesServer
from shared.bars.sessions import new_york_sessions
from shared.errors import PermanentError
from shared.stores.postgres import Postgres
from tests.fakes.postgres import database
from tests.unit.batch_layer.fetch.support import client
from tests.unit.local_dev.vendor.table_files import bar, serving_tables, write_actions, write_daily
from tests.unit.shared.stores.conftest import BUCKET

__all__ = ["database"]

FEBRUARY = (date(2024, 2, 1), date(2024, 2, 29))
CLOSED = {date(2024, 1, 1), date(2024, 1, 15), date(2024, 2, 19), date(2024, 3, 29)}
"""Holidays of the first quarter of 2024, as the exchange published them."""
DAYS = [
    day for day in (date(2024, 1, 1) + timedelta(days=n) for n in range(91)) if day.weekday() < 5 and day not in CLOSED
]
NOW = datetime(2024, 4, 1, tzinfo=UTC)


def close_of(day: date) -> str:
    return f"10.{day.day:02d}"


@pytest.fixture
def vendor(tmp_path: Path) -> Iterator[TablesServer]:
    write_daily(tmp_path, *(bar(sym, str(day), close_of(day)) for sym in ("AA", "BB") for day in DAYS))
    write_actions(tmp_path, "AA,2024-02-13,1,2,")
    with serving_tables(tmp_path) as server:
        yield server


@pytest.fixture
def history(s3: Any, database: str, vendor: TablesServer) -> Iterator[History]:
    postgres = Postgres(database)
    yield History(
        postgres=postgres,
        lake=DailyLake(s3, BUCKET, "0.1.0"),
        rest=client(vendor.url, key="key"),
        sessions=new_york_sessions(),
        symbols=None,
        calls_a_minute=1_000,
        now=lambda: NOW,
    )
    postgres.close()


def test_a_month_of_the_market_is_in_the_database_the_lake_and_the_longer_bars(history: History, s3: Any) -> None:
    brought = history.load(*FEBRUARY, reference=True, told=lambda step: None)
    days = [day for day in DAYS if day.month == 2]
    assert (brought.failed, brought.files) == ({}, len(days))
    kept = history.postgres.rows("SELECT sym, day, close FROM bars_1d ORDER BY sym, day")
    assert kept == [(sym, day, Decimal(close_of(day))) for sym in ("AA", "BB") for day in days]
    assert history.postgres.rows("SELECT sym, day, split_to FROM splits") == [("AA", date(2024, 2, 13), 2)]
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    for day in days:
        (file,) = (key for key in keys if f"date={day}/" in key and key.endswith(".parquet"))
        rows = pl.read_parquet(BytesIO(s3.get_object(Bucket=BUCKET, Key=file)["Body"].read()))
        assert rows["sym"].to_list() == ["AA", "BB"]
    ((volume,),) = history.postgres.rows("SELECT volume FROM bars_nd WHERE sym = 'AA' AND timeframe = 'month'")
    assert volume == 1000 * len(days)


def test_the_same_month_again_asks_for_nothing_and_changes_nothing(history: History) -> None:
    first = history.load(*FEBRUARY, reference=True, told=lambda step: None)
    calls = history.rest.calls
    again = history.load(*FEBRUARY, reference=True, told=lambda step: None)
    assert history.rest.calls == calls > 0
    assert (again.units, again.done_before, again.rows, again.files) == (0, first.units, 0, 0)


def test_months_that_follow_one_another_hold_every_day_of_a_span_once() -> None:
    first, last = date(2023, 11, 15), date(2024, 2, 10)
    months = [month_of(first, last, index) for index in range(4)]
    covered = [start + timedelta(days=n) for start, end in months for n in range((end - start).days + 1)]
    assert covered == [first + timedelta(days=n) for n in range((last - first).days + 1)]
    for index in (-1, 4):
        with pytest.raises(PermanentError, match="no month number"):
            month_of(first, last, index)


@pytest.mark.parametrize(("child", "span", "reference"), [("", DAYS, True), ("0", DAYS[:21], True), ("1", (), False)])
def test_a_child_of_an_array_job_loads_its_month_and_the_first_one_the_reference_data(
    history: History, monkeypatch: pytest.MonkeyPatch, child: str, span: Any, reference: bool
) -> None:
    monkeypatch.setenv("LAKE_BUCKET", BUCKET)
    monkeypatch.setenv("REST_URL", "http://127.0.0.1:9")
    if child:
        monkeypatch.setenv("AWS_BATCH_JOB_ARRAY_INDEX", child)
    monkeypatch.setattr(command, "_wired", lambda chosen: history)
    assert command.main(["2024-01-01", "2024-03-31"]) == 0
    want = span or [day for day in DAYS if day.month == 2]
    assert [day for (day,) in history.postgres.rows("SELECT DISTINCT day FROM bars_1d ORDER BY day")] == list(want)
    assert bool(history.postgres.rows("SELECT FROM splits")) == reference


def test_wrong_arguments_and_settings_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert command.main(["2024-01-01"]) == command.main(["today", "tomorrow"]) == 2
    for name in ("LAKE_BUCKET", "REST_URL"):
        monkeypatch.delenv(name, raising=False)
    assert command.main(["2024-01-01", "2024-01-31"]) == 1
