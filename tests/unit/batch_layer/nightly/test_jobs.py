"""The steps of the containers, over moto and PostgreSQL: files of what was landed, minutes of the log, longer bars."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from batch_layer.fetch.minutes import VendorMinute
from batch_layer.fetch.units import Fetched
from batch_layer.lake.daily import DailyLake
from batch_layer.lake.minutes import MinuteLake
from batch_layer.lake.objects import Objects
from batch_layer.lake.reference import ReferenceLake
from batch_layer.load.rows import load_daily
from batch_layer.nightly import __main__ as command
from batch_layer.nightly.jobs import Jobs
from batch_layer.nightly.landing import Landing, Told
from batch_layer.reconcile.report import Report
from shared.bars.sessions import new_york_sessions
from shared.bars.totals import Shown
from shared.errors import StoreUnavailable
from shared.frames import VERSION, Part, PartialWire, encode
from shared.models.daily import DailyBar, Split, Ticker
from shared.stores.bars import BarStore
from shared.stores.control import ControlStore
from shared.stores.lake import Lake, Lines, raw_hour
from shared.stores.postgres import Postgres
from tests.fakes.cloudwatch import ALARM, OK
from tests.fakes.postgres import database
from tests.unit.batch_layer.nightly.nights import Nights
from tests.unit.shared.stores.conftest import BUCKET, TABLE, create_table
from tests.unit.speed_layer.records import part

__all__ = ["database"]

DAY = date(2013, 10, 8)
BARS = "bars"
NOW_S = int(datetime.now(UTC).timestamp())
AT = datetime(2013, 10, 9, 0, 15, tzinfo=UTC)
TEN = int(datetime(2013, 10, 8, 14, 0, tzinfo=UTC).timestamp())
"""Unix second of 10:00 in New York."""


@pytest.fixture
def reports() -> list[Report]:
    return []


@pytest.fixture
def jobs(s3: Any, dynamodb: Any, database: str, reports: list[Report]) -> Iterator[Jobs]:
    postgres, version = Postgres(database), "0.1.0"
    create_table(dynamodb, {"pk": "S", "sk": "S"})
    create_table(dynamodb, {"sym": "S", "t": "N"}, BARS)
    yield Jobs(
        lake=Lake(s3, BUCKET),
        bars=BarStore(dynamodb, BARS),
        control=ControlStore(dynamodb, TABLE),
        landing=Landing(Objects(s3, BUCKET)),
        daily=DailyLake(s3, BUCKET, version),
        reference=ReferenceLake(s3, BUCKET, version),
        minutes=MinuteLake(s3, BUCKET, version),
        write_report=reports.append,
        postgres=postgres,
        sessions=new_york_sessions(),
    )
    postgres.close()


def bar(sym: str, day: date = DAY, close: int = 11) -> DailyBar:
    return DailyBar(sym, day, 10 * 10**9, 12 * 10**9, 9 * 10**9, close * 10**9, 500 * 10**6)


def put_part(jobs: Jobs, counter: int, sec: int, price: int, late: int = 0) -> None:
    """One trade of 100 shares in a part, in an object of its own."""
    key = f"{sec * 1000:013d}{counter:012d}{price * 10**9:018d}"
    text = str(price)
    wire = PartialWire(first=key, last=key, high=text, low=text, volume="100", notional=str(price * 100), count=1)
    part = Part(VERSION, f"1-0-{counter}", "A", sec, bar=wire, late=late)
    jobs.lake.put_raw("shard", f"{counter:056d}", [Lines(*raw_hour(sec), [encode(part)])])


def test_what_was_fetched_becomes_files_and_a_repeat_leaves_them(jobs: Jobs) -> None:
    split = Split("A", DAY, Decimal(1), Decimal(2), "E1", AT)
    fetched = Fetched(bars=[bar("B"), bar("A")], splits=[split], tickers=[Ticker("A", "A Inc")])
    jobs.landing.put(DAY, AT, Told(fetched))
    assert jobs.land(DAY) == "2, 1, 0, 1 daily bars, splits, dividends, listings; 4 files are new"
    assert jobs.daily.bars(DAY) == [bar("A"), bar("B")]
    assert jobs.reference.splits(DAY) == [split]
    assert jobs.land(DAY).endswith("0 files are new")


def test_a_date_that_nobody_fetched_or_streamed_has_no_files(jobs: Jobs, s3: Any) -> None:
    assert (jobs.land(DAY), jobs.rebuild(DAY)) == ("nothing was fetched", "nothing was streamed")
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET)


def test_minutes_are_rebuilt_and_again_when_a_late_part_has_come(jobs: Jobs) -> None:
    put_part(jobs, 1, TEN, 10)
    put_part(jobs, 2, TEN + 59, 12)
    put_part(jobs, 3, TEN + 60, 11)
    assert jobs.rebuild(DAY) == "2 minutes, written"
    assert jobs.rebuild(DAY) == "2 minutes, there already"
    put_part(jobs, 4, TEN + 30, 15, late=1)
    assert jobs.rebuild(DAY) == "2 minutes, written"
    first, second = list(jobs.minutes.minutes(DAY) or ())
    assert (first.sym, first.t, first.partial.high, first.partial.count) == ("A", TEN * 1000, 15 * 10**9, 3)
    assert (second.t, second.partial.volume) == (TEN * 1000 + 60_000, 100 * 10**6)


def test_the_three_views_are_put_beside_each_other(jobs: Jobs, reports: list[Report]) -> None:
    put_part(jobs, 1, TEN, 10)
    jobs.rebuild(DAY)
    jobs.control.put_symbols(["A"])
    assert jobs.reconcile(DAY) == "", "no other view has anything"
    (minute,) = list(jobs.minutes.minutes(DAY) or [])
    jobs.bars.put_base("A", minute.t, minute.partial, NOW_S)
    told = VendorMinute("A", minute.t, Shown(10**10, 10**10, 10**10, 10**10, 10**8, None, None))
    others = [bar("A"), bar("B")]
    jobs.landing.put(DAY, AT, Told(Fetched(bars=others), [told], ["A", "B"]))
    assert jobs.reconcile(DAY).startswith("speed view: 1 of 1 equal; vendor minutes: 1 of 1 equal; vendor days: 0 of 1")
    assert [len(report.comparisons) for report in reports] == [0, 3]
    assert reports[1].vendor == "vendor"


@pytest.mark.alarm("differences")
def test_a_bar_that_does_not_follow_from_our_trades_is_told_and_the_next_night_is_not(
    jobs: Jobs, reports: list[Report], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nights = Nights(monkeypatch)
    jobs.lake.put_raw("shard", f"{1:056d}", [Lines(*raw_hour(TEN), [encode(part(TEN))])])
    jobs.rebuild(DAY)
    jobs.control.put_symbols(["SPY"])
    (minute,) = list(jobs.minutes.minutes(DAY) or [])
    jobs.bars.put_base("SPY", minute.t, minute.partial._replace(high=200 * 10**9), NOW_S)
    nights.run(lambda: jobs.reconcile(DAY))
    jobs.bars.put_base("SPY", minute.t, minute.partial, NOW_S)
    nights.run(lambda: jobs.reconcile(DAY))
    assert [report.comparisons[0].kinds for report in reports] == [{"ours": 1}, {}]
    assert nights.told("differences", capsys) == [[ALARM, OK], []]


def test_longer_bars_follow_the_daily_ones(jobs: Jobs) -> None:
    def load(*bars: DailyBar) -> None:
        jobs.postgres.run(lambda connection: load_daily(connection, bars, source="vendor", known_at=AT))

    load(bar("A", date(2013, 10, 7), close=10), bar("A"))
    assert jobs.multi_session(DAY).split(",")[1].strip().endswith("new or grown")
    week = "SELECT day, last_day, close::float8, volume::float8, forming FROM bars_nd WHERE timeframe = 'week'"
    assert jobs.postgres.rows(week) == [(date(2013, 10, 7), date(2013, 10, 11), 11.0, 1000.0, True)]
    assert jobs.multi_session(DAY).startswith("0 bars made"), "nothing is due"


def test_the_command_runs_a_step_and_says_how_it_went(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[dict[str, Any]] = []
    monkeypatch.setattr(command, "wire", lambda: jobs)
    monkeypatch.setattr(command, "event", lambda log, level, step, **fields: said.append(fields))
    assert command.main(["land", "2013-10-08"]) == 0
    assert [command.main(wrong) for wrong in (["dance", "2013-10-08"], ["land", "yesterday"], [])] == [2, 2, 2]

    def away(_: Jobs, day: date) -> str:
        raise StoreUnavailable("lake: away")

    monkeypatch.setattr(Jobs, "land", away)
    assert command.main(["land", "2013-10-08"]) == 1
    assert said == [
        {"day": "2013-10-08", "done": "nothing was fetched"},
        {"day": "2013-10-08", "error": "StoreUnavailable: lake: away"},
    ]
