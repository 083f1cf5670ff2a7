"""What a batch of the bars stream brings: the best version of each bar, and which bars have to be judged for it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from shared.bars.algebra import present
from shared.bars.windows import STREAM_TIMEFRAMES
from shared.frames import BarRecord, partial_from_wire
from shared.stores.rings import ClosedBar, Key
from speed_layer.kinesis_event import StreamRecord
from speed_layer.revise import ENGINE as REVISED


class Brought(NamedTuple):
    """The best version of a bar in the batch; the first stream record that speaks of the bar; whether any of them
    revises it."""

    closed: ClosedBar
    record: str
    revised: bool


class Due(NamedTuple):
    """A bar to be judged: the first stream record that asks for it, and whether it may have been judged before."""

    record: str
    again: bool


class Batch(NamedTuple):
    """`closed_ms`: up to where windows had closed before the batch, as far as it says so itself (Unix ms, else 0);
    `promise`: the greatest promise in it, Unix seconds."""

    bars: dict[Key, dict[int, Brought]]
    closed_ms: int
    promise: int


def read(decoded: Iterable[tuple[StreamRecord, list[BarRecord]]]) -> Batch:
    """Records of unknown timeframes and windows that no trade has opened are left out."""
    bars: dict[Key, dict[int, Brought]] = defaultdict(dict)
    promises = []
    for record, windows in decoded:
        for window in windows:
            if window.engine != REVISED:
                promises.append(window.s)
            if window.tf in STREAM_TIMEFRAMES:
                _keep(bars[window.sym, window.tf], record.sequence, window)
    return Batch({key: of_key for key, of_key in bars.items() if of_key}, *_closed(promises))


def _closed(promises: list[int]) -> tuple[int, int]:
    return (promises[0] * 1000, max(promises)) if promises else (0, 0)


def _keep(bars: dict[int, Brought], sequence: str, window: BarRecord) -> None:
    partial = partial_from_wire(window.partial)
    if present(window.t, partial) is None:
        return
    closed, revised = ClosedBar(window.t, window.partial.count, window.rev, partial), window.engine == REVISED
    held = bars.get(window.t)
    if held is None:
        bars[window.t] = Brought(closed, sequence, revised)
    else:
        better = max(held.closed, closed, key=lambda one: (one.count, one.rev))
        bars[window.t] = Brought(better, held.record, revised or held.revised)


def due(bars: Mapping[int, Brought], newest: int, following: Mapping[int, Iterable[int]]) -> dict[int, Due]:
    """Bars (start, Unix ms) to be judged. `newest`: the newest bar known before the batch; `following`: of each bar
    brought, itself and those that are judged again for its sake."""
    found: dict[int, Due] = {}
    for t, brought in bars.items():
        for judged in following.get(t, ()):
            asked = Due(brought.record, brought.revised or judged <= newest)
            held = found.get(judged, asked)
            found[judged] = Due(min(held.record, asked.record, key=int), held.again or asked.again)
    return found
