"""What strategies say about closed bars: pure, the same for live, replay and history.

A new or revised bar t is judged again together with the later bars up to 15 minutes after it: by then a bar has its
final value, but for what comes later than that. Only bars with an open count: a window without one is not a bar.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Final

from shared.bars.scale import PRICE_DIGITS, format_scaled
from shared.bars.sessions import SessionTable
from shared.bars.windows import MINUTE_MS
from shared.models.bar import Bar, Timeframe
from shared.models.signal import Signal
from speed_layer.signals.config import Configured

AGAIN_MS: Final = 15 * MINUTE_MS
"""Bars that start up to this long after a revised one are judged again."""
LOOKBACK_MS: Final = 40 * 86_400_000
"""How old a bar may be, before the judged one, to be looked at: less than the 45 days that minutes are stored."""

Judgement = dict[str, Signal | None]
"""Id of each signal there could be -> the signal, or None where there is none."""


def signal_id(strategy: str, params: str, sym: str, tf: Timeframe, t: int) -> str:
    """24 hex digits: equal for equal arguments, everywhere and always."""
    return hashlib.blake2b(f"{strategy}|{params}|{sym}|{tf}|{t}".encode(), digest_size=12).hexdigest()


def judge_times(  # noqa: PLR0917  (the nouns of one question; every caller has them all)
    strategies: Iterable[Configured],
    sym: str,
    tf: Timeframe,
    bars: Sequence[Bar],
    times: Iterable[int],
    sessions: SessionTable,
) -> Judgement:
    """The judgement of the bars that start at `times` (Unix ms); a time without a bar can have no signal.

    `bars`: all there are, in order of time.
    """
    ends = {t: _end_at(bars, t) for t in times}
    judgement: Judgement = {}
    for one in strategies:
        if not one.judges(sym, tf):
            continue
        width = one.strategy.window(tf)
        for t, end in ends.items():
            key = signal_id(one.name, one.params, sym, tf, t)
            window = bars[end - width : end] if end >= width else ()
            judgement[key] = None
            if window and window[0].t >= t - LOOKBACK_MS:
                side = one.strategy.side(window, sessions)
                if side is not None:
                    price = format_scaled(window[-1].close, PRICE_DIGITS)
                    judgement[key] = Signal(key, one.name, one.params, sym, tf, t, side, price)
    return judgement


def _end_at(bars: Sequence[Bar], t: int) -> int:
    """How many bars there are up to the one that starts at `t`; 0 where there is none."""
    end = bisect_right(bars, t, key=attrgetter("t"))
    return end if end and bars[end - 1].t == t else 0
