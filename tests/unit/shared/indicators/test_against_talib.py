"""Our indicators beside TA-Lib's, over random walks and recorded minutes.

The order of operations is TA-Lib's. With the periods that strategies have by default EMA, RSI and the MACD line agree
bit for bit (on x86-64, where this was measured). Elsewhere, and in the MACD's signal line, a build of TA-Lib that fuses
multiply and add rounds once less: there all agree within 10^-12 of the largest value.
"""

import csv
import gzip
import platform
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from shared.indicators.averages import ema, mean
from shared.indicators.macd import macd
from shared.indicators.rsi import rsi
from tests.conftest import RECORDED

EXACT = platform.machine() == "x86_64"


def walk(seed: int, steps: int = 900) -> list[float]:
    """Prices in whole cents; every third walk stands still now and then, every fourth is a penny stock."""
    draw = random.Random(seed)
    price, prices = (0.5 if seed % 4 == 0 else 150.0), []
    for _ in range(draw.randint(60, steps)):
        if seed % 3 or draw.random() < 0.5:
            price = max(0.01, round(price * (1 + draw.gauss(0, 0.002)), 2))
        prices.append(price)
    return prices


def recorded() -> list[Any]:
    """Closing prices of every recorded symbol-day; none where the files are not there."""
    days = []
    for file in sorted((RECORDED / "minute").glob("*.csv.gz")):
        with gzip.open(file, "rt", newline="") as stream:
            days.append(pytest.param([float(row["close"]) for row in csv.DictReader(stream)], id=file.name[:14]))
    return days


SERIES = [pytest.param(walk(seed), id=f"walk-{seed}") for seed in range(24)] + recorded()


def theirs(values: Any) -> list[float]:
    """TA-Lib's results without the places it has none for."""
    found: list[float] = values[~np.isnan(values)].tolist()
    return found


def assert_same(ours: Sequence[float], expected: Sequence[float], *, exact: bool = EXACT) -> None:
    assert len(ours) == len(expected) > 0
    if exact:
        assert list(ours) == list(expected)
    scale = max(map(abs, expected))
    assert max(abs(a - b) for a, b in zip(ours, expected, strict=True)) <= 1e-12 * max(scale, 1e-300)


@pytest.mark.parametrize("prices", SERIES)
@pytest.mark.parametrize("period", [2, 3, 5, 9, 12, 26, 50])
def test_ema(talib: Any, prices: list[float], period: int) -> None:
    exact = EXACT and period in (12, 26)
    assert_same(ema(prices, period), theirs(talib.EMA(np.array(prices), period)), exact=exact)


@pytest.mark.parametrize("prices", [one for one in SERIES if len(one.values[0]) > 338])
def test_ema_of_the_channel_over_a_window_of_338_bars(talib: Any, prices: list[float]) -> None:
    window = prices[-338:]
    for period in (12, 144, 169):
        assert_same(ema(window, period), theirs(talib.EMA(np.array(window), period)))


@pytest.mark.parametrize("prices", SERIES)
@pytest.mark.parametrize("period", [2, 3, 7, 14, 21])
def test_rsi(talib: Any, prices: list[float], period: int) -> None:
    assert_same(rsi(prices, period), theirs(talib.RSI(np.array(prices), period)))


@pytest.mark.parametrize("prices", SERIES)
@pytest.mark.parametrize("periods", [(12, 26, 9), (2, 3, 2), (5, 35, 5)])
def test_macd(talib: Any, prices: list[float], periods: tuple[int, int, int]) -> None:
    line, average, _ = talib.MACD(np.array(prices), *periods)
    our_line, our_average = macd(prices, *periods)
    assert_same(our_line, line[~np.isnan(average)].tolist(), exact=EXACT and periods == (12, 26, 9))
    assert_same(our_average, theirs(average), exact=False)


@pytest.mark.parametrize("prices", SERIES[:8])
def test_a_mean_is_the_simple_moving_average_of_all_values(talib: Any, prices: list[float]) -> None:
    expected = talib.SMA(np.array(prices), len(prices))[-1]
    assert mean(prices) == pytest.approx(expected, rel=1e-12)


def test_too_few_values_give_nothing() -> None:
    assert ema([1.0] * 11, 12) == []
    assert rsi([1.0] * 14, 14) == []
    assert macd([1.0] * 33, 12, 26, 9) == ([], [])
    assert len(macd([1.0] * 34, 12, 26, 9)[1]) == 1


def test_prices_that_stand_still_have_an_rsi_of_0_as_talib_says(talib: Any) -> None:
    assert set(rsi([5.0] * 40, 14)) == set(theirs(talib.RSI(np.array([5.0] * 40), 14))) == {0.0}
