"""A raw log in memory, written by `archive` from what a speed path sent, delivered as Lambda may deliver it."""

import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from shared.stores.lake import Lake, Lines, raw_hour
from shared.stores.old_trades import named
from speed_layer.archive.handler import archive
from speed_layer.kinesis_event import StreamRecord
from tests.fakes.s3 import S3

ARRIVED = datetime(2026, 1, 2, tzinfo=UTC).date()
BATCH = 8


class RawLog(NamedTuple):
    """`lines`: how many parts were written, repeated ones each time."""

    lake: Lake
    lines: int


def logged(frames: Sequence[bytes], seed: int, *, shard: str = "shard-0", again: float = 0.4) -> RawLog:
    """Batches of random sizes; some records come again in a batch that begins elsewhere, so in other objects."""
    draw, lake = random.Random(seed), Lake(S3(), "lake")
    records = [StreamRecord(shard, f"{number:09d}", ARRIVED, data) for number, data in enumerate(frames)]
    lines = at = 0
    while at < len(records):
        end = at + draw.randint(1, BATCH)
        lines += len(archive(records[at:end], lake))
        if draw.random() < again:
            lines += len(archive(records[at + (end - at) // 2 : end + 1] or records[at:], lake))
        at = end
    return RawLog(lake, lines)


def filed(frames: Sequence[bytes], *, shard: str = "shard-0") -> Lake:
    """Each frame's parts once, as they came, an object for each hour: for logs of millions of trades."""
    hours: dict[tuple[str, str], list[bytes]] = defaultdict(list)
    for frame in frames:
        for part in msgspec.json.decode(frame, type=list[msgspec.Raw]):
            line = bytes(part)
            sym, sec = named(line)
            if sym:
                hours[raw_hour(sec)].append(line)
    lake = Lake(S3(), "lake")
    lake.put_raw(shard, "0", [Lines(*hour, lines) for hour, lines in hours.items()])
    return lake
