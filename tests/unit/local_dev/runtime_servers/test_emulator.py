"""The emulator's streams with our remedies: what they must not change, and what they must mend."""

import base64
import io
import json
import time
from typing import Any

import pytest
from ministack.services import dynamodb, kinesis

from local_dev.runtime import emulator
from speed_layer.ingest.recovery import LIVE_REACH


def stream(ages_s: list[float]) -> dict[str, Any]:
    now = time.time()
    records = [{"ApproximateArrivalTimestamp": now - age, "Data": str(age)} for age in ages_s]
    return {"RetentionPeriodHours": 1, "StreamARN": "arn:trades", "shards": {"shard-0": {"records": records}}}


@pytest.fixture
def iterator(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    state = {"stream_arn": "arn:trades", "shard_id": "shard-0", "position": 2}
    monkeypatch.setattr(kinesis, "_shard_iterators", {"token": state})
    return state


def test_records_past_the_retention_go_and_readers_keep_their_place(iterator: dict[str, Any]) -> None:
    trades = stream([7200, 7100, 60, 1])
    emulator.expire_records(trades)
    assert [r["Data"] for r in trades["shards"]["shard-0"]["records"]] == ["60", "1"]
    assert iterator["position"] == 0


def test_records_within_the_retention_stay(iterator: dict[str, Any]) -> None:
    trades = stream([60, 1])
    emulator.expire_records(trades)
    assert len(trades["shards"]["shard-0"]["records"]) == 2
    assert iterator["position"] == 2


def test_of_a_live_feed_no_more_records_are_kept_than_a_reader_looks_back_to(
    monkeypatch: pytest.MonkeyPatch, iterator: dict[str, Any]
) -> None:
    assert LIVE_REACH.total_seconds() < emulator.LIVE_KEPT_S
    trades = stream([3 * 3600, LIVE_REACH.total_seconds(), 1]) | {"RetentionPeriodHours": 24}
    emulator.expire_records(trades)
    assert len(trades["shards"]["shard-0"]["records"]) == 3
    monkeypatch.setenv(emulator.RECORDS_AGE, "1")
    emulator.expire_records(trades)
    assert [r["Data"] for r in trades["shards"]["shard-0"]["records"]] == [str(LIVE_REACH.total_seconds()), "1"]
    assert iterator["position"] == 1


def test_what_is_saved_is_what_the_emulator_reads() -> None:
    file = io.StringIO()
    emulator.dump({"bytes": b"x", "list": [1, "é"]}, file, default=lambda value: {"__bytes__": value.decode()})
    assert json.loads(file.getvalue()) == {"bytes": {"__bytes__": "x"}, "list": [1, "é"]}


def test_records_do_not_age_while_the_emulator_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = type(kinesis._streams)()
    monkeypatch.setattr(kinesis, "_streams", streams)
    streams["trades"] = stream([3000, 1])
    saved = emulator.get_state()
    streams.pop("trades")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 30 * 3600)
    emulator.restore_state(saved)
    emulator.expire_records(streams["trades"])
    arrivals = [record["ApproximateArrivalTimestamp"] for record in streams["trades"]["shards"]["shard-0"]["records"]]
    assert [now + 30 * 3600 - arrival for arrival in arrivals] == pytest.approx([3000, 1], abs=0.5)


def test_the_sweep_of_iterators_runs_at_most_once_in_its_time() -> None:
    runs: list[int] = []
    sweep = emulator.seldom(lambda: runs.append(1), every_s=60)
    sweep()
    sweep()
    assert runs == [1]


def test_data_that_was_put_as_base64_is_returned_as_it_is() -> None:
    text = base64.b64encode(b"frame").decode()
    assert emulator.as_stored(text) == kinesis._ensure_base64(text)


def test_the_functions_put_aside_are_there_in_the_pinned_version() -> None:
    put_aside = ("_expire_records", "_expire_iterators", "_ensure_base64", "get_state", "_restore_state", "_streams")
    assert all(hasattr(kinesis, name) for name in put_aside)
    assert all(hasattr(dynamodb, name) for name in ("get_state", "_restore_state", *emulator.CHANGES))


@pytest.fixture
def changes(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the emulator keeps of tables' streams, ours alone."""
    kept = {name: type(getattr(dynamodb, name))() for name in emulator.CHANGES}
    for name, value in kept.items():
        monkeypatch.setattr(dynamodb, name, value)
    return kept


def test_changes_of_a_table_outlive_a_clean_stop_and_do_not_age_meanwhile(
    changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    changes["_stream_records"]["signals"] = [{"dynamodb": {"ApproximateCreationDateTime": int(now) - 3000}}]
    changes["_stream_trimmed"]["signals"] = 12
    saved = emulator.get_tables()
    for kept in changes.values():
        kept.pop("signals")
    monkeypatch.setattr(time, "time", lambda: now + 30 * 3600)
    emulator.restore_tables(saved)
    (record,) = dynamodb.stream_live_records("signals")
    assert now + 30 * 3600 - record["dynamodb"]["ApproximateCreationDateTime"] == pytest.approx(3000, abs=2)
    assert dynamodb.stream_start_position("signals") == 12
