"""What the raw log holds, read whole: the audit at the end of a feed, and the rebuild after an unclean stop."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from shared.bars.algebra import merge
from shared.bars.scale import SIZE_DIGITS, parse_scaled
from shared.bars.windows import MINUTE_MS
from shared.clients.kinesis import PutRecords
from shared.errors import StoreUnavailable
from shared.frames import VERSION, Part, encode, partial_from_wire
from shared.models.bar import EMPTY, Partial
from shared.stores.bars import BarStore, LatePart
from shared.stores.lake import Lake
from speed_layer.ingest.lanes import lane_of
from speed_layer.ingest.recovery import Tail

FRAME_PARTS = 200
REBUILD_EPOCH = 0
"""Epoch in the name of the heartbeat that a rebuild writes: older than any ingester's."""


class Tally(NamedTuple):
    """What the raw log holds, each part once; `volume` in 10^-6 share, of trades that update volume."""

    parts: int
    trades: int
    volume: int


def unique_parts(lake: Lake) -> Iterator[Part]:
    """Every part of the raw log once, heartbeats left out."""
    seen: set[tuple[str, str, int]] = set()
    for _, part in lake.raw_parts():
        identity = (part.f, part.sym, part.sec)
        if part.sym and identity not in seen:
            seen.add(identity)
            yield part


def audit(lake: Lake) -> Tally:
    """Count the raw log. A trade counts for each part that holds it: identity is the ingester's to keep."""
    parts = trades = volume = 0
    for part in unique_parts(lake):
        parts += 1
        trades += len(part.trades)
        volume += parse_scaled(part.bar.volume, SIZE_DIGITS) if part.bar else 0
    return Tally(parts, trades, volume)


def vouched_promise(lake: Lake, shards: int) -> int:
    """The promise (Unix s) up to which the log is whole: the least of the shards' last heartbeats, 0 if one has none."""
    last: dict[str, int] = defaultdict(int)
    for shard, part in lake.raw_parts(containing=b'"sym":"",'):
        last[shard] = max(last[shard], part.sec)
    return min(last.values()) if len(last) == shards else 0


def rebuild(lake: Lake, bars: BarStore, put: PutRecords, *, shards: int, lanes: int, now_s: int) -> int | None:
    """Make the speed view and the stream's tail again from the raw log; the promise they vouch for, None if it is empty.

    Bases are the parts that were in time, late parts keep their ids: what `persist` and `live` would have stored. The
    stream gets the parts that a starting ingester reads, and a heartbeat.
    """
    tail = Tail()
    promise = vouched_promise(lake, shards)
    tail.promise = tail.promise_before = promise
    bases: dict[tuple[str, int], Partial] = defaultdict(lambda: EMPTY)
    for part in unique_parts(lake):
        tail.read(part)
        if part.bar is None:
            continue
        minute = part.sec * 1000 // MINUTE_MS * MINUTE_MS
        partial = partial_from_wire(part.bar)
        if part.late:
            bars.put_late(part.sym, minute, f"{part.f}#{part.sec}", LatePart(part.late, partial), now_s)
        else:
            bases[part.sym, minute] = merge(bases[part.sym, minute], partial)
    for (sym, minute), base in bases.items():
        bars.put_base(sym, minute, base, now_s)
    if tail.is_empty:
        return None
    _put_tail(list(tail.parts()), promise, put, lanes)
    return promise


def _put_tail(parts: Sequence[Part], promise: int, put: PutRecords, lanes: int) -> None:
    by_lane: dict[int, list[Part]] = defaultdict(list)
    for part in parts:
        by_lane[lane_of(part.sym, lanes)].append(part)
    for lane, theirs in by_lane.items():
        for start in range(0, len(theirs), FRAME_PARTS):
            _put(put, lane, encode(theirs[start : start + FRAME_PARTS]))
    for lane in range(lanes):
        _put(put, lane, encode([Part(VERSION, f"{REBUILD_EPOCH}-{lane}-1", "", promise)]))


def _put(put: PutRecords, lane: int, data: bytes) -> None:
    if not all(put([(lane, data)])):
        raise StoreUnavailable("the stream did not take the log's tail")
