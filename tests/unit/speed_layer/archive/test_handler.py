"""Trades stream to raw log and ticks."""

import gzip
import json
from typing import Any, cast

import msgspec
import pytest

from shared.bars.windows import END_OF_TIME_MS
from shared.errors import StoreUnavailable
from shared.frames import Part, QuarantineWire, encode
from shared.stores.lake import Lake
from shared.stores.ticks import TickStore
from speed_layer.archive import handler
from speed_layer.archive.handler import Shelves, archive
from tests.fakes.s3 import S3
from tests.fakes.tick_rows import TickRows
from tests.unit.speed_layer.feed import S0
from tests.unit.speed_layer.records import heartbeat, lambda_event, part, record

TEN = S0 + 1_800
"""10:00 in New York."""
NINE_KEY = "raw/trades/date=2013-10-08/hour=09/shardId-000000000000-7.jsonl.gz"
TEN_KEY = "raw/trades/date=2013-10-08/hour=10/shardId-000000000000-7.jsonl.gz"


@pytest.fixture
def s3() -> S3:
    return S3()


@pytest.fixture
def lake(s3: S3) -> Lake:
    return Lake(s3, "lake")


def _lines(s3: S3, key: str) -> list[bytes]:
    return gzip.decompress(s3.objects[key]).splitlines()


def test_every_part_is_a_line_with_its_bytes_as_they_came_in_the_object_of_its_new_york_hour(
    s3: S3, lake: Lake
) -> None:
    early, late = encode(part(TEN - 1)), encode(part(TEN)).replace(b'"v":1,', b'"v": 1, "new_field": [ 1 ],')
    archive([record(b"[" + early + b" , " + late + b"]", 7)], lake)
    assert _lines(s3, NINE_KEY) == [early]
    assert _lines(s3, TEN_KEY) == [late]


@pytest.mark.fault("F33")
def test_the_object_is_named_by_the_first_record_and_the_same_batch_writes_the_same_bytes(s3: S3, lake: Lake) -> None:
    batch = [record([part(TEN - 1), part(TEN)], 7), record([part(TEN, f="1-0-2")], 8)]
    archive(batch, lake)
    before = dict(s3.objects)
    archive(batch, lake)
    assert s3.objects == before
    assert set(before) == {NINE_KEY, TEN_KEY}
    assert before[TEN_KEY][4:8] == bytes(4), "no time in the gzip header"


def test_what_a_batch_holds_can_be_read_back(lake: Lake) -> None:
    parts = [part(TEN - 1, (1, 2)), part(TEN, (3,), f="1-0-2", sym="BRK.A")]
    archive([record(parts)], lake)
    assert [found for _, found in lake.raw_parts()] == parts
    assert [shard for shard, _ in lake.raw_parts("date=2013-10-08/hour=10/")] == ["shardId-000000000000"]


def test_of_the_heartbeats_the_greatest_is_kept(s3: S3, lake: Lake) -> None:
    beats = [heartbeat(TEN + 5), heartbeat(TEN + 9, "1-0-10"), heartbeat(TEN + 7, "1-1-3")]
    archive([record([beat], n) for n, beat in enumerate(beats, 7)], lake)
    assert _lines(s3, TEN_KEY) == [encode(beats[1])]


@pytest.mark.parametrize("written", [0, 1])
def test_a_heartbeat_is_filed_with_the_last_object_of_its_batch(written: int, s3: S3, lake: Lake) -> None:
    s3.fail_writes_from = written
    with pytest.raises(StoreUnavailable):
        archive([record([part(TEN), part(TEN - 1), heartbeat(TEN)], 7)], lake)
    assert all(found.sym for _, found in lake.raw_parts()), "it would vouch for parts that are not in the log"


def test_a_promise_of_nothing_is_not_filed(s3: S3, lake: Lake) -> None:
    archive([record([heartbeat(0)], 7)], lake)
    assert s3.objects == {}


def test_what_the_ingester_refused_is_filed_with_reason_and_bytes_and_is_no_heartbeat(s3: S3, lake: Lake) -> None:
    refused = Part(
        1, "1-0-1", "", S0, quarantine=[QuarantineWire("price", 3, b"abc"), QuarantineWire("frame", 1, b"x")]
    )
    archive([record([refused], 7)], lake)
    (key,) = s3.objects
    assert key == "quarantine/stage=ingest/date=2013-10-08/shardId-000000000000-7.jsonl.gz"
    entries = [msgspec.json.decode(line, type=QuarantineWire) for line in _lines(s3, key)]
    assert [(entry.reason, entry.data) for entry in entries] == [("price", b"abc"), ("frame", b"x")]


