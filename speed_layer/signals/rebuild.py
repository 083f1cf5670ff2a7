"""Closed bars from the bars table: stored minutes rolled up."""

from collections import deque
from collections.abc import Iterator
from itertools import groupby
from typing import Protocol

from shared.bars.algebra import merge_all, present
from shared.bars.windows import HOUR_MS, MINUTE_MS, STREAM_TIMEFRAMES
from shared.models.bar import Timeframe
from shared.stores.bars import MinuteItem
from shared.stores.rings import ClosedBar, Key
from speed_layer.signals.judge import LOOKBACK_MS

REACH_MS = LOOKBACK_MS + 86_400_000
"""How far back is read: a bar of the last day that is judged again finds all that it may look at."""


class StoredMinutes(Protocol):
    """The bars table; raises StoreUnavailable."""

    def minutes(self, sym: str, start: int, end: int, now_s: int, *, reverse: bool = False) -> Iterator[MinuteItem]: ...


def closed_bars(
    minutes: StoredMinutes, sym: str, tf: Timeframe, *, end: int, before: int, need: int, now_s: int
) -> list[ClosedBar]:
    """Bars of the windows that have ended by `end`, in order: the newest `need` that start before `before`, and all
    from there on. Unix ms.

    Fewer when the minutes of the longest look back hold no more. Reads against time and stops early.
    """
    width = STREAM_TIMEFRAMES[tf] * 1000
    end -= end % width
    found: deque[ClosedBar] = deque()
    stored = minutes.minutes(sym, min(before, end) - REACH_MS, end, now_s, reverse=True)
    for t, inside in groupby(stored, lambda minute: minute.t - minute.t % width):
        bar = _rolled_up(t, list(inside))
        if present(t, bar.partial) is None:
            continue
        found.appendleft(bar)
        if t < before:
            need -= 1
        if need <= 0:
            break
    return list(found)


def windows_around(minutes: StoredMinutes, sym: str, minute: int, *, end: int, now_s: int) -> dict[Key, ClosedBar]:
    """The longer windows that hold a minute and have ended by `end` (Unix ms), as stored now."""
    hour = minute - minute % HOUR_MS
    stored = list(minutes.minutes(sym, hour, hour + HOUR_MS, now_s))
    found = {}
    for tf, seconds in STREAM_TIMEFRAMES.items():
        width = seconds * 1000
        t = minute - minute % width
        if width > MINUTE_MS and t + width <= end:
            found[sym, tf] = _rolled_up(t, [item for item in stored if t <= item.t < t + width])
    return found


def _rolled_up(t: int, items: list[MinuteItem]) -> ClosedBar:
    partial = merge_all(item.shown for item in items)
    return ClosedBar(t, partial.count, sum(len(item.late) for item in items), partial)
