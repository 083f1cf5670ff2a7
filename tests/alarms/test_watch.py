"""Alarms on what nobody tells by himself: nights that were not, batches given up, and the one who looks."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from local_dev.runtime.destinations import object_key
from shared import metrics as measuring
from shared.bars.sessions import new_york_sessions
from shared.errors import StoreUnavailable
from shared.metrics import QUARANTINED, SESSION_OPEN
from shared.stores.control import ControlStore
from shared.stores.lake import Lake
from shared.stores.runs import RunLedger
from shared.stores.ticks import TickStore
from speed_layer.archive import handler as archive
from speed_layer.watch import handler as module
from speed_layer.watch.handler import Watch
from stacks.alarms import ALARMS, Source
from tests.alarms.watched import OPEN_S, lines_of
from tests.fakes.cloudwatch import ALARM, NAMESPACE, OK, Metrics, changes, fired_at, state
from tests.fakes.s3 import S3
from tests.unit.shared.stores.conftest import BUCKET, TABLE, answer_with_error, create_table
from tests.unit.speed_layer.records import lambda_event

BY_NAME = {alarm.name: alarm for alarm in ALARMS}
HOUR, DAY = 3600, date(2013, 10, 8)
MIDNIGHT_S = OPEN_S - int(9.5 * HOUR)
"""The New York midnight that begins DAY, a Tuesday."""
Clock = list[float]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The host's time, Unix s."""
    monkeypatch.setenv("METRICS_NAMESPACE", NAMESPACE)
    return [float(OPEN_S)]


@pytest.fixture
def watch(dynamodb: Any, s3: Any, clock: Clock) -> Watch:
    create_table(dynamodb, {"pk": "S", "sk": "S"})
    control, ledger = ControlStore(dynamodb, TABLE), RunLedger(dynamodb, TABLE)
    now: Callable[[], datetime] = lambda: datetime.fromtimestamp(clock[0], UTC)  # noqa: E731
    return Watch(control, ledger, s3, BUCKET, new_york_sessions(), now)


def look(watch: Watch, clock: Clock, start_s: float, end_s: float, every_s: int = 300) -> None:
    """At every so many seconds of [start, end)."""
    for at in range(int(start_s), int(end_s), every_s):
        clock[0] = at
        watch.look()