@pytest.mark.fault("F30", "F67")
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "frame"),
        (b"no json", "frame"),
        (b'{"v":1}', "frame"),
        (b"[" * 100_000, "frame"),
        (encode([part(TEN)]).replace(b'"v":1', b'"v":2'), "version"),
        (encode([part(TEN)]).replace(b'"sec":', b'"second":'), "frame"),
    ],
    ids=["empty", "no json", "no array", "deep", "another version", "no second"],
)
def test_a_record_that_cannot_be_read_is_quarantined_with_its_bytes_and_the_batch_goes_on(
    data: bytes, reason: str, s3: S3, lake: Lake
) -> None:
    archive([record(data, 7), record([part(TEN)], 8)], lake)
    assert len(_lines(s3, TEN_KEY)) == 1
    (line,) = _lines(s3, "quarantine/stage=archive/date=2013-10-08/shardId-000000000000-7.jsonl.gz")
    entry = json.loads(line)
    assert (entry["reason"], entry["sequence"]) == (reason, "7")
    assert msgspec.json.decode(line, type=QuarantinedRecord).data == data


class QuarantinedRecord(msgspec.Struct):
    data: bytes


def _handle(
    event: dict[str, Any], lake: Lake, monkeypatch: pytest.MonkeyPatch, ticks: TickRows | None = None
) -> dict[str, Any]:
    shelves = Shelves(lake, cast(TickStore, ticks or TickRows()), live=True)
    monkeypatch.setattr(handler, "wire", lambda: shelves)
    return handler.lambda_handler(event, None)


def test_trades_of_a_batch_are_ticks_once_they_are_in_the_log(
    s3: S3, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = TickRows()
    event = lambda_event(encode([part(TEN - 1, (1, 2)), heartbeat(TEN)]), encode([part(TEN, (3,))]), first=7)
    s3.fail_writes_from = 1
    assert _handle(event, lake, monkeypatch, ticks) == {"batchItemFailures": [{"itemIdentifier": "7"}]}
    assert ticks.puts == [], "the log is not whole yet"
    s3.fail_writes_from = None
    assert _handle(event, lake, monkeypatch, ticks) == {"batchItemFailures": []}
    assert ticks.puts == ["7"], "named by the first record"
    assert [row.i for row in ticks.trades("SPY", 0, END_OF_TIME_MS, 0)] == ["1", "2", "3"]


def test_a_ticks_table_that_does_not_answer_makes_the_batch_come_again_and_the_log_has_it_already(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = TickRows()
    ticks.down = True
    event = lambda_event(encode([part(TEN)]), first=7)
    assert _handle(event, lake, monkeypatch, ticks) == {"batchItemFailures": [{"itemIdentifier": "7"}]}
    assert len(list(lake.raw_parts())) == 1
    ticks.down = False
    assert _handle(event, lake, monkeypatch, ticks) == {"batchItemFailures": []}
    assert ticks.newest("SPY", 0) is not None
    assert len(list(lake.raw_parts())) == 1


@pytest.mark.fault("F34")
def test_a_bucket_that_does_not_answer_makes_the_batch_come_again_from_its_first_record(
    s3: S3, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = lambda_event(encode([part(TEN - 1)]), encode([part(TEN)]), first=7)
    s3.fail_writes_from = 1
    assert _handle(event, lake, monkeypatch) == {"batchItemFailures": [{"itemIdentifier": "7"}]}
    s3.fail_writes_from = None
    assert _handle(event, lake, monkeypatch) == {"batchItemFailures": []}
    assert len(list(lake.raw_parts())) == 2


def test_data_that_is_not_base64_is_quarantined(s3: S3, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _handle(lambda_event("*", encode([part(TEN)])), lake, monkeypatch) == {"batchItemFailures": []}
    assert len(s3.objects) == 2


def test_an_empty_event_is_answered(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _handle({"Records": []}, lake, monkeypatch) == {"batchItemFailures": []}


@pytest.mark.fault("F35")
def test_a_bug_is_not_taken_for_bad_luck(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lake, "put_raw", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        _handle(lambda_event(encode([part(TEN)])), lake, monkeypatch)


def test_a_quarantine_that_cannot_be_written_makes_the_batch_come_again(s3: S3, lake: Lake) -> None:
    s3.fail_writes_from = 0
    with pytest.raises(StoreUnavailable):
        archive([record(b"no json")], lake)
