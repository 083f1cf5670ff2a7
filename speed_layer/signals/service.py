"""One batch of closed bars into signals and alerts: merge, judge, store, then say how far it has come.

The order of writes: how far new signals may reach (control table), signals, alerts, rings with their state, and last
the mark in the control table, with the total. A kill between any two makes the batch come again, perhaps cut shorter,
and every write bears repeating. A signal keeps the record that brought it: what a first try stored is counted by the
try that succeeds, once.
"""

import sys
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from shared.bars.sessions import SessionTable
from shared.bars.windows import STREAM_TIMEFRAMES
from shared.errors import StoreUnavailable
from shared.frames import decode_bars
from shared.observability import event
from shared.stores.control import Progress
from shared.stores.lake import Lake
from shared.stores.rings import ClosedBar, Key
from speed_layer.alerts.closed import BarAlerts, Brought
from speed_layer.kinesis_event import StreamRecord, decode_or_quarantine, log
from speed_layer.signals.batch import Batch, due, read
from speed_layer.signals.closed import ClosedBars
from speed_layer.signals.config import Configured
from speed_layer.signals.judge import AGAIN_MS, judge_times
from speed_layer.signals.rebuild import StoredMinutes, closed_bars, windows_around
from speed_layer.signals.reconcile import Judged, Store, reconcile
from speed_layer.signals.ring import Ring

READER: Final = "signals"
STORED_BY: Final = "persist"
LOOKS: Final = 150
LOOK_EVERY_S: Final = 0.1
"""How often a batch looks whether the bars table has what it needs, before it is reported, to come again."""


class Marks(Protocol):
    """How far stream functions have come, and the totals (shared/stores/control.py); raises StoreUnavailable."""

    def progress(self, reader: str) -> Progress: ...
    def put_progress(self, reader: str, progress: Progress) -> None: ...
    def through(self, reader: str) -> str | None: ...


class Edges(NamedTuple):
    """What a batch is handled with. `now_ms`: this host's Unix time. `alerts`: the rules that look at bars."""

    control: Marks
    closed: ClosedBars
    minutes: StoredMinutes
    store: Store
    lake: Lake
    strategies: tuple[Configured, ...]
    sessions: SessionTable
    now_ms: Callable[[], int]
    sleep: Callable[[float], None]
    alerts: BarAlerts | None = None


def handle(batch: list[StreamRecord], edges: Edges) -> None:
    """Everything that follows from the closed bars of a batch. Raises RetryableError.

    Records up to the mark were done: they come again when their answer was lost.
    """
    before = edges.control.progress(READER)
    new = [record for record in batch if int(record.sequence) > int(before.sequence or 0)]
    if len(new) < len(batch):
        event(log, 30, "records were handled before", count=len(batch) - len(new), through=before.sequence)
    if new:
        _handle(new, before, edges)


def _handle(batch: list[StreamRecord], before: Progress, edges: Edges) -> None:
    first, last = batch[0].sequence, batch[-1].sequence
    decoded = decode_or_quarantine(batch, decode_bars, READER, edges.lake)
    brought = read(decoded, edges.closed.timeframes)
    edges.closed.begin(before.sequence, first)
    judging = _Judging(edges, brought, before, first)
    judging.bring_longer_windows()
    rings = edges.closed.rings(brought.bars, judging.closed_ms, judging.now_s)
    judged = [judging.judged(key, rings[key]) for key in brought.bars]
    tried = before.tried
    if any(one.finds for one in judged) and int(last) > int(tried or 0):
        edges.control.put_progress(READER, before._replace(tried=last))
        tried = last
    again = int(first) <= int(before.tried or 0)
    touched = reconcile(judged, edges.store, edges.now_ms, tried=again)
    if edges.alerts is not None:
        windows = [window for _, of_record in decoded for window in of_record]
        said = [signal for one in judged for signal in one.judgement.values() if signal is not None]
        new = Brought(batch[0].shard, before.sequence, last, windows, said)
        edges.alerts.take(new, judging.closed_ms, judging.now_s)
    edges.closed.finish(last, {key: [one.closed for one in bars.values()] for key, bars in brought.bars.items()})
    fresh = sum(int(before.sequence or 0) < int(one.record) <= int(last) for one in touched if one.record)
    promise = max(before.promise, brought.promise)
    edges.control.put_progress(READER, Progress(last, promise, before.stored + fresh, tried))


class _Judging:
    """One batch, on top of what was done `before` it."""

    def __init__(self, edges: Edges, brought: Batch, before: Progress, first: str) -> None:
        self._edges, self._brought, self._first = edges, brought, first
        self._promised_ms = before.promise * 1000
        self.now_s = edges.now_ms() // 1000

    def bring_longer_windows(self) -> None:
        """The closed windows around revised minutes too, as the table holds them now.

        A window that was still open for a late part is not revised for it: the engine has counted the part. But a ring
        that was rolled up from the table before `live` had stored that part lacks it.
        """
        for (sym, minute), record in self._brought.revised_minutes.items():
            windows = windows_around(self._edges.minutes, sym, minute, end=self._promised_ms, now_s=self.now_s)
            for key, closed in windows.items():
                self._brought.bring(key, closed, record, revised=True)

    def closed_ms(self) -> int:
        """Up to where windows had closed before this batch, once the table holds the minutes of all records before it.

        What a batch that was given up had closed is before it too: of that, only the batch itself can tell.
        """
        for _ in range(LOOKS):
            if int(self._edges.control.through(STORED_BY) or 0) >= int(self._first):
                return max(self._promised_ms, self._brought.closed_ms)
            self._edges.sleep(LOOK_EVERY_S)
        raise StoreUnavailable(f"bars table: {STORED_BY} has not come to record {self._first} yet")

    def judged(self, key: Key, ring: Ring) -> Judged:
        """Merge the bars of one symbol and timeframe into their ring, and judge what follows from them."""
        sym, tf = key
        bars, newest, edges = self._brought.bars[key], ring.newest, self._edges
        for one in bars.values():
            ring.take(one.closed)
        width = max((one.strategy.window(tf) for one in edges.strategies if one.judges(sym, tf)), default=0)
        if width and not ring.reaches(min(bars), width):
            ring = self._longer(key, [*ring.closed, *(one.closed for one in bars.values())], width)
        asking = due(bars, newest, {t: self._following(t, key, ring) for t in bars} if width else {})
        return Judged(key, asking, judge_times(edges.strategies, sym, tf, ring.bars, asking, edges.sessions))

    def _following(self, t: int, key: Key, ring: Ring) -> list[int]:
        """A bar and those that are judged again for its sake: not what the table has ahead of the stream."""
        last = self._promised_ms - STREAM_TIMEFRAMES[key[1]] * 1000
        return [at for at in ring.between(t, t + AGAIN_MS) if at <= last or at in self._brought.bars[key]]

    def _longer(self, key: Key, closed: list[ClosedBar], width: int) -> Ring:
        """These bars and the stored ones before them, for this once: some came too late for the ring that is kept."""
        end, before = self.closed_ms(), min(one.t for one in closed)
        stored = closed_bars(self._edges.minutes, *key, end=end, before=before, need=width, now_s=self.now_s)
        return Ring(sys.maxsize, [*stored, *closed])
