"""What each strategy says, and of what it says nothing."""

from typing import Any

import numpy as np
import pytest

from shared.bars.sessions import sessions_named
from shared.models.bar import Bar
from speed_layer.signals.strategies import (
    Channel,
    MacdCross,
    OpeningRangeBreakout,
    RsiReversal,
    Strategy,
    VolumeSpike,
)
from tests.unit.shared.indicators.test_against_talib import walk
from tests.unit.speed_layer.feed import T0
from tests.unit.speed_layer.signals.bars import MINUTE, bar, line

XNYS = sessions_named("XNYS")
FIVE = 5 * MINUTE


def mirrored(bars: list[Bar]) -> list[Bar]:
    """The same market upside down."""
    top = 2 * max(one.high for one in bars)
    return [
        one._replace(open=top - one.open, high=top - one.low, low=top - one.high, close=top - one.close) for one in bars
    ]


def said(strategy: Strategy, bars: list[Bar], tf: str = "1m") -> list[tuple[int, str]]:
    """(number of the bar, side) of every bar with a whole window."""
    width = strategy.window(tf)
    sides = [(end - 1, strategy.side(bars[end - width : end], XNYS)) for end in range(width, len(bars) + 1)]
    return [(number, side) for number, side in sides if side is not None]


@pytest.mark.parametrize(
    ("strategy", "width"),
    [(Channel(), 338), (RsiReversal(), 140), (MacdCross(), 175), (OpeningRangeBreakout(), 390), (VolumeSpike(), 21)],
)
def test_every_strategy_has_a_fixed_window(strategy: Strategy, width: int) -> None:
    assert strategy.window("1m") == width


def test_the_window_of_the_opening_range_covers_a_session_in_any_timeframe() -> None:
    assert [OpeningRangeBreakout().window(tf) for tf in ("1m", "5m", "15m", "30m")] == [390, 78, 26, 13]


CASES = [
    (Channel(fast=2, near=3, far=5), [100.0] * 12 + [101.0] * 3 + [99.0] * 3, [(12, "buy"), (15, "sell")]),
    (
        RsiReversal(period=2),
        [100.0] * 20 + [99.0, 98.0, 97.0, 99.0, 101.0, 103.0, 100.0],
        [(23, "buy"), (26, "sell")],
    ),
    (MacdCross(fast=2, slow=3, signal=2), [100.0] * 25 + [101.0] + [99.0], [(25, "buy"), (26, "sell")]),
]


@pytest.mark.parametrize(("strategy", "closes", "expected"), CASES)
def test_a_cross_speaks_once_and_an_upside_down_market_says_the_opposite(
    strategy: Strategy, closes: list[float], expected: list[tuple[int, str]]
) -> None:
    assert said(strategy, line(closes)) == expected
    if not isinstance(strategy, RsiReversal):  # it takes a market that stands still for one that only falls
        swapped = [(number, {"buy": "sell", "sell": "buy"}[side]) for number, side in expected]
        assert said(strategy, mirrored(line(closes))) == swapped


@pytest.mark.parametrize("seed", range(1, 9))
def test_crosses_are_where_talib_puts_them_over_each_window(talib: Any, seed: int) -> None:
    """TA-Lib judges the same windows from prices alone."""
    closes = walk(seed, 700)
    bars = line(closes)
    for number in range(338, len(closes), 3):
        window = np.array(closes[number - 338 : number])
        fast, near, far = (talib.EMA(window, period)[-2:] for period in (12, 144, 169))
        up = fast[0] <= max(near[0], far[0]) and fast[1] > max(near[1], far[1])
        down = fast[0] >= min(near[0], far[0]) and fast[1] < min(near[1], far[1])
        expected = "buy" if up else "sell" if down else None
        assert Channel().side(bars[number - 338 : number], XNYS) == expected
        before, now = talib.RSI(np.array(closes[number - 140 : number]), 14)[-2:]
        expected = "buy" if before < 30 <= now else "sell" if before > 70 >= now else None
        assert RsiReversal().side(bars[number - 140 : number], XNYS) == expected


def session(closes: list[float]) -> list[Bar]:
    """Five-minute bars: 78 of the session before, then these from 09:30 on."""
    yesterday = line([100.0] * 78, T0 - 86_400_000, FIVE)
    return yesterday + line(closes, T0, FIVE)


RANGE = [100.0, 101.0, 99.0, 100.0, 100.0, 100.0]
"""The first half hour trades between 99 and 101."""


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ([100.5, 101.0, 101.5, 102.0], [(8, "buy")]),
        ([99.5, 98.5, 98.0, 100.0, 98.0], [(7, "sell")]),
        ([101.5, 100.0, 102.0, 98.5], [(6, "buy"), (9, "sell")]),
        ([101.0, 99.0], []),
    ],
)
def test_the_first_close_out_of_the_opening_range_speaks_once_for_each_side(
    later: list[float], expected: list[tuple[int, str]]
) -> None:
    bars = session(RANGE + later)
    assert [(number - 78, side) for number, side in said(OpeningRangeBreakout(), bars, "5m")] == expected


def test_the_range_is_that_of_highs_and_lows_and_not_of_closes() -> None:
    bars = session([*RANGE, 101.5])
    bars[79] = bar(bars[79].t, 101.0, spread=1.0)
    assert said(OpeningRangeBreakout(), bars, "5m") == []


@pytest.mark.parametrize("hours", [-3, 7])
def test_outside_the_regular_session_nothing_breaks_out(hours: int) -> None:
    bars = [one._replace(t=one.t + hours * 3_600_000) for one in session([*RANGE, 105.0])]
    assert said(OpeningRangeBreakout(), bars, "5m") == []


def test_a_market_that_is_closed_or_traded_nothing_in_its_first_minutes_has_no_breakout() -> None:
    saturday = [one._replace(t=one.t + 4 * 86_400_000) for one in session([*RANGE, 105.0])]
    assert said(OpeningRangeBreakout(), saturday, "5m") == []
    without = session([*RANGE, 105.0, 106.0])
    del without[78:84]
    assert said(OpeningRangeBreakout(session_minutes=360), without, "5m") == []


@pytest.mark.parametrize(
    ("volume", "close", "expected"),
    [(300, 101.0, "buy"), (300, 99.0, "sell"), (300, 100.0, None), (299, 101.0, None), (10_000, 101.0, "buy")],
)
def test_a_spike_is_so_many_times_the_usual_volume_and_goes_where_the_bar_went(
    volume: int, close: float, expected: str | None
) -> None:
    usual = [bar(T0 + n * MINUTE, 100.0, volume=50 + 100 * (n % 2)) for n in range(4)]
    judged = bar(T0 + 4 * MINUTE, close, open_=100.0, volume=volume)
    assert VolumeSpike(bars=4, factor=3.0).side([*usual, judged], XNYS) == expected


def test_after_bars_without_volume_nothing_is_a_spike() -> None:
    usual = [bar(T0 + n * MINUTE, 100.0, volume=0) for n in range(4)]
    judged = bar(T0 + 4 * MINUTE, 101.0, open_=100.0, volume=5)
    assert VolumeSpike(bars=4).side([*usual, judged], XNYS) is None