@pytest.mark.fault("F82")
@pytest.mark.alarm("night-missing")
def test_a_night_that_did_not_run_is_told_at_six_and_until_it_has_run(
    watch: Watch, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tuesday's night runs; Wednesday's does not start, and is run by hand on Thursday at eight."""
    look(watch, clock, MIDNIGHT_S, MIDNIGHT_S + 1)
    watch.ledger.take(DAY, "run", MIDNIGHT_S + 20 * HOUR, MIDNIGHT_S + 28 * HOUR)
    watch.ledger.finish(DAY, "run", {})
    wednesday, thursday = MIDNIGHT_S + 24 * HOUR, MIDNIGHT_S + 48 * HOUR
    look(watch, clock, wednesday + 5 * HOUR, wednesday + 7 * HOUR)
    look(watch, clock, thursday + 5 * HOUR, thursday + 7 * HOUR)
    watch.ledger.take(DAY + timedelta(days=1), "by hand", thursday + 8 * HOUR, thursday + 16 * HOUR)
    look(watch, clock, thursday + 8 * HOUR, thursday + 9 * HOUR)
    watch.ledger.finish(DAY + timedelta(days=1), "by hand", {})
    look(watch, clock, thursday + 9 * HOUR, thursday + 10 * HOUR)
    metrics, alarm = lines_of(capsys), BY_NAME["night-missing"]
    assert changes(alarm, metrics, MIDNIGHT_S, thursday) == []
    assert changes(alarm, metrics, thursday, thursday + 10 * HOUR) == [ALARM, OK]
    assert fired_at(alarm, metrics, thursday, thursday + 10 * HOUR)[0] <= thursday + 6 * HOUR + 20 * 60


@pytest.mark.parametrize("ended", ["fail", "die"])
@pytest.mark.alarm("night-missing")
def test_a_night_that_failed_or_died_is_missing_too(
    watch: Watch, clock: Clock, capsys: pytest.CaptureFixture[str], ended: str
) -> None:
    watch.look()
    watch.ledger.take(DAY, "run", MIDNIGHT_S + 20 * HOUR, MIDNIGHT_S + 28 * HOUR)
    if ended == "fail":
        watch.ledger.fail(DAY, "run", {"Error": "ShortAnswer"})
    look(watch, clock, MIDNIGHT_S + 29 * HOUR, MIDNIGHT_S + 31 * HOUR)
    watch.ledger.take(DAY, "again", MIDNIGHT_S + 31 * HOUR, MIDNIGHT_S + 39 * HOUR)
    watch.ledger.finish(DAY, "again", {})
    look(watch, clock, MIDNIGHT_S + 31 * HOUR, MIDNIGHT_S + 32 * HOUR)
    told = changes(BY_NAME["night-missing"], lines_of(capsys), MIDNIGHT_S, MIDNIGHT_S + 32 * HOUR)
    assert told == [ALARM, OK]


def test_nights_before_the_platform_was_there_are_not_missed(
    watch: Watch, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    look(watch, clock, OPEN_S, OPEN_S + HOUR)
    assert changes(BY_NAME["night-missing"], lines_of(capsys), OPEN_S, OPEN_S + HOUR) == []
    assert watch.control.watched_since(OPEN_S + 9 * HOUR) == OPEN_S


def test_the_lake_is_listed_once_in_each_period_of_the_alarm_on_it(watch: Watch, clock: Clock) -> None:
    lists: list[str] = []
    watch.s3.meta.events.register("before-call.s3.ListObjectsV2", lambda **_: lists.append("list"))
    look(watch, clock, OPEN_S, OPEN_S + HOUR, every_s=60)
    assert len(lists) == HOUR / 300


@pytest.mark.fault("F30")
@pytest.mark.alarm("dead-letters")
def test_batches_that_lambda_gives_up_are_told_for_an_hour(
    watch: Watch, clock: Clock, s3: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bucket's own clock is the machine's."""
    began = int(datetime.now(UTC).timestamp())
    look(watch, clock, began - HOUR, began - 10)
    s3.put_object(Bucket=BUCKET, Key=object_key("6f1c", "shardId-000000000000", began), Body=b"{}")
    s3.put_object(Bucket=BUCKET, Key="raw/trades/date=2013-10-08/any", Body=b"")
    look(watch, clock, began, began + 2 * HOUR)
    metrics, alarm = lines_of(capsys), BY_NAME["dead-letters"]
    assert changes(alarm, metrics, began - HOUR, began + 2 * HOUR) == [ALARM, OK]
    fired = fired_at(alarm, metrics, began - HOUR, began + 2 * HOUR)
    assert fired[0] <= began + 600
    assert began + HOUR - 600 <= fired[-1] <= began + HOUR + 1_200


@pytest.mark.alarm("watch-silent")
def test_a_watch_that_does_not_run_is_told(
    watch: Watch, clock: Clock, dynamodb: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its table does not answer for half an hour."""
    look(watch, clock, OPEN_S, OPEN_S + 1_800, 120)
    refused = answer_with_error(dynamodb, "Query", 400, b'{"__type": "AccessDeniedException"}', times=15)
    failed = 0
    for minute in range(0, 30, 2):
        clock[0] = OPEN_S + 1_800 + minute * 60
        try:
            watch.look()
        except StoreUnavailable:
            failed += 1
    assert (failed, len(refused)) == (15, 15)
    look(watch, clock, OPEN_S + 3_600, OPEN_S + 5_400, 120)
    metrics, alarm = lines_of(capsys), BY_NAME["watch-silent"]
    assert changes(alarm, metrics, OPEN_S + 1_200, OPEN_S + 5_400) == [ALARM, OK]
    assert state(alarm, Metrics(), OPEN_S) == ALARM, "one that never ran is silent"


@pytest.mark.fault("F30")
@pytest.mark.alarm("quarantined")
def test_records_that_a_stream_function_cannot_read_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], clock: Clock
) -> None:
    """Ninety in a batch, a batch a minute for eleven minutes."""

    class Time:
        time = staticmethod(lambda: clock[0])

    monkeypatch.setattr(measuring, "time", Time)
    shelves = archive.Shelves(Lake(S3(), "lake"), TickStore(None, ""), live=True)
    monkeypatch.setattr(archive, "wire", lambda: shelves)
    for minute in range(11):
        clock[0] = OPEN_S + minute * 60
        answer = archive.lambda_handler(lambda_event(*[b"{"] * 90, first=1 + 90 * minute), None)
        assert answer == {"batchItemFailures": []}, "the batch goes on"
    metrics = lines_of(capsys)
    for minute in range(60):
        metrics.put(Source.of(SESSION_OPEN), OPEN_S + minute * 60, 1)
    assert metrics.total(QUARANTINED) == 990
    assert changes(BY_NAME["quarantined"], metrics, OPEN_S, OPEN_S + HOUR) == [ALARM, OK]


def test_the_function_is_wired_from_its_environment(monkeypatch: pytest.MonkeyPatch, aws: Any) -> None:
    monkeypatch.setenv("CONTROL_TABLE", TABLE)
    monkeypatch.setenv("LAKE_BUCKET", BUCKET)
    module.wire.cache_clear()
    assert module.wire().bucket == BUCKET
    module.wire.cache_clear()
