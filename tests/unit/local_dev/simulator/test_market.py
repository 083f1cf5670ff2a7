"""The market is a function of seed, symbol and time: the same whoever asks, however, and as busy as a market is."""

from datetime import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_dev.simulator.chance import key_of, keys_of, smooth_noise, uniform
from local_dev.simulator.instruments import INSTRUMENTS
from local_dev.simulator.market import SYMBOLS, Market, new_york_offset
from shared.bars.windows import NEW_YORK

NOW_S = 1_764_000_000
DAY_S = 86_400
MARKET = Market(7)


def path(market: Market, sym: str, times_ms: list[int]) -> list[float]:
    prices: list[float] = market.mid(np.full(len(times_ms), SYMBOLS.index(sym)), np.array(times_ms)).tolist()
    return prices


def at_new_york(hour: int, minute: int) -> int:
    """Unix s of a Tuesday in November."""
    return int(datetime(2025, 11, 25, hour, minute, tzinfo=NEW_YORK).timestamp())


def pace(second: int) -> float:
    """Trades to expect of all symbols in a minute that begins then, halts apart, as a rate a second."""
    seconds = np.arange(second, second + 60)
    symbols = np.repeat(np.arange(len(SYMBOLS)), len(seconds))
    return float(MARKET.rate(symbols, np.tile(seconds, len(SYMBOLS))).sum()) / len(seconds)


def test_chance_is_the_same_for_the_same_names_and_even_over_its_range() -> None:
    keys = keys_of(7, "side", ("SPY", "AAPL"))
    drawn = uniform(keys[:, None], np.arange(100_000)[None, :])
    assert keys.tolist() == [key_of(7, "side", "SPY"), key_of(7, "side", "AAPL")]
    assert drawn.min() >= 0
    assert drawn.max() < 1
    assert np.histogram(drawn[0], 10, (0, 1))[0] == pytest.approx([10_000] * 10, rel=0.05)
    assert abs(np.corrcoef(drawn[0], drawn[1])[0, 1]) < 0.02
    assert abs(np.corrcoef(drawn[0][:-1], drawn[0][1:])[0, 1]) < 0.02


def test_smooth_noise_goes_through_its_chance_values_without_a_leap() -> None:
    keys = keys_of(7, "wave", ("SPY",))
    t_ms = np.arange(NOW_S * 1000, NOW_S * 1000 + 4 * 1024)
    wave = smooth_noise(keys, np.zeros(len(t_ms), np.int64), t_ms, 10)
    whole = t_ms % 1024 == 0
    assert wave[whole].tolist() == (2 * uniform(keys[0:1], t_ms[whole] >> 10) - 1).tolist()
    assert np.abs(np.diff(wave)).max() < 2 * 1.5 / 1024 * 1.01, "the steepest that such a curve can be"


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(NOW_S * 1000 - 10**9, NOW_S * 1000 + 10**9), min_size=1, max_size=12), st.data())
def test_a_price_does_not_depend_on_what_else_is_asked_for(times_ms: list[int], data: st.DataObject) -> None:
    together = path(MARKET, "NVDA", times_ms)
    assert [price for t in times_ms for price in path(Market(7), "NVDA", [t])] == together
    cut = data.draw(st.integers(1, len(times_ms)))
    assert path(MARKET, "NVDA", times_ms[:cut]) == together[:cut]


def test_another_seed_is_another_market() -> None:
    times = [NOW_S * 1000 + n * 1_000 for n in range(50)]
    assert path(MARKET, "SPY", times) != path(Market(8), "SPY", times)


@pytest.mark.parametrize("one", INSTRUMENTS, ids=SYMBOLS)
def test_a_price_stays_about_its_level_and_moves_by_its_volatility(one: object) -> None:
    instrument = next(known for known in INSTRUMENTS if known == one)
    days = np.array(path(MARKET, instrument.sym, [(NOW_S + n * DAY_S) * 1000 for n in range(400)]))
    assert 0.5 * instrument.level < days.min() <= days.max() < 2 * instrument.level
    moves = np.diff(np.log(days))
    expected = (instrument.volatility**2 + (0.008 * instrument.beta) ** 2) ** 0.5
    assert 0.6 * expected < moves.std() < 1.5 * expected


def test_a_price_has_no_leaps_from_second_to_second() -> None:
    seconds = np.array(path(MARKET, "TSLA", [NOW_S * 1000 + n * 1_000 for n in range(20_000)]))
    assert np.abs(np.diff(seconds) / seconds[:-1]).max() < 0.002


def test_symbols_move_with_the_market() -> None:
    hours = [(NOW_S + n * 3_600) * 1000 for n in range(2_000)]
    spy, qqq = (np.diff(np.log(path(MARKET, sym, hours))) for sym in ("SPY", "QQQ"))
    assert np.corrcoef(spy, qqq)[0, 1] > 0.7


def test_the_day_is_a_u_and_the_night_is_quiet_but_not_dead() -> None:
    opening, midday, closing = pace(at_new_york(9, 31)), pace(at_new_york(12, 45)), pace(at_new_york(15, 58))
    night = pace(at_new_york(3, 0))
    assert 90 < opening < 150
    assert 90 < closing < 150
    assert 45 < midday < 0.75 * opening
    assert 30 < night < midday


def test_a_weekend_is_like_any_other_day() -> None:
    friday = at_new_york(12, 0) + 3 * DAY_S
    assert [pace(friday + n * DAY_S) > 40 for n in range(4)] == [True] * 4


def test_activity_multiplies_the_trades() -> None:
    symbols, seconds = np.full(60, SYMBOLS.index("SPY")), np.arange(NOW_S, NOW_S + 60)
    assert Market(7, 10.0).rate(symbols, seconds) == pytest.approx(10 * MARKET.rate(symbols, seconds))


def test_some_symbols_are_halted_for_some_minutes_and_trade_nothing_meanwhile() -> None:
    seconds = np.arange(NOW_S, NOW_S + 10 * DAY_S, 10)
    halts = []
    for number in range(len(SYMBOLS)):
        symbols = np.full(len(seconds), number)
        halted = MARKET.is_halted(symbols, seconds * 1000)
        assert MARKET.rate(symbols, seconds)[halted].sum() == 0
        edges = np.flatnonzero(np.diff(halted.astype(int), prepend=0, append=0))
        halts += ((edges[1::2] - edges[::2]) * 10).tolist()
    assert 20 < len(halts) < 100, "a handful a day"
    assert all(110 <= seconds <= 310 for seconds in halts)


def test_new_yorks_offset_follows_daylight_saving() -> None:
    change = int(datetime(2025, 11, 2, 6, 0, tzinfo=NEW_YORK).timestamp()) - 5 * 3_600
    times = np.arange(change - 3 * 3_600, change + 3 * 3_600, 1_800)
    expected = [datetime.fromtimestamp(int(t), NEW_YORK).utcoffset() for t in times]
    assert new_york_offset(times).tolist() == [offset.total_seconds() for offset in expected if offset is not None]
    assert set(new_york_offset(times).tolist()) == {-14_400, -18_000}
