"""Signals of the past: the strategies of live, over the minutes that a table holds."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from shared.bars.algebra import merge_all, present
from shared.bars.sessions import SessionTable
from shared.bars.windows import STREAM_TIMEFRAMES
from shared.models.bar import Bar, Partial
from shared.models.signal import StoredSignal
from shared.stores.bars import BarStore
from shared.stores.signals import ACTIVE
from speed_layer.signals.config import Configured, longest_windows
from speed_layer.signals.judge import judge_times

SPARSE = 3
"""A window is looked for in so many times its length: nights and halts have no bars."""


def past_signals(
    bars: BarStore,
    strategies: tuple[Configured, ...],
    sessions: SessionTable,
    sym: str,
    *,
    since: int,
    until: int,
    now_s: int,
) -> Iterator[StoredSignal]:
    """Signals of the bars of [since, until), Unix ms, that have ended by then; each known since its bar's end.

    Raises StoreUnavailable.
    """
    windows = {tf: width for tf, width in longest_windows(strategies).items() if width}
    reach = max(width * STREAM_TIMEFRAMES[tf] * 1000 for tf, width in windows.items()) if windows else 0
    minutes = [(item.t, item.shown) for item in bars.minutes(sym, since - SPARSE * reach, until, now_s)]
    for tf in windows:
        length = STREAM_TIMEFRAMES[tf] * 1000
        rolled = list(_rolled(minutes, length))
        times = [bar.t for bar in rolled if bar.t >= since and bar.t + length <= until]
        judgement = judge_times(strategies, sym, tf, rolled, times, sessions)
        yield from (StoredSignal(one, ACTIVE, one.t + length) for one in judgement.values() if one is not None)


def _rolled(minutes: Iterable[tuple[int, Partial]], length: int) -> Iterator[Bar]:
    """Bars of windows of `length` ms, in order; a window that no trade has opened is none."""
    for start, inside in groupby(minutes, lambda minute: minute[0] - minute[0] % length):
        bar = present(start, merge_all(partial for _, partial in inside))
        if bar is not None:
            yield bar
