"""Kinesis trades -> raw log in S3, tick chunks in DynamoDB. At least once: Lambda's checkpoint moves only when both are
written, the log first: it is the memory.

One batch makes one object for each New York hour that its parts fall in, and a chunk for each symbol and minute, named
by its first record, so that a repeated batch writes the same objects and chunks.
"""

import time
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from shared.clients.aws import client
from shared.frames import Part, decode_frame, encode
from shared.settings import read
from shared.stores.lake import Lake, Lines, raw_hour
from shared.stores.ticks import TickStore
from speed_layer.kinesis_event import StreamRecord, decode_or_quarantine, report_first_failure
from speed_layer.settings import ArchiveSettings

S3_TIMEOUT_S = 10.0


_lines_decoder = msgspec.json.Decoder(list[msgspec.Raw])


def parts_of(data: bytes) -> list[tuple[Part, bytes]]:
    """A frame's parts with their bytes, which go to the log as they came. Raises InvalidRecord as `decode_frame`."""
    parts = decode_frame(data)
    return list(zip(parts, map(bytes, _lines_decoder.decode(data)), strict=True))


class Shelves(NamedTuple):
    """Where the trades of a batch go."""

    lake: Lake
    ticks: TickStore
    live: bool


def keep(batch: list[StreamRecord], shelves: Shelves, now_s: int) -> None:
    """Keep every part of a batch in the log, then its trades as ticks, which age from `now_s` (Unix time)."""
    shelves.ticks.put(archive(batch, shelves.lake, live=shelves.live), batch[0].sequence, now_s)


def archive(batch: list[StreamRecord], lake: Lake, *, live: bool = True) -> list[Part]:
    """File every part of a batch; of its heartbeats the last, in the last object: it vouches for all that came before.

    A promise of 0 vouches for nothing, and has no hour; on a `live` feed one of the far future is nobody's. Returns the
    parts.
    """
    hours: dict[tuple[str, str], list[bytes]] = defaultdict(list)
    refused: list[bytes] = []
    heartbeat: tuple[int, bytes] = (0, b"")
    latest = latest_promise(batch[0].arrived) if live else float("inf")
    filed = [entry for _, parts in decode_or_quarantine(batch, parts_of, "archive", lake) for entry in parts]
    for part, line in filed:
        if part.sym:
            hours[raw_hour(part.sec)].append(line)
        elif part.quarantine:
            refused += [encode(entry) for entry in part.quarantine]
        elif part.sec <= latest:
            heartbeat = max(heartbeat, (part.sec, line))
    promise, last = heartbeat
    if promise:
        hours[raw_hour(promise)] = [*hours.pop(raw_hour(promise), []), last]
    first = batch[0]
    if refused:
        lake.put_quarantine("ingest", f"{first.shard}-{first.sequence}", first.arrived, refused)
    lake.put_raw(first.shard, first.sequence, [Lines(*hour, lines) for hour, lines in hours.items()])
    return [part for part, _ in filed]


def latest_promise(arrived: date) -> int:
    """The greatest promise (Unix s) that may arrive on a UTC date: at the end of a feed it is the next midnight in New
    York. What promises more is no ingester's, and would make all that follows late."""
    return int(datetime.combine(arrived + timedelta(days=2), time_of_day.min, UTC).timestamp())


@lru_cache(maxsize=1)
def wire() -> Shelves:
    """Lake and ticks, connected once a process."""
    settings = read(ArchiveSettings)
    return Shelves(
        Lake(client("s3", read_timeout_s=S3_TIMEOUT_S), settings.lake_bucket),
        TickStore(client("dynamodb"), settings.ticks_table),
        settings.live,
    )


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Trigger: the trades stream."""
    return report_first_failure(event, lambda batch: keep(batch, wire(), int(time.time())))
