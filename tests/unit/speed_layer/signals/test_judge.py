"""Judgements of bars: by bar, and of a whole past."""

import time
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.bars.sessions import sessions_named
from shared.models.bar import Bar
from speed_layer.signals.config import Configured, configured
from speed_layer.signals.judge import LOOKBACK_MS, Judgement, judge_times, signal_id
from tests.unit.shared.indicators.test_against_talib import walk
from tests.unit.speed_layer.feed import T0
from tests.unit.speed_layer.signals.bars import MINUTE, bar, line
from tests.unit.speed_layer.signals.market import STRATEGIES as QUICK

XNYS = sessions_named("XNYS")
STRATEGIES = configured(QUICK)
SPIKE = configured('[{"strategy": "volume_spike", "timeframes": ["1m"], "params": {"bars": 2, "factor": 2}}]')


def found(judgement: Judgement) -> dict[str, tuple[int, str]]:
    return {id_: (signal.t, signal.side) for id_, signal in judgement.items() if signal is not None}


def judged_all(strategies: Iterable[Configured], tf: str, bars: list[Bar]) -> Judgement:
    """Every bar, in one go."""
    return judge_times(strategies, "SPY", tf, bars, [one.t for one in bars], XNYS)


def test_an_id_is_the_same_for_ever_and_differs_with_everything_it_is_made_of() -> None:
    params = '{"far":169,"fast":12,"near":144}'
    first = signal_id("ema_channel", params, "SPY", "5m", T0)
    assert first == "e9896f4095520d86c9402de9", "written down once: stored ids must stay what they are"
    others = {
        signal_id("rsi_reversal", params, "SPY", "5m", T0),
        signal_id("ema_channel", "{}", "SPY", "5m", T0),
        signal_id("ema_channel", params, "BAC", "5m", T0),
        signal_id("ema_channel", params, "SPY", "15m", T0),
        signal_id("ema_channel", params, "SPY", "5m", T0 + 1),
    }
    assert len({first, *others}) == 6


def test_a_signal_says_what_it_is_about_and_its_price_is_the_close_to_the_last_digit() -> None:
    bars = [bar(T0 + n * MINUTE, 100.0) for n in range(2)]
    bars.append(Bar(T0 + 2 * MINUTE, 10**11, 10**11 + 1, 10**11, 10**11 + 1, 900 * 10**6, None, 3))
    (signal,) = (one for one in judged_all(SPIKE, "1m", bars).values() if one)
    assert signal[1:] == (
        "volume_spike",
        '{"bars":2,"factor":2.0}',
        "SPY",
        "1m",
        T0 + 2 * MINUTE,
        "buy",
        "100.000000001",
    )


def test_fewer_bars_than_the_window_give_no_signal() -> None:
    bars = [bar(T0, 100.0), bar(T0 + MINUTE, 101.0, open_=100.0, volume=900)]
    judgement = judged_all(SPIKE, "1m", bars)
    assert list(judgement.values()) == [None, None]


def test_a_bar_that_is_older_than_the_look_back_is_not_looked_at() -> None:
    def judged(first: int) -> int:
        bars = [bar(first, 100.0), bar(T0, 100.0), bar(T0 + MINUTE, 101.0, open_=100.0, volume=900)]
        return len(found(judged_all(SPIKE, "1m", bars)))

    assert judged(T0 + MINUTE - LOOKBACK_MS) == 1
    assert judged(T0 + MINUTE - LOOKBACK_MS - 1) == 0


def test_every_strategy_is_asked_for_every_time_and_no_other() -> None:
    times = [T0 + n * MINUTE for n in range(30, 46)]
    judgement = judge_times(STRATEGIES, "SPY", "1m", line([100.0 + n % 3 for n in range(60)]), times, XNYS)
    asked = {
        signal_id(one.name, one.params, "SPY", "1m", t) for one in STRATEGIES if "1m" in one.timeframes for t in times
    }
    assert judgement.keys() == asked
    assert len(asked) == 16 * 4


def test_a_time_without_a_bar_can_have_no_signal() -> None:
    judgement = judge_times(SPIKE, "SPY", "1m", line([100.0] * 5), [T0 - MINUTE, T0 + 9 * MINUTE], XNYS)
    assert list(judgement.values()) == [None, None]
    assert list(judge_times(SPIKE, "SPY", "1m", [], [T0], XNYS).values()) == [None]


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 10**6), st.sampled_from(["1m", "5m"]))
def test_the_past_in_one_go_is_every_bar_judged_when_it_was_the_newest(seed: int, tf: str) -> None:
    bars = line(walk(seed, 120), T0, {"1m": 1, "5m": 5}[tf] * MINUTE)
    one_by_one: Judgement = {}
    for end in range(1, len(bars) + 1):
        one_by_one |= judge_times(STRATEGIES, "SPY", tf, bars[:end], [bars[end - 1].t], XNYS)
    assert judged_all(STRATEGIES, tf, bars) == one_by_one


@pytest.mark.parametrize("tf", ["5m", "15m", "1h"])
def test_the_packaged_strategies_speak_in_a_random_market(tf: str) -> None:
    width = {"5m": 5, "15m": 15, "1h": 60}[tf] * MINUTE
    judgement = judged_all(configured(), tf, line(walk(5, 900) + walk(6, 900), T0, width))
    assert {"ema_channel", "rsi_reversal", "macd_cross"} <= {one.strategy for one in judgement.values() if one}


def test_a_session_of_twenty_symbols_is_judged_in_seconds_of_processor_time() -> None:
    """288 five-minute bars, 96 quarters, 24 hours each: what a simulated day has."""
    begin = time.process_time()
    for tf, count in (("5m", 288), ("15m", 96), ("1h", 24)):
        bars = line((walk(7, 900) * 20)[: 338 + count], T0, MINUTE)
        judge_times(configured(), "SPY", tf, bars, [one.t for one in bars[-count:]], XNYS)
    assert 20 * (time.process_time() - begin) < 10
