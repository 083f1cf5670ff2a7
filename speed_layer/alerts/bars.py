"""What the other rules look at: closed bars, by the value of their condition."""

from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction
from operator import attrgetter
from typing import Final

from shared.bars.sessions import SessionTable
from shared.bars.windows import MINUTE_MS
from shared.indicators.averages import ema, mean
from shared.indicators.macd import macd
from shared.indicators.rsi import rsi
from shared.models.alert import Condition, IndicatorCross, Move, StrategySignal
from shared.models.bar import Bar, Timeframe
from shared.models.signal import Signal
from speed_layer.alerts.evaluate import Observation
from speed_layer.signals.judge import LOOKBACK_MS
from speed_layer.signals.strategies import closes

MACD: Final = (12, 26, 9)
SHOWN_DIGITS: Final = 6
MOVE_LOOKBACK_MS: Final = 5 * 24 * 60 * MINUTE_MS
"""How much older than its window the bar may be that a move is measured from: a long weekend."""


def timeframe_of(condition: Condition) -> Timeframe:
    """The bars that a condition looks at; minutes for a move."""
    return condition.timeframe if isinstance(condition, IndicatorCross | StrategySignal) else "1m"


def window_of(condition: Condition) -> int:
    """W: how many bars it looks at, at most, the judged one included."""
    if isinstance(condition, Move):
        return condition.minutes + 1
    if isinstance(condition, IndicatorCross):
        if condition.indicator == "macd":
            return 5 * (MACD[1] + MACD[2])
        return {"sma": 1, "ema": 4, "rsi": 10}[condition.indicator] * condition.period
    return 1


def observe(condition: Condition, bars: Sequence[Bar], t: int, sessions: SessionTable) -> Observation | None:
    """The value at the bar that starts at `t` (Unix ms). `bars`: all there are, in order of time; what comes after `t`
    is not looked at. None without that bar, or where the bars before it do not reach."""
    end = bisect_right(bars, t, key=attrgetter("t"))
    if not end or bars[end - 1].t != t:
        return None
    value = _value(condition, bars, end)
    if value is None:
        return None
    return _observation(t, timeframe_of(condition), value, f"{float(value):.{SHOWN_DIGITS}f}", sessions)


def observe_signal(signal: Signal, sessions: SessionTable) -> Observation:
    """What a strategy has said of a bar."""
    return _observation(signal.t, signal.tf, signal.side, signal.side, sessions)


def _observation(
    t: int, tf: Timeframe, value: float | Fraction | str, shown: str, sessions: SessionTable
) -> Observation:
    day = sessions.day_of(t)
    regular = day is not None and day.is_regular(t)
    return Observation(f"{t:013d}", f"{tf}:{t}", t, value, shown, regular)  # type: ignore[arg-type]  # a side is the only text


def _value(condition: Condition, bars: Sequence[Bar], end: int) -> float | Fraction | None:
    if isinstance(condition, Move):
        return _moved(condition, bars, end)
    if isinstance(condition, IndicatorCross):
        width = window_of(condition)
        window = bars[max(0, end - width) : end]
        if len(window) < width or window[0].t < window[-1].t - LOOKBACK_MS:
            return None
        return _indicator(condition, closes(window))
    return None


def _moved(condition: Move, bars: Sequence[Bar], end: int) -> Fraction | None:
    """Percent, exactly."""
    judged = bars[end - 1]
    since = judged.t - condition.minutes * MINUTE_MS
    before = bisect_right(bars, since, hi=end, key=attrgetter("t"))
    if not before or bars[before - 1].t < since - MOVE_LOOKBACK_MS:
        return None
    return Fraction(100 * (judged.close - bars[before - 1].close), bars[before - 1].close)


def _indicator(condition: IndicatorCross, values: list[float]) -> float:
    if condition.indicator == "rsi":
        return rsi(values, condition.period)[-1]
    if condition.indicator == "macd":
        line, signal = macd(values, *MACD)
        return line[-1] - signal[-1]
    average = mean(values) if condition.indicator == "sma" else ema(values, condition.period)[-1]
    return 100.0 * (values[-1] / average - 1.0)
