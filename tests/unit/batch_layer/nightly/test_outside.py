"""The steps outside the VPC, over moto and a vendor on a socket: one run a date, what came landed, its end written."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from batch_layer.fetch.units import ShortAnswer
from batch_layer.lake.objects import Objects
from batch_layer.nightly import outside as module
from batch_layer.nightly.landing import Landing
from batch_layer.nightly.outside import LEASE_S, Outside
from batch_layer.nightly.whole import LogNotWhole
from shared.bars.sessions import new_york_sessions
from shared.errors import InvalidRecord, PermanentError
from shared.frames import VERSION, Part, encode
from shared.stores.lake import Lake, Lines
from shared.stores.runs import FAILED, FINISHED, RunLedger
from tests.unit.batch_layer.fetch.support import client
from tests.unit.local_dev.vendor.table_files import midnight_ns
from tests.unit.shared.clients.vendor import Answer, Vendor, vendor
from tests.unit.shared.stores.conftest import BUCKET, TABLE, create_table

DAY = date(2013, 10, 8)
ASKED = {"day": "2013-10-08"}
OPEN = 1_381_239_000_000
"""09:30 in New York, Unix ms."""
NOW = datetime(2013, 10, 9, 0, 15, tzinfo=UTC)


@pytest.fixture
def server() -> Iterator[Vendor]:
    with vendor() as server:
        yield server


class Clock:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outside(s3: Any, dynamodb: Any, server: Vendor, clock: Clock) -> Outside:
    create_table(dynamodb, {"pk": "S", "sk": "S"})
    return Outside(
        ledger=RunLedger(dynamodb, TABLE),
        lake=Lake(s3, BUCKET),
        objects=Objects(s3, BUCKET),
        sessions=new_york_sessions(),
        rest=client(server.url),
        symbols=None,
        compared_symbols=1,
        now=clock,
    )


def page(*rows: dict[str, Any], **more: Any) -> Answer:
    return Answer(body=json.dumps({"status": "OK", "results": rows, **more}).encode())


def grouped(*symbols: str) -> Answer:
    t = midnight_ns("2013-10-08") // 10**6
    rows = [{"T": sym, "o": 10, "h": 12, "l": 9, "c": 11, "v": 500, "t": t} for sym in symbols]
    return page(*rows, resultsCount=len(rows))


def minutes() -> Answer:
    rows = [{"o": 10, "h": 12, "l": 9, "c": 11, "v": 500, "t": t} for t in (OPEN, OPEN + 60_000)]
    return page(*rows, resultsCount=len(rows))


def test_a_date_without_a_session_has_nothing_to_do(outside: Outside) -> None:
    sunday = outside.session({"day": "2013-10-06"}, "a")
    assert (sunday["run"], sunday["why"]) == (False, "no session on that date")


def test_of_two_runs_of_a_date_one_goes_on(outside: Outside, clock: Clock) -> None:
    assert outside.session(ASKED, "a") == {"run": True, "day": "2013-10-08"}
    assert outside.session(ASKED, "b")["run"] is False
    assert outside.session(ASKED, "a")["run"] is True, "a step that is tried again is no other run"
    clock.now += timedelta(seconds=LEASE_S + 1)
    assert outside.session(ASKED, "b")["run"] is True, "who has died gives the date back"


def test_a_log_that_is_still_written_to_takes_no_lease(outside: Outside) -> None:
    part = Part(VERSION, "1-0-1", "SPY", int(datetime(2013, 10, 8, 14, 0, tzinfo=UTC).timestamp()))
    outside.lake.put_raw("a", "1", [Lines("2013-10-08", "10", [encode(part)])])
    with pytest.raises(LogNotWhole):
        outside.session(ASKED, "a")
    assert outside.ledger.runs(DAY, DAY) == []


def test_what_came_is_landed_and_counted(outside: Outside, server: Vendor) -> None:
    split = {"id": "E1", "ticker": "A", "execution_date": "2013-10-08", "split_from": 1, "split_to": 2}
    server.answers = [
        grouped("A", "B"),
        page(split),
        page(),
        minutes(),
    ]
    outside.session(ASKED, "a")
    told = outside.fetch(DAY, "a")
    landed = Landing(outside.objects).newest(DAY)
    assert landed is not None
    assert landed.known_at == NOW
    assert [bar.sym for bar in landed.told.fetched.bars] == ["A", "B"]
    assert [split.id for split in landed.told.fetched.splits] == ["E1"]
    assert (landed.told.compared, [minute.t for minute in landed.told.minutes]) == (["A"], [OPEN, OPEN + 60_000])
    assert told == {"known_at": NOW.isoformat(), "bars": 2, "splits": 1, "minutes": 2, "landed": landed.key}
    (run,) = outside.ledger.runs(DAY, DAY)
    assert run.steps["fetch"] == told


def test_a_day_that_is_short_against_the_one_before_is_not_landed(outside: Outside, server: Vendor) -> None:
    outside.session(ASKED, "a")
    before = DAY - timedelta(days=1)
    symbols = [f"S{number}" for number in range(100)]
    server.answers = [grouped(*symbols), page(), page(), minutes()]
    outside.fetch(DAY, "a")
    landing = Landing(outside.objects)
    landed = landing.newest(DAY)
    assert landed is not None
    landing.put(before, NOW - timedelta(days=1), landed.told)
    server.answers = [grouped(*symbols[:97])]
    with pytest.raises(ShortAnswer, match="97 symbols"):
        outside.fetch(DAY, "a")
    assert landing.newest(DAY) == landed


def test_without_a_vendor_there_is_nothing_to_fetch(outside: Outside) -> None:
    alone = Outside(**{**outside.__dict__, "rest": None})
    alone.session(ASKED, "a")
    assert alone.fetch(DAY, "a") == {"vendor": "none"}
    assert Landing(outside.objects).newest(DAY) is None


def test_both_ends_of_a_run_are_written_down(outside: Outside) -> None:
    outside.session(ASKED, "a")
    outside.give_up(DAY, "a", {"Error": "SourceUnavailable", "Cause": "busy"})
    (run,) = outside.ledger.runs(DAY, DAY)
    assert (run.state, run.detail) == (FAILED, {"Error": "SourceUnavailable", "Cause": "busy"})
    assert outside.session(ASKED, "b")["run"] is True, "a date that was given up is free"
    outside.finish(DAY, "b", {"fetch": {"bars": 2}})
    (run,) = outside.ledger.runs(DAY, DAY)
    assert (run.state, run.detail) == (FINISHED, {"fetch": {"bars": 2}})


def test_the_handler_knows_its_steps_and_no_others(outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "wire", lambda: outside)
    assert module.lambda_handler({"step": "session", "asked": ASKED, "owner": "a"}, None)["run"] is True
    done = {"step": "finish", "day": "2013-10-08", "owner": "a", "detail": {}}
    assert module.lambda_handler(done, None) == {}
    with pytest.raises(PermanentError, match="no such step"):
        module.lambda_handler({"step": "dance", "day": "2013-10-08", "owner": "a"}, None)
    with pytest.raises(InvalidRecord):
        module.lambda_handler({"step": "session", "asked": {}, "owner": "a"}, None)
