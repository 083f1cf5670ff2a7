"""The configuration of strategies."""

import json

import pytest

from shared.bars.windows import STREAM_TIMEFRAMES
from shared.errors import PermanentError
from speed_layer.signals.config import configured, longest_windows


def test_the_packaged_strategies_hold_where_nothing_is_configured() -> None:
    judged = {(one.name, tf) for one in configured() for tf in one.timeframes}
    slow = {(name, tf) for name in ("ema_channel", "rsi_reversal", "macd_cross") for tf in ("5m", "15m", "1h")}
    assert judged == slow | {("opening_range_breakout", "5m"), ("volume_spike", "1m"), ("volume_spike", "5m")}
    assert all(one.judges("ANY", tf) for one in configured() for tf in one.timeframes)


def test_params_are_complete_and_sorted_so_that_equal_ones_are_equal_text() -> None:
    given = '[{"strategy": "ema_channel", "timeframes": ["5m"], "params": {"far": 169, "fast": 12}}]'
    assert configured(given)[0].params == '{"far":169,"fast":12,"near":144}'
    assert configured(given)[0].params == configured()[0].params
    whole = '[{"strategy": "volume_spike", "timeframes": ["5m"], "params": {"factor": 5}}]'
    assert configured(whole)[0].params == configured()[-1].params, "5 and 5.0 are one number"


def test_a_list_of_symbols_and_timeframes_is_what_is_judged() -> None:
    (one,) = configured('[{"strategy": "macd_cross", "timeframes": ["1m", "1h"], "symbols": ["SPY", "BRK.A"]}]')
    judged = {(sym, tf) for sym in ("SPY", "BRK.A", "spy", "BAC") for tf in STREAM_TIMEFRAMES if one.judges(sym, tf)}
    assert judged == {(sym, tf) for sym in ("SPY", "BRK.A") for tf in ("1m", "1h")}


def test_an_empty_list_is_no_strategy_at_all() -> None:
    assert configured("[]") == ()


def test_the_longest_window_of_each_timeframe_is_told_and_0_where_nothing_looks() -> None:
    assert longest_windows(configured()) == {"1m": 21, "5m": 338, "15m": 338, "30m": 0, "1h": 338}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"strategy": "astrology", "timeframes": ["5m"]}, "entry 0 .astrology.: strategy must be one of ema_channel"),
        ({"strategy": "macd_cross", "timeframes": ["2m"]}, "2m"),
        ({"strategy": "macd_cross", "timeframes": []}, "timeframes"),
        ({"strategy": "macd_cross", "timeframes": ["5m"], "symbols": "SPY"}, "symbols"),
        ({"strategy": "macd_cross", "timeframes": ["5m"], "symbols": []}, "symbols"),
        ({"strategy": "macd_cross", "timeframes": ["5m"], "colour": "red"}, "colour"),
        ({"strategy": "macd_cross", "timeframes": ["5m"], "params": {"fst": 3}}, "fst"),
        ({"strategy": "macd_cross", "timeframes": ["5m"], "params": {"fast": 1}}, "fast"),
        ({"strategy": "macd_cross", "timeframes": ["5m"], "params": {"fast": 30}}, "fast 30, slow 26"),
        ({"strategy": "macd_cross", "timeframes": ["5m"], "params": {"fast": 26}}, "fast 26, slow 26"),
        ({"strategy": "ema_channel", "timeframes": ["5m"], "params": {"near": 170}}, "near 170, far 169"),
        ({"strategy": "rsi_reversal", "timeframes": ["5m"], "params": {"low": 80}}, "low 80, high 70"),
        ({"strategy": "volume_spike", "timeframes": ["5m"], "params": {"factor": 1}}, "factor"),
        ({"strategy": "opening_range_breakout", "timeframes": ["1h"]}, "timeframe 1h does not fit"),
        (
            {"strategy": "opening_range_breakout", "timeframes": ["5m"], "params": {"range_minutes": 12}},
            "timeframe 5m does not fit",
        ),
    ],
)
def test_a_wrong_entry_is_refused_by_name(entry: dict[str, object], said: str) -> None:
    with pytest.raises(PermanentError, match=said):
        configured(json.dumps([entry]))


@pytest.mark.parametrize("text", ["{}", "[1]", "[", "nonsense"])
def test_text_that_is_no_list_of_strategies_is_refused(text: str) -> None:
    with pytest.raises(PermanentError, match="STRATEGIES must be a list"):
        configured(text)
