"""What the raw log holds, read whole: the audit at the end of a feed, and the rebuild after an unclean stop."""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from shared.bars.algebra import merge
from shared.bars.scale import SIZE_DIGITS, parse_scaled
from shared.bars.sessions import SessionTable
from shared.clients.kinesis import PutRecords
from shared.errors import StoreUnavailable
from shared.frames import VERSION, Part, encode, partial_from_wire
from shared.models.bar import EMPTY, Partial
from shared.stores.bars import BarStore, LatePart
from shared.stores.control import ControlStore
from shared.stores.lake import Lake
from shared.stores.old_trades import without_known_trades
from shared.stores.ticks import TTL_S, TickStore
from speed_layer.ingest.framer import FRAME_PARTS, FRAME_TRADES
from speed_layer.ingest.lanes import lane_of
from speed_layer.ingest.recovery import Tail

REBUILD_EPOCH = 0
"""Epoch in the names of the heartbeats that a rebuild writes: older than any ingester's."""

TICK_PARTS = 5_000
"""Parts whose trades are put into the table of ticks together."""


class Tally(NamedTuple):
    """What the raw log holds, each part once; `volume` in 10^-6 share, of trades that update volume."""

    parts: int
    trades: int
    volume: int


def unique_parts(lake: Lake) -> Iterator[Part]:
    """Every part of the raw log once, heartbeats left out."""
    seen: set[tuple[str, str, int]] = set()
    for _, part in lake.raw_parts():
        if part.sym and part.identity not in seen:
            seen.add(part.identity)
            yield part


def audit(lake: Lake) -> Tally:
    """Count the raw log. A trade counts for each part that holds it: identity is the ingester's to keep."""
    parts = trades = volume = 0
    for part in unique_parts(lake):
        parts += 1
        trades += len(part.trades)
        volume += parse_scaled(part.bar.volume, SIZE_DIGITS) if part.bar else 0
    return Tally(parts, trades, volume)


def vouched(lake: Lake, shards: int) -> tuple[int, int]:
    """The promise (Unix s) up to which the log is whole: the least of the shards' last heartbeats, 0 without one. And
    from where (Unix ms) a gap of the feed was not filled yet, 0 without one."""
    last: dict[str, Part] = {}
    for shard, part in lake.raw_parts(wanted=lambda line: b'"sym":"",' in line):
        if shard not in last or part.sec >= last[shard].sec:
            last[shard] = part
    promise = min(part.sec for part in last.values()) if len(last) == shards else 0
    return promise, min((part.gap for part in last.values() if part.gap), default=0)


class SpeedView(NamedTuple):
    """What a rebuild fills: the tables and the trades stream; and the market's sessions."""

    bars: BarStore
    ticks: TickStore
    control: ControlStore
    put: PutRecords
    shards: int
    lanes: int
    sessions: SessionTable


class Rebuilt(NamedTuple):
    """`promise` (Unix s): up to where the log vouches for the feed. `last_t`: event time of its last trade, `first_t`:
    start of its first minute (Unix ms)."""

    promise: int
    last_t: int
    first_t: int
    symbols: list[str]


def rebuild(lake: Lake, view: SpeedView, now_s: int, *, tail_from_s: int = 0) -> Rebuilt | None:
    """Make the speed view and the stream's tail again from the raw log; None if it is empty.

    Bases are the parts that were in time, late parts keep their ids: what `persist` and `live` had stored. Ticks come
    back as far as they would still be kept. The stream gets the parts that a starting ingester reads, and heartbeats,
    unless the promise is older than `tail_from_s` (Unix s). Epochs go on from the greatest in the log, or new frames
    would bear the names of old ones.
    """
    tail, epoch = Tail(), 0
    promise, gap_ms = vouched(lake, view.shards)
    tail.promise, tail.promise_before = promise, max(0, promise - 1)
    bases: dict[tuple[str, int], Partial] = defaultdict(lambda: EMPTY)
    late: list[Part] = []
    ticks = _Ticks(view.ticks, promise - TTL_S, now_s)
    for part in unique_parts(lake):
        tail.read(part)
        ticks.add(part)
        epoch = max(epoch, int(part.f.partition("-")[0]))
        if part.bar is None:
            continue
        if part.late:
            late.append(part)
        else:
            minute = part.sym, part.minute
            bases[minute] = merge(bases[minute], partial_from_wire(part.bar))
    ticks.flush()
    for part, partial in without_known_trades(late, lake, view.sessions):
        view.control.mark_late(part.sym, part.minute, now_s)
        view.bars.put_late(part.sym, part.minute, part.late_id, LatePart(part.late, partial), now_s)
    for (sym, t), base in bases.items():
        view.bars.put_base(sym, t, base, now_s)
    if tail.is_empty:
        return None
    view.control.start_epochs_after(epoch)
    if promise >= tail_from_s:
        _put_tail(tail, gap_ms, view)
    symbols = sorted({sym for sym, _ in bases} | {part.sym for part in late})
    return Rebuilt(promise, tail.last_t, min((t for _, t in bases), default=0), symbols)


class _Ticks:
    """Trades of parts since `from_s` (Unix s), put into their table some parts at a time."""

    def __init__(self, store: TickStore, from_s: int, now_s: int) -> None:
        self._store, self._from_s, self._now_s = store, from_s, now_s
        self._parts: list[Part] = []
        self._batches = 0

    def add(self, part: Part) -> None:
        if part.sec >= self._from_s:
            self._parts.append(part)
            if len(self._parts) == TICK_PARTS:
                self.flush()

    def flush(self) -> None:
        """The name of a batch stands where a sequence number would: it only has to differ from all others."""
        self._batches += 1
        self._store.put(self._parts, f"rebuilt-{self._batches:08d}", self._now_s)
        self._parts = []


def _put_tail(tail: Tail, gap_ms: int, view: SpeedView) -> None:
    by_lane: dict[int, list[Part]] = defaultdict(list)
    for part in tail.parts():
        waiting = by_lane[lane_of(part.sym, view.lanes)]
        if len(waiting) >= FRAME_PARTS or sum(len(p.trades) for p in waiting) + len(part.trades) > FRAME_TRADES:
            _put(view, part.sym, waiting)
            waiting.clear()
        waiting.append(part)
    for waiting in by_lane.values():
        _put(view, waiting[0].sym, waiting)
    for lane in range(view.lanes):  # two: a reader begins at the hour of the last heartbeat but one
        for counter, promise in enumerate((tail.promise_before, tail.promise), start=1):
            _put_lane(view, lane, [Part(VERSION, f"{REBUILD_EPOCH}-{lane}-{counter}", "", promise, gap=gap_ms)])


def _put(view: SpeedView, sym: str, parts: list[Part]) -> None:
    if parts:
        _put_lane(view, lane_of(sym, view.lanes), parts)


def _put_lane(view: SpeedView, lane: int, parts: list[Part]) -> None:
    if not all(view.put([(lane, encode(parts))])):
        raise StoreUnavailable("the stream did not take the log's tail")
