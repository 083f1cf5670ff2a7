"""F76 to F79: whatever goes wrong with the vendor's answers for a while, what is fetched is what it has."""

import csv
import gzip
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from batch_layer.fetch.fetcher import Fetcher
from batch_layer.fetch.planner import METHODS, PAID, Method, plan_days
from batch_layer.fetch.reference_plan import plan_reference
from batch_layer.fetch.rest import VendorRest
from batch_layer.fetch.run import run
from batch_layer.fetch.units import Fetched, ShortAnswer, Unit
from local_dev.vendor.settings import VendorSettings
from shared.bars.windows import new_york_date
from shared.errors import SourceUnavailable
from tests.unit.batch_layer.fetch.support import SESSIONS, PassingTime, client, complete
from tests.unit.local_dev.vendor.table_files import bar, serving_tables, write_actions, write_daily

DAYS = [date(2020, 1, 2), date(2020, 1, 3), date(2020, 1, 6)]
ASKED = date(2020, 1, 7)
RANGE = Unit("range", "A", DAYS[0], DAYS[-1])
GROUPED = Unit("grouped", start=DAYS[1], end=DAYS[1])
SPLITS = Unit("splits", asked=ASKED)
SPLITS_IN_ALL = 2_500


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three days of two symbols, and three pages of splits."""
    folder = tmp_path_factory.mktemp("tables")
    write_daily(folder, *(bar(sym, str(day)) for sym in "AB" for day in DAYS))
    symbols = (f"S{number:04}" for number in range(SPLITS_IN_ALL))
    return write_actions(folder, *(f"{sym},2020-01-02,1,2," for sym in symbols))


def fetcher(rest: VendorRest, *, accept_short: bool = False) -> Fetcher:
    return Fetcher(rest, SESSIONS, complete(accept_short=accept_short), datetime(2020, 1, 7, tzinfo=UTC))


def fetch(folder: Path, faults: str, unit: Unit, time: PassingTime | None = None) -> Fetched:
    with serving_tables(folder, VendorSettings(faults=faults)) as server:
        return fetcher(client(server.url, time))(unit)


PASSING = [
    "http500@3",
    "http502@1,http503@1,http504@1",
    "http429@6:9s",
    "truncate@3",
    "reset@3",
    "half@3",
    "nobody@3",
]
LEADING_BACK = ["repeat@2", "loop@2", "elsewhere@2"]


@pytest.mark.parametrize("faults", PASSING + LEADING_BACK)
def test_a_failure_that_passes_loses_no_page_wherever_it_comes(folder: Path, faults: str) -> None:
    everywhere = f"{faults},ok@4,{faults},ok@4,{faults}"  # on the first, the second, and the third page of three
    with serving_tables(folder, VendorSettings(faults=everywhere)) as server:
        for _ in range(3):
            splits = fetcher(client(server.url))(SPLITS).splits
            assert [split.sym for split in splits] == [f"S{number:04}" for number in range(SPLITS_IN_ALL)]


@pytest.mark.parametrize("faults", PASSING)
def test_a_failure_that_passes_loses_no_bar(folder: Path, faults: str) -> None:
    with serving_tables(folder, VendorSettings(faults=f"{faults},ok@1,{faults}")) as server:
        assert [one.day for one in fetcher(client(server.url))(RANGE).bars] == DAYS
        assert [one.sym for one in fetcher(client(server.url))(GROUPED).bars] == ["A", "B"]


@pytest.mark.parametrize("kind", ["http500", "truncate", "reset", "half", "nobody", "repeat", "loop", "elsewhere"])
def test_a_failure_that_stays_is_a_failure_and_never_no_data(folder: Path, kind: str) -> None:
    for unit in (RANGE, SPLITS):
        with pytest.raises(SourceUnavailable, match="5 tries"):
            fetch(folder, f"{kind}@9", unit)


@pytest.mark.parametrize("unit", [RANGE, GROUPED])
def test_an_answer_that_found_nothing_on_a_trade_date_is_suspicious(folder: Path, unit: Unit) -> None:
    with pytest.raises(ShortAnswer):
        fetch(folder, "empty@1", unit)


def test_the_vendors_wish_to_wait_is_honoured(folder: Path) -> None:
    time = PassingTime()
    fetch(folder, "http429@2:33s", RANGE, time)
    assert time.slept == [33, 33]


def test_the_quota_of_the_free_plan_is_kept_so_that_no_call_is_refused(folder: Path) -> None:
    time = PassingTime()
    units = [Unit("range", sym, DAYS[0], DAYS[-1]) for sym in "AB" for _ in range(6)]
    with serving_tables(folder, VendorSettings(calls_a_minute=5), time) as server:
        rest = client(server.url, time, calls=5)
        one = fetcher(rest)
        started = time.now
        assert all(len(one(unit).bars) == 3 for unit in units)
    assert (time.now - started, rest.calls) == (120, 12)


def test_another_user_of_the_same_key_costs_time_and_nothing_else(folder: Path) -> None:
    time = PassingTime()
    with serving_tables(folder, VendorSettings(calls_a_minute=5), time) as server:
        hasty, rest = client(server.url, time), client(server.url, time, calls=5)
        for _ in range(4):
            fetcher(hasty)(RANGE)
        assert [len(fetcher(rest)(RANGE).bars) for _ in range(3)] == [3, 3, 3]
    assert rest.calls > 3, "some were refused and asked again"


@pytest.mark.parametrize("method", METHODS[:2])
def test_the_recorded_history_arrives_as_its_files_hold_it_through_every_fault(recorded: Path, method: Method) -> None:
    symbols, first, last = ["AAPL", "BNO", "FB"], date(2020, 8, 1), date(2020, 9, 30)
    faults = ",ok@1,".join(PASSING)
    with serving_tables(recorded, VendorSettings(faults=faults)) as server:
        plan = plan_days(symbols, first, last, sessions=SESSIONS, quota=PAID, methods=[method])
        brought: list[Fetched] = []
        units = [*plan.units, *plan_reference(symbols, first, ASKED)]
        outcome = run(units, set(), fetcher(client(server.url)), lambda _, fetched: brought.append(fetched))
    assert (outcome.stored, outcome.failed) == (len(units), [])
    bars = {(one.sym, one.day): one for fetched in brought for one in fetched.bars if one.sym in symbols}
    written = [row for sym in symbols for row in rows_of(recorded / f"daily/{sym}.csv.gz")]
    wanted = {(row["ticker"], new_york_date(int(row["window_start"]) // 10**6)): row for row in written}
    wanted = {key: row for key, row in wanted.items() if first <= key[1] <= last}
    assert bars.keys() == wanted.keys()
    for key, row in wanted.items():
        own = bars[key]
        assert [Decimal(number or 0).scaleb(-9) for number in (own.open, own.high, own.low, own.close)] == [
            Decimal(row[name]) for name in ("open", "high", "low", "close")
        ]
        assert Decimal(own.volume).scaleb(-6) == Decimal(row["volume"])
    (split,) = [one for fetched in brought for one in fetched.splits]
    assert (split.sym, split.day, str(split.split_from), str(split.split_to)) == ("AAPL", date(2020, 8, 31), "1", "4")
    assert {one.sym for fetched in brought for one in fetched.tickers} == set(symbols)


def rows_of(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(gzip.decompress(file.read_bytes()).decode().splitlines()))
