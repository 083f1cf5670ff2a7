"""The examples of docs/lake.md run over a bucket of the emulator, and find what was written to it."""

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import boto3
import pytest

from batch_layer.lake.daily import DailyLake
from batch_layer.lake.minutes import MinuteLake
from batch_layer.lake.reference import ReferenceLake
from local_dev.runtime.processes import Supervisor
from local_dev.runtime.servers import start_emulator, stop_emulator
from shared.bars.algebra import merge_all, prepare
from shared.bars.sessions import new_york_sessions
from shared.frames import VERSION, Part, TradeRow, encode, partial_to_wire
from shared.models.bar import Minute, Partial
from shared.models.daily import DailyBar, Split
from shared.models.trade import Trade
from shared.stores.lake import Lake, Lines, raw_hour
from tests.conftest import ROOT

BUCKET = "condvest-lake"
MONDAY, TUESDAY = date(2013, 10, 7), date(2013, 10, 8)
KNOWN = datetime(2013, 10, 9, tzinfo=UTC)
TOLD: dict[str, Any] = {"source": "vendor", "known_at": KNOWN}
OPEN_MS = 1_381_239_000_000  # Tuesday 09:30 in New York
USD, SHARE = 10**9, 10**6
EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "docs/lake.md").read_text(), re.DOTALL)


def daily(sym: str, day: date, close: int, volume: int) -> DailyBar:
    return DailyBar(sym, day, close * USD, close * USD, close * USD, close * USD, volume * SHARE)


def trade(number: int, price: int, size: int) -> Trade:
    """One a second, the first at the open."""
    return Trade("SPY", OPEN_MS + 1000 * number, number, 12, 0, str(number), price * USD, size * SHARE, (), 2)


TRADES = [trade(0, 166, 100), trade(1, 167, 50), trade(299, 165, 25), trade(300, 168, 10)]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Two days of bars, a split announced and corrected, four trades (one part twice) and their minutes."""
    state = tmp_path_factory.mktemp("lake")
    supervisor = Supervisor(state / "logs")
    emulator = start_emulator(supervisor, state)
    options = {"endpoint_url": emulator.url, "region_name": "us-east-1"}
    s3 = boto3.client("s3", aws_access_key_id="local", aws_secret_access_key="local", **options)
    s3.create_bucket(Bucket=BUCKET)
    write_days(s3)
    write_trades(s3)
    (folder,) = (state / "emulator/s3").glob("*/*lake*")
    yield {"LAKE": str(folder), "LAKE_BUCKET": BUCKET, "EMULATOR": emulator.url}
    stop_emulator(supervisor, emulator)
    supervisor.stop()


def write_days(s3: Any) -> None:
    days = DailyLake(s3, BUCKET, "0.1.0")
    days.write(MONDAY, [daily("AIG", MONDAY, 48, 300), daily("SPY", MONDAY, 168, 900)], **TOLD)
    gone = DailyBar("SPY", TUESDAY, None, None, None, None, 0)
    days.write(TUESDAY, [daily("AIG", TUESDAY, 12, 100), gone], **TOLD)
    split = Split("AIG", TUESDAY, Decimal(1), Decimal(3), "s1", KNOWN)
    reference = ReferenceLake(s3, BUCKET, "0.1.0")
    reference.write_splits(MONDAY, [split], **TOLD)
    reference.write_splits(TUESDAY, [split._replace(split_to=Decimal(4))], **TOLD)


def write_trades(s3: Any) -> None:
    """In two objects that both hold the second part, with a heartbeat between them; and their minutes."""
    session = new_york_sessions().day(TUESDAY)
    assert session is not None
    lines, minutes = [], defaultdict(list)
    for one in TRADES:
        partial = prepare(one, session)
        minutes[one.t // 60_000 * 60_000].append(partial)
        row = TradeRow(one.t, one.q, 12, 0, one.i, str(one.price // USD), str(one.size // SHARE), (), 2)
        part = Part(VERSION, f"1-0-{one.q}", "SPY", one.t // 1000, partial_to_wire(partial), trades=[row])
        lines.append(encode(part))
    raw, (day, hour) = Lake(s3, BUCKET), raw_hour(OPEN_MS // 1000)
    raw.put_raw("shard-0", "1", [Lines(day, hour, [*lines[:2], encode(Part(VERSION, "1-0-9", "", 5))])])
    raw.put_raw("shard-0", "2", [Lines(day, hour, lines[1:])])
    unshown = Minute("BAC", OPEN_MS, Partial(volume=7 * SHARE, notional=1, count=1))
    made = [Minute("SPY", t, merge_all(partials)) for t, partials in minutes.items()]
    MinuteLake(s3, BUCKET, "0.1.0").write(TUESDAY, [*made, unshown], **TOLD)


def ran(what: str, lake: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names that the example leaves which has these words in it."""
    (example,) = [example for example in EXAMPLES if what in example]
    for name, value in lake.items():
        monkeypatch.setenv(name, value)
    names: dict[str, Any] = {}
    exec(example, names)  # noqa: S102 -- our own document
    return names


def test_every_example_is_tested() -> None:
    assert len(EXAMPLES) == 5


def test_duckdb_adjusts_closes_by_the_splits_known_last(lake: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    rows = ran("adjusted = duckdb", lake, monkeypatch)["adjusted"].fetchall()
    assert rows == [
        ("AIG", MONDAY, Decimal(48), 12.0),
        ("AIG", TUESDAY, Decimal(12), 12.0),
        ("SPY", MONDAY, Decimal(168), 168.0),
    ]


def test_duckdb_counts_each_trade_of_the_raw_log_once(lake: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    rows = ran("traded = duckdb", lake, monkeypatch)["traded"].fetchall()
    assert rows == [("SPY", 4, Decimal(185), Decimal(168))]


def test_polars_makes_five_minutes_of_minutes(lake: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    five = ran("group_by_dynamic", lake, monkeypatch)["five"]
    start = datetime(2013, 10, 8, 13, 30, tzinfo=UTC)
    assert five.rows() == [
        ("SPY", start, *map(Decimal, (166, 167, 165, 165, 175)), 3),
        ("SPY", start + timedelta(minutes=5), *map(Decimal, (168, 168, 168, 168, 10)), 1),
    ]


def test_polars_reads_the_bucket_itself(lake: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert ran("storage_options", lake, monkeypatch)["most"].rows() == [("SPY", Decimal(900)), ("AIG", Decimal(400))]


def test_a_date_is_checked_against_its_manifest(
    lake: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran("_manifest.json", lake, monkeypatch)["whole"]
    assert capsys.readouterr().out == "2 rows of vendor, known since 2013-10-09T00:00:00Z, whole: True\n"
