"""Values of closed bars, compared with other ways to compute them."""

from fractions import Fraction
from typing import Any

import pytest

from shared.bars.sessions import new_york_sessions
from shared.models.alert import IndicatorCross, Move, StrategySignal
from shared.models.bar import Bar
from speed_layer.alerts.bars import observe, timeframe_of, window_of
from tests.unit.speed_layer.feed import T0
from tests.unit.speed_layer.signals.bars import MINUTE, line

SESSIONS = new_york_sessions()
CLOSES = [100 + (n * 37 % 19) / 4 for n in range(400)]
DAY = 24 * 60 * MINUTE


def value(when: Any, bars: list[Bar], t: int | None = None) -> Any:
    seen = observe(when, bars, bars[-1].t if t is None else t, SESSIONS)
    return None if seen is None else seen.value


def test_a_move_is_measured_from_the_last_close_before_its_window_exactly() -> None:
    bars = line([100, 101, 102, 105])
    assert value(Move("1", 3), bars) == 5
    assert value(Move("1", 1), bars) == Fraction(300, 102)
    assert value(Move("1", 4), bars) is None, "nothing reaches so far"
    gap = [bars[0], *[bar._replace(t=bar.t + 10 * MINUTE) for bar in bars[2:]]]
    assert value(Move("1", 5), gap) == 5, "over minutes without trades it is the last close before"
    assert value(Move("1", 5), gap, bars[0].t) is None


def test_a_move_reaches_over_a_long_weekend_and_no_further() -> None:
    for days, expected in ((4, 5), (6, None)):
        bars = line([100, 105])
        bars[1] = bars[1]._replace(t=bars[0].t + days * DAY)
        assert value(Move("1", 15), bars) == expected


def test_indicators_are_those_of_talib_over_their_window(talib: Any) -> None:
    numpy = __import__("numpy")
    bars, period = line(CLOSES), 20
    for name in ("rsi", "sma", "ema", "macd"):
        when: Any = IndicatorCross(name, "1m", "0", period)
        window = numpy.array(CLOSES[-window_of(when) :])
        if name == "macd":
            expected = talib.MACD(window, 12, 26, 9)[2][-1]
        elif name == "rsi":
            expected = talib.RSI(window, period)[-1]
        else:
            expected = 100 * (window[-1] / getattr(talib, name.upper())(window, period)[-1] - 1)
        assert value(when, bars) == pytest.approx(expected, rel=1e-9, abs=1e-12), name


@pytest.mark.parametrize("name", ["rsi", "sma", "ema", "macd"])
def test_an_indicator_needs_its_whole_window_and_looks_at_nothing_else(name: Any) -> None:
    when = IndicatorCross(name, "1m", "0", 10)
    width = window_of(when)
    bars = line(CLOSES)
    assert value(when, bars[:width]) == value(when, line([1, 2, 3], T0 - 3 * MINUTE) + bars[:width])
    assert value(when, bars, bars[width - 1].t) == value(when, bars[:width]), "nor at what comes after"
    assert value(when, bars[: width - 1]) is None
    aged = [bars[0]._replace(t=T0 - 41 * DAY), *bars[1:width]]
    assert value(when, aged) is None, "a bar of long ago is none of the window"


def test_a_bar_that_is_not_there_has_no_value() -> None:
    assert value(Move("1", 1), line([1, 2, 3]), T0 + 5 * MINUTE) is None
    assert value(Move("1", 1), line([1, 2, 3]), T0 - MINUTE) is None


def test_what_is_looked_at_names_its_bar_and_whether_the_session_is_regular() -> None:
    bars = line([100, 101], T0 - MINUTE)
    seen = observe(Move("1", 1), bars, T0, SESSIONS)
    assert seen is not None
    assert (seen.key, seen.t, seen.shown, seen.regular) == (f"1m:{T0}", T0, "1.000000", True)
    early = observe(Move("1", 1), line([100, 101], T0 - 2 * MINUTE), T0 - MINUTE, SESSIONS)
    assert early is not None
    assert not early.regular


def test_conditions_name_their_bars() -> None:
    assert timeframe_of(Move("1", 5)) == "1m"
    assert timeframe_of(IndicatorCross("rsi", "30m", "1")) == "30m"
    assert timeframe_of(StrategySignal("macd_cross", "1h")) == "1h"
