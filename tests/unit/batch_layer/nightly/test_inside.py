"""The steps inside the VPC, over PostgreSQL and moto: what was landed is loaded once, what was rebuilt is settled."""

import gzip
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from batch_layer.fetch.units import Fetched, Refused
from batch_layer.lake.manifest import BrokenFile, Manifest
from batch_layer.lake.minute_lines import MinuteLines
from batch_layer.lake.objects import Objects
from batch_layer.nightly import inside as module
from batch_layer.nightly.inside import Inside
from batch_layer.nightly.landing import Landing, Told
from batch_layer.nightly.warm import MOST_SYMBOLS
from batch_layer.reconcile.report import Comparison, Report
from batch_layer.reconcile.run import write_report
from shared.bars.windows import new_york_midnight_ms
from shared.errors import PermanentError
from shared.models.bar import Minute, Partial
from shared.models.daily import DailyBar
from shared.stores.postgres import Postgres
from shared.stores.runs import RunLedger
from shared.stores.settled import MINUTES, SettledStore
from tests.fakes.cloudwatch import ALARM, OK
from tests.fakes.postgres import database
from tests.unit.batch_layer.nightly.nights import Nights
from tests.unit.shared.stores.conftest import BUCKET, TABLE, create_table

__all__ = ["database"]

DAY = date(2013, 10, 8)
OPEN = new_york_midnight_ms(DAY) + (9 * 60 + 30) * 60_000
AT = datetime(2013, 10, 9, 0, 15, tzinfo=UTC)
OWNER = "execution"


@pytest.fixture
def inside(s3: Any, dynamodb: Any, database: str) -> Iterator[Inside]:
    create_table(dynamodb, {"pk": "S", "sk": "S"})
    postgres = Postgres(database)
    ledger = RunLedger(dynamodb, TABLE)
    ledger.take(DAY, OWNER, 0, 10**10)
    objects, lines = Objects(s3, BUCKET), MinuteLines(s3, BUCKET)
    yield Inside(postgres, ledger, SettledStore(dynamodb, TABLE), objects, lines, lambda: AT, lambda _: None)
    postgres.close()


def bar(sym: str, close: int = 11, volume: int = 500) -> DailyBar:
    return DailyBar(sym, DAY, 10 * 10**9, 12 * 10**9, 9 * 10**9, close * 10**9, volume * 10**6)


def minutes(count: int, price: int = 10) -> list[Minute]:
    found = []
    for t in range(OPEN, OPEN + count * 60_000, 60_000):
        key = f"{t:013d}{1:012d}{price * 10**9:018d}"
        found.append(Minute("A", t, Partial(key, key, price * 10**9, price * 10**9, 10**8, price * 10**17, 1)))
    return found


def put_lines(inside: Inside, found: list[Minute], known_at: datetime = AT) -> None:
    inside.lines.write(DAY, found, Manifest(len(found), 1, "ab", "raw log", "0.1.0", known_at))


def settled(inside: Inside) -> list[date]:
    return list(inside.settled.days(MINUTES, DAY, DAY))


def test_what_was_landed_is_loaded_once(inside: Inside) -> None:
    Landing(inside.objects).put(DAY, AT, Told(Fetched(bars=[bar("A"), bar("B")])))
    assert inside.load(DAY, OWNER)["added"] == 2
    assert inside.load(DAY, OWNER) == {"rows": "loaded before"}
    stored = inside.postgres.rows("SELECT sym, close::float8, source, known_at FROM bars_1d ORDER BY sym")
    assert stored == [("A", 11.0, "vendor", AT), ("B", 11.0, "vendor", AT)]
    (run,) = inside.ledger.runs(DAY, DAY)
    assert run.steps["load"] == {"rows": "loaded before"}


def test_a_later_answer_of_the_vendor_is_a_correction(inside: Inside) -> None:
    Landing(inside.objects).put(DAY, AT, Told(Fetched(bars=[bar("A")])))
    inside.load(DAY, OWNER)
    Landing(inside.objects).put(DAY, AT + timedelta(days=1), Told(Fetched(bars=[bar("A", close=10)])))
    assert inside.load(DAY, OWNER)["changed"] == 1
    assert inside.postgres.rows("SELECT old ->> 'close', new ->> 'close' FROM corrections") == [
        ("11.000000000", "10.000000000")
    ]


def test_without_a_vendor_nothing_is_loaded(inside: Inside) -> None:
    assert inside.load(DAY, OWNER) == {"vendor": "none"}


