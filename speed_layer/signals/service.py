"""One batch of closed bars into signals: merge, judge, store, then say how far it has come.

The order of writes: signals, rings with their state, counts, and last the mark in the control table. A kill between any
two makes the batch come again, and every write bears repeating.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, Protocol

from shared.bars.sessions import SessionTable
from shared.errors import StoreUnavailable
from shared.frames import decode_bars
from shared.models.signal import StoredSignal
from shared.stores.lake import Lake
from shared.stores.rings import ClosedBar, Key
from speed_layer.kinesis_event import StreamRecord, decode_or_quarantine
from speed_layer.signals.batch import Brought, due, read
from speed_layer.signals.closed import ClosedBars
from speed_layer.signals.config import Configured
from speed_layer.signals.judge import AGAIN_MS, judge_times
from speed_layer.signals.rebuild import StoredMinutes, closed_bars
from speed_layer.signals.reconcile import Judged, Store, reconcile
from speed_layer.signals.ring import Ring

READER: Final = "signals"
STORED_BY: Final = "persist"
WAIT_S: Final = 15.0
"""How long a batch waits for the bars table before it is reported, to come again."""
LOOK_EVERY_S: Final = 0.1


class Marks(Protocol):
    """How far stream functions have come, and the totals (shared/stores/control.py); raises StoreUnavailable."""

    def progress(self, reader: str) -> tuple[str | None, int]: ...
    def through(self, reader: str) -> str | None: ...
    def put_through(self, reader: str, sequence: str, promise: int = 0) -> None: ...
    def signals_stored(self) -> tuple[int, str]: ...
    def put_signal_counts(self, counts: dict[str, int], sequence: str = "") -> None: ...


class Edges(NamedTuple):
    """What a batch is handled with. `now_ms`: this host's Unix time."""

    control: Marks
    closed: ClosedBars
    minutes: StoredMinutes
    store: Store
    lake: Lake
    strategies: tuple[Configured, ...]
    sessions: SessionTable
    now_ms: Callable[[], int]
    sleep: Callable[[float], None]


def handle(batch: list[StreamRecord], edges: Edges) -> None:
    """Everything that follows from the closed bars of a batch. Raises RetryableError."""
    brought = read(decode_or_quarantine(batch, decode_bars, READER, edges.lake))
    first, last = batch[0].sequence, batch[-1].sequence
    through, promise = edges.control.progress(READER)
    edges.closed.begin(through or "", first)

    def wait() -> int:
        _await_minutes(first, edges)
        return max(promise * 1000, brought.closed_ms)

    rings = edges.closed.rings(brought.bars, wait, edges.now_ms() // 1000)
    judged = [_judged(key, bars, rings[key], wait, edges) for key, bars in brought.bars.items()]
    touched = reconcile(judged, edges.store, edges.now_ms)
    edges.closed.finish(last, {key: [one.closed for one in bars.values()] for key, bars in brought.bars.items()})
    _count(touched, last, edges.control)
    edges.control.put_through(READER, last, max(promise, brought.promise))


def _await_minutes(first: str, edges: Edges) -> None:
    """Until the table holds the minutes of all records before `first`. Raises StoreUnavailable."""
    waited = 0.0
    while int(edges.control.through(STORED_BY) or 0) < int(first):
        if waited >= WAIT_S:
            raise StoreUnavailable(f"bars table: {STORED_BY} has not come to record {first} yet")
        edges.sleep(LOOK_EVERY_S)
        waited += LOOK_EVERY_S


def _judged(key: Key, bars: Mapping[int, Brought], ring: Ring, wait: Callable[[], int], edges: Edges) -> Judged:
    sym, tf = key
    newest = ring.newest
    for one in bars.values():
        ring.take(one.closed)
    width = max((one.strategy.window(tf) for one in edges.strategies if one.judges(sym, tf)), default=0)
    if width and not ring.reaches(min(bars), width):
        ring = _longer_ring([*ring.closed, *(one.closed for one in bars.values())], key, width, wait(), edges)
    asking = due(bars, newest, {t: ring.between(t, t + AGAIN_MS) for t in bars} if width else {})
    return Judged(key, asking, judge_times(edges.strategies, sym, tf, ring.bars, asking, edges.sessions))


def _longer_ring(closed: list[ClosedBar], key: Key, width: int, end: int, edges: Edges) -> Ring:
    """These bars and the stored ones before them, for this once: some came too late for the ring that is kept."""
    before, now_s = min(one.t for one in closed), edges.now_ms() // 1000
    ring = Ring(sys.maxsize, closed_bars(edges.minutes, *key, end=end, before=before, need=width, now_s=now_s))
    for one in closed:
        ring.take(one)
    return ring


def _count(touched: list[StoredSignal], last: str, control: Marks) -> None:
    """Add to the totals what records after those counted, and up to `last`, have brought.

    The total and the record it counts to are one item, and a signal keeps the record that brought it: so a batch that
    comes again counts what its first try stored, once.
    """
    if not touched:
        return
    stored, counted = control.signals_stored()
    fresh = sum(int(counted or 0) < int(one.record) <= int(last) for one in touched if one.record)
    if fresh:
        control.put_signal_counts({"stored": stored + fresh}, last)
