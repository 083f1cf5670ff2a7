"""What a batch of the bars stream brings: the best version of each bar, and which bars have to be judged for it."""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from shared.bars.algebra import present
from shared.frames import BarRecord, partial_from_wire
from shared.models.bar import Timeframe
from shared.stores.rings import ClosedBar, Key
from speed_layer.kinesis_event import StreamRecord
from speed_layer.revise import ENGINE as REVISED

SHORTEST = "1m"


class Brought(NamedTuple):
    """The best version of a bar in the batch; the first stream record that speaks of the bar; whether any of them
    revises it."""

    closed: ClosedBar
    record: str
    revised: bool


class Due(NamedTuple):
    """A bar to be judged: a stream record that asks for it, and whether it may have been judged before.

    A signal keeps that record, and the batch that holds it counts the signal: so it is one with which the bar is judged
    however the stream is cut into batches. That is the first one that brings the bar; of a bar that was closed before
    the batch, the first one that has it judged again.
    """

    record: str
    again: bool


class Batch(NamedTuple):
    """Bars of `timeframes`, and of no other. `revised_minutes`: (symbol, start in Unix ms) -> the first stream record
    that revises that minute. `closed_ms`: up to where windows had closed before the batch, as far as it says so itself
    (Unix ms, else 0). `promise`: the greatest in it, Unix seconds."""

    timeframes: Collection[Timeframe]
    bars: dict[Key, dict[int, Brought]]
    revised_minutes: dict[tuple[str, int], str]
    closed_ms: int
    promise: int

    def bring(self, key: Key, closed: ClosedBar, record: str, *, revised: bool) -> None:
        """Hold a version of a bar. A window that no trade has opened is none."""
        if key[1] not in self.timeframes or present(closed.t, closed.partial) is None:
            return
        bars = self.bars.setdefault(key, {})
        held = bars.get(closed.t, Brought(closed, record, revised))
        better = max(held.closed, closed, key=lambda one: (one.count, one.rev))
        bars[closed.t] = Brought(better, min(held.record, record, key=int), revised or held.revised)


def read(decoded: Iterable[tuple[StreamRecord, list[BarRecord]]], timeframes: Collection[Timeframe]) -> Batch:
    """What the records say of bars of these timeframes."""
    decoded = list(decoded)
    promises = [window.s for _, windows in decoded for window in windows if window.engine != REVISED]
    batch = Batch(timeframes, {}, {}, promises[0] * 1000 if promises else 0, max(promises, default=0))
    for record, windows in decoded:
        for window in windows:
            revised = window.engine == REVISED
            if revised and window.tf == SHORTEST:
                batch.revised_minutes.setdefault((window.sym, window.t), record.sequence)
            if window.tf in timeframes:
                closed = ClosedBar(window.t, window.partial.count, window.rev, partial_from_wire(window.partial))
                batch.bring((window.sym, window.tf), closed, record.sequence, revised=revised)
    return batch


def due(bars: Mapping[int, Brought], newest: int, following: Mapping[int, Iterable[int]]) -> dict[int, Due]:
    """Bars (start, Unix ms) to be judged. `newest`: the newest bar known before the batch; `following`: of each bar
    brought, itself and those that are judged again for its sake."""
    found: dict[int, Due] = {}
    for t, brought in bars.items():
        for judged in following.get(t, ()):
            record = bars[judged].record if judged in bars else brought.record
            held = found.get(judged, Due(record, again=False))
            again = held.again or brought.revised or judged <= newest
            found[judged] = Due(min(held.record, record, key=int), again)
    return found