def test_rebuilt_minutes_are_settled_and_a_repeat_changes_nothing(inside: Inside) -> None:
    put_lines(inside, minutes(3))
    assert inside.settle(DAY, OWNER)["counts"] == {"rows": 3, "added": 3, "changed": 0, "outdated": 0, "reasons": {}}
    assert settled(inside) == [DAY]
    assert inside.settled.version().startswith("2013-10-09T00:15"), "answers of before have another name"
    assert inside.settle(DAY, OWNER)["counts"] == {"rows": 3, "added": 0, "changed": 0, "outdated": 0, "reasons": {}}
    assert inside.postgres.rows("SELECT count(*), sum(volume)::float8, max(revision) FROM bars_1m") == [(3, 300.0, 0)]


def test_a_date_of_which_nothing_was_streamed_stays_unsettled(inside: Inside) -> None:
    assert inside.settle(DAY, OWNER) == {"counts": {"minutes": 0, "why": "nothing was streamed"}, "warm": []}
    assert settled(inside) == []


def test_what_the_speed_view_alone_has_is_not_taken_away(inside: Inside, s3: Any) -> None:
    put_lines(inside, minutes(3))
    speed = Comparison("speed view", bars=4, equal=3, kinds={"gap": 1})
    write_report(s3, BUCKET, Report(1, DAY, AT, None, [speed], []))
    assert inside.settle(DAY, OWNER)["counts"] == {"minutes": 0, "why": "1 minutes are not in the raw log"}
    assert settled(inside) == []
    speed.kinds = {"late": 1}
    write_report(s3, BUCKET, Report(1, DAY, AT, None, [speed], []))
    inside.settle(DAY, OWNER)
    assert settled(inside) == [DAY]


@pytest.mark.alarm("unsettled")
def test_a_date_that_cannot_be_settled_is_told_and_the_next_is_not(
    inside: Inside, s3: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nights = Nights(monkeypatch)
    put_lines(inside, minutes(3))
    speed = Comparison("speed view", bars=4, equal=3, kinds={"gap": 1})
    write_report(s3, BUCKET, Report(1, DAY, AT, None, [speed], []))
    nights.run(lambda: inside.settle(DAY, OWNER))
    speed.kinds = {"late": 1}
    write_report(s3, BUCKET, Report(1, DAY, AT, None, [speed], []))
    nights.run(lambda: inside.settle(DAY, OWNER))
    assert nights.told("unsettled", capsys) == [[ALARM, OK], []]


@pytest.mark.alarm("unreadable")
def test_rows_that_break_a_rule_are_told(
    inside: Inside, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nights = Nights(monkeypatch)
    spoiled = Told(
        Fetched(bars=[bar("A"), bar("B")._replace(low=13 * 10**9)]), refused=[Refused(b"{", "row", "no JSON")]
    )
    Landing(inside.objects).put(DAY, AT, spoiled)
    nights.run(lambda: inside.load(DAY, OWNER))
    Landing(inside.objects).put(DAY, AT + timedelta(days=1), Told(Fetched(bars=[bar("A")])))
    nights.run(lambda: inside.load(DAY, OWNER))
    assert inside.postgres.rows("SELECT count(*) FROM quarantine") == [(2,)]
    assert nights.told("unreadable", capsys) == [[ALARM, OK], []]


def test_lines_that_were_cut_short_settle_nothing(inside: Inside, s3: Any) -> None:
    put_lines(inside, minutes(3))
    (key,) = [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    lines = gzip.decompress(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()).splitlines(keepends=True)
    s3.put_object(Bucket=BUCKET, Key=key, Body=gzip.compress(b"".join(lines[:-1])))
    with pytest.raises(BrokenFile, match="2 minutes, not 3"):
        inside.settle(DAY, OWNER)
    assert settled(inside) == []
    assert inside.postgres.rows("SELECT count(*) FROM bars_1m") == [(0,)]


def test_the_symbols_that_were_traded_most_are_asked_for_first(inside: Inside) -> None:
    put_lines(inside, minutes(1))
    bars = [bar(f"S{number:02d}", volume=number) for number in range(30)]
    Landing(inside.objects).put(DAY, AT, Told(Fetched(bars=bars)))
    warm = inside.settle(DAY, OWNER)["warm"]
    assert isinstance(warm, list)
    assert [request["path"] for request in warm][:2] == [
        "/v2/aggs/ticker/S29/range/1/minute/2013-10-08/2013-10-08",
        "/v2/aggs/ticker/S28/range/1/minute/2013-10-08/2013-10-08",
    ]
    assert len(warm) == MOST_SYMBOLS


def test_the_handler_knows_its_steps_and_no_others(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "wire", lambda: replace(inside))
    event = {"step": "load", "day": "2013-10-08", "owner": OWNER}
    assert module.lambda_handler(event, None) == {"vendor": "none"}
    with pytest.raises(PermanentError, match="no such step"):
        module.lambda_handler({**event, "step": "fetch"}, None)
