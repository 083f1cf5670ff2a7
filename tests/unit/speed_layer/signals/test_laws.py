"""Whatever happens on the way, the signals are those of the final bars."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.speed_layer.signals.market import Market

UNHURRIED = settings(deadline=None)


@settings(UNHURRIED, max_examples=30)
@given(st.integers(0, 10**9))
def test_live_and_replay_give_the_same_signals(seed: int) -> None:
    market = Market(seed)
    market.run(45)
    assert market.active() == market.expected()
    assert market.stored() == len(market.signals.rows)


@settings(UNHURRIED, max_examples=100)
@given(st.integers(0, 10**9), st.sampled_from([0.002, 0.01, 0.03]))
def test_kills_refusals_and_a_cache_that_lies_change_nothing(seed: int, faults: float) -> None:
    market = Market(seed, faults)
    market.run(45)
    assert market.active() == market.expected()
    assert market.stored() == len(market.signals.rows)
