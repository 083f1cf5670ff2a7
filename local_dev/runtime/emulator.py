"""`python -m local_dev.runtime.emulator`: the AWS emulator (ministack 1.5.33) with its streams made fit for long feeds.

As it comes it copies every record of a shard and decodes every record it returns on each read, looks through every
iterator of five minutes on each call, and keeps iterators as positions that expiry shifts under a reader. A feed of
some hours would stall it, and after a day readers would skip records. Its answers stay the same.

Streams on AWS never sleep, a machine does: records do not age while the emulator is stopped, or a feed resumed a day
later would find its stream empty, and functions would be too late for what they had not yet read. The time of a live
feed is the host's, and so are the ages of its records (RECORDS_AGE=1): what a starting ingester need not know of any
more, it does not find. The streams of tables, which the emulator forgets on a clean stop, come back too.
"""

import copy
import json
import os
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import IO, Any

from ministack.app import main
from ministack.core import persistence
from ministack.services import dynamodb, kinesis

from local_dev.runtime import emulator_activities, emulator_queries, emulator_reads

SWEEP_S = 5.0
"""Seconds between two looks through the iterators; they live for 300."""
SAVED_AT = "saved_at"
RECORDS_AGE = "RECORDS_AGE"
"""Environment variable: 1 = records age while the emulator is stopped."""

LIVE_KEPT_S = 9_000
"""Longer than a starting ingester looks back (LIVE_REACH). A day of a live feed would be gigabytes of memory, to be
written at every stop and read at every start."""

CHANGES = ("_stream_records", "_stream_trimmed")
"""What the emulator keeps of the streams of tables: records, and how many have been dropped, by table."""

_get_state, _restore_state = kinesis.get_state, kinesis._restore_state
_get_tables, _restore_tables = dynamodb.get_state, dynamodb._restore_state


def expire_records(stream: dict[str, Any]) -> None:
    """Drop what is past the stream's retention, or of a live feed what no reader looks back to; iterators move back by
    as much."""
    kept_s = stream["RetentionPeriodHours"] * 3600
    if os.environ.get(RECORDS_AGE) == "1":
        kept_s = min(kept_s, LIVE_KEPT_S)
    cutoff = time.time() - kept_s
    for shard_id, shard in stream["shards"].items():
        records = shard["records"]
        if not records or records[0]["ApproximateArrivalTimestamp"] >= cutoff:
            continue
        expired = next(
            (i for i, record in enumerate(records) if record["ApproximateArrivalTimestamp"] >= cutoff), len(records)
        )
        del records[:expired]
        for iterator in kinesis._shard_iterators.values():
            if iterator["stream_arn"] == stream["StreamARN"] and iterator["shard_id"] == shard_id:
                iterator["position"] = max(0, iterator["position"] - expired)


def get_state() -> dict[str, Any]:
    """What a clean stop saves, and when."""
    return {**_get_state(), SAVED_AT: time.time()}


def restore_state(data: dict[str, Any]) -> None:
    """What was saved, every record as old as it was then."""
    _restore_state(data)
    away_s = _away_s(data)
    for stream in kinesis._streams._data.values():
        for shard in stream["shards"].values():
            for record in shard["records"]:
                record["ApproximateArrivalTimestamp"] = round(record["ApproximateArrivalTimestamp"] + away_s, 3)


def _away_s(data: dict[str, Any]) -> float:
    """Seconds for which nobody's records aged."""
    if os.environ.get(RECORDS_AGE) == "1":
        return 0.0
    return max(0.0, time.time() - float(data.get(SAVED_AT, time.time())))


def get_tables() -> dict[str, Any]:
    """What a clean stop saves of tables, with their streams, and when."""
    return {
        **_get_tables(),
        **{name: copy.deepcopy(getattr(dynamodb, name)) for name in CHANGES},
        SAVED_AT: time.time(),
    }


def restore_tables(data: dict[str, Any]) -> None:
    """What was saved, every change as old as it was then."""
    _restore_tables(data)
    for name in CHANGES:
        getattr(dynamodb, name).update(data.get(name, {}))
    away_s = _away_s(data)
    for records in dynamodb._stream_records.all_values():
        for record in records:
            record["dynamodb"]["ApproximateCreationDateTime"] += int(away_s)


def seldom(action: Callable[[], None], every_s: float) -> Callable[[], None]:
    """The action, done at most once in `every_s` seconds."""
    due = 0.0

    def act() -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + every_s
            action()

    return act


def dump(data: Any, file: IO[str], default: Callable[[Any], Any]) -> None:
    """As `json.dump`, which encodes piece by piece in Python: `dumps` takes a fifth of the time."""
    file.write(json.dumps(data, default=default))


def as_stored(data: str) -> str:
    """Data is base64 text from the moment it is put."""
    return data


def install() -> None:
    """Put these in place of the emulator's own."""
    kinesis._expire_records = expire_records
    kinesis._expire_iterators = seldom(kinesis._expire_iterators, SWEEP_S)
    kinesis._ensure_base64 = as_stored
    kinesis.get_state = get_state
    kinesis._restore_state = restore_state
    dynamodb.get_state = get_tables
    dynamodb._restore_state = restore_tables
    persistence.json = SimpleNamespace(**{**vars(json), "dump": dump})
    emulator_queries.install()
    emulator_activities.install()
    emulator_reads.install()


if __name__ == "__main__":
    install()
    main()
