"""Signals of the past: the strategies of live, over the minutes that a table holds."""

from collections.abc import Iterator
from itertools import groupby

from shared.bars.algebra import merge_all, present
from shared.bars.sessions import SessionTable
from shared.bars.windows import STREAM_TIMEFRAMES
from shared.models.bar import Partial
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
    """Signals of the bars that ended in (since, until], Unix ms; each known since its bar's end.

    Spans that follow one another so give each signal once. Raises StoreUnavailable.
    """
    needed = {tf: width for tf, width in longest_windows(strategies).items() if width}
    reach = max((width * STREAM_TIMEFRAMES[tf] * 1000 for tf, width in needed.items()), default=0)
    partials = [(item.t, item.shown) for item in bars.minutes(sym, since - SPARSE * reach, until, now_s)]
    for tf, seconds in STREAM_TIMEFRAMES.items():
        length = seconds * 1000
        partials = _rolled_up(partials, length)  # each timeframe's windows lie whole in the next one's
        if tf not in needed:
            continue
        shown = [bar for t, partial in partials if (bar := present(t, partial)) is not None]
        times = [bar.t for bar in shown if since < bar.t + length <= until]
        judgement = judge_times(strategies, sym, tf, shown, times, sessions)
        yield from (StoredSignal(*one, ACTIVE, one.t + length) for one in judgement.values() if one is not None)


def _rolled_up(partials: list[tuple[int, Partial]], length: int) -> list[tuple[int, Partial]]:
    """Partials of the windows of `length` ms that hold these."""
    windows = groupby(partials, lambda one: one[0] - one[0] % length)
    return [(start, merge_all(partial for _, partial in inside)) for start, inside in windows]
