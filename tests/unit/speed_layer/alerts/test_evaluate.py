"""Rules against observations: an independent model, and the laws of redelivery."""

import re
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.models.alert import Crossing, IndicatorCross, Move, PriceCross, State, StoredRule, StrategySignal
from shared.models.signal import Side
from speed_layer.alerts.evaluate import Observation, crossing_id, evaluate, evaluate_all
from speed_layer.alerts.trades import place_in
from tests.unit.speed_layer.alerts.rules import prices, stored
from tests.unit.speed_layer.feed import T0

Way = Literal["up", "down", "either"]
cents = st.lists(st.integers(97, 103).map(lambda dollars: dollars * 100), max_size=40)
ways = st.sampled_from(["up", "down", "either"])
backs = st.sampled_from(["0", "1", "2.5"])


def told(rule: StoredRule, seen: list[Observation]) -> list[tuple[str, str]]:
    """(key of the observation, direction) of every crossing."""
    names = {crossing_id(rule, one.key): one.key for one in seen}
    return [(names[one.id], str(one.direction)) for one in evaluate_all(rule, State(), seen)[1]]


def crossed_by_text(values: list[int], way: str, level: float, back: float) -> list[tuple[str, str]]:
    """The crossings of a whole history at once, by a regular expression over a letter for each value: at the level,
    Between, or Far on the other side."""
    found = []
    for direction, sign in (("up", 1), ("down", -1)):
        if way not in {direction, "either"}:
            continue
        past = [sign * (value / 100 - level) for value in values]
        letters = "".join("A" if at >= 0 else "F" if at < -back else "B" for at in past)
        found += [(match.end() - 1, direction) for match in re.finditer("FB*A", letters)]
    return [(f"k{place}", direction) for place, direction in sorted(found)]


@given(cents, ways, backs)
def test_crossings_are_those_of_a_model_that_sees_all_at_once(values: list[int], way: Way, back: str) -> None:
    rule = stored(PriceCross("100", way, back))
    assert told(rule, prices(*values)) == crossed_by_text(values, way, 100, float(back))


@given(cents, ways, backs, st.integers(1, 30), st.sampled_from(["once", "every"]))
def test_a_cooldown_passes_over_what_follows_too_soon_and_once_is_once(
    values: list[int], way: Way, back: str, cooldown: int, repeat: str
) -> None:
    rule = stored(PriceCross("100", way, back), cooldown_s=cooldown, repeat=repeat)
    expected: list[tuple[str, str]] = []
    for key, direction in crossed_by_text(values, way, 100, float(back)):
        if not expected or int(key[1:]) - int(expected[-1][0][1:]) >= cooldown:
            expected.append((key, direction))
    assert told(rule, prices(*values)) == (expected if repeat == "every" else expected[:1])


@given(cents, ways, backs, st.integers(1, 5), st.data())
def test_any_part_of_the_stream_may_come_again_from_any_point(
    values: list[int], way: Way, back: str, cooldown: int, data: st.DataObject
) -> None:
    rule, seen = stored(PriceCross("100", way, back), cooldown_s=cooldown), prices(*values)
    late = data.draw(st.lists(st.integers(0, 3), min_size=len(seen), max_size=len(seen)))  # trades overtake others
    seen = [one._replace(t=one.t - by * 1000) for one, by in zip(seen, late, strict=True)]
    delivered, done = [], 0
    while done < len(seen):
        start = data.draw(st.integers(0, done))
        end = data.draw(st.integers(done + 1, len(seen)))
        delivered += seen[start:end]
        done = end
    delivered += seen[data.draw(st.integers(0, done)) :]
    assert evaluate_all(rule, State(), delivered) == evaluate_all(rule, State(), seen)


def test_the_millionth_trade_of_what_brought_them_follows_those_before_it() -> None:
    """A few days of one symbol are one such place when a rule is tried on stored trades."""
    rule, places = stored(PriceCross("100", "up")), (960_000, 999_999, 1_000_000, 1_000_001)
    values = prices(99_00, 101_00, 99_00, 101_00)
    seen = [one._replace(position=place_in("", number)) for one, number in zip(values, places, strict=True)]
    assert told(rule, seen) == [("k1", "up"), ("k3", "up")]


def test_a_trade_that_overtook_a_crossing_does_not_arm_the_rule_again_when_it_comes_again() -> None:
    rule, (first, second, crossing) = stored(PriceCross("100", "up")), prices(99_00, 99_00, 101_00)
    seen = [first, second, crossing._replace(t=second.t - 500)]
    assert evaluate_all(rule, State(), seen * 2) == evaluate_all(rule, State(), seen)


@given(cents, ways, backs, st.data())
def test_a_state_says_all_there_is_to_know(values: list[int], way: Way, back: str, data: st.DataObject) -> None:
    rule, seen = stored(PriceCross("100", way, back)), prices(*values)
    cut = data.draw(st.integers(0, len(seen)))
    middle, first = evaluate_all(rule, State(), seen[:cut])
    last, rest = evaluate_all(rule, middle, seen[cut:])
    assert (last, first + rest) == evaluate_all(rule, State(), seen)


@given(cents, st.integers(-4, 4))
def test_a_trade_that_is_older_than_what_changed_the_state_is_left_alone(values: list[int], back_s: int) -> None:
    rule, seen = stored(), prices(*values)
    state, _ = evaluate_all(rule, State(), seen)
    late = Observation("999999", "late", state.t + back_s * 1000, 101 * 10**9, "101", regular=True)
    after, crossing = evaluate(rule, state, late)
    if back_s < 0:
        assert (after, crossing) == (state, None)
    else:
        assert crossing is None or crossing.id == crossing_id(rule, "late")


def test_a_price_that_is_at_the_level_from_the_start_has_not_crossed_it() -> None:
    assert told(stored(), prices(101_00, 102_00, 100_00)) == [("k2", "down")]
    assert told(stored(), prices(100_00, 101_00)) == []
    assert told(stored(), prices(99_99, 100_00)) == [("k1", "up")], "it has come to it"


def test_a_crossing_says_what_it_was() -> None:
    (crossing,) = evaluate_all(stored(note="mind"), State(), prices(99_00, 101_00))[1]
    name = crossing_id(stored(), "k1")
    assert crossing == Crossing(name, "a", 1, "owner", "SPY", "price", "up", "10100", T0 + 1000, "mind")
    assert len({crossing_id(stored(version=v, id_=i), k) for v in (1, 2) for i in "ab" for k in ("k1", "k2")}) == 8


@pytest.mark.parametrize(
    ("session", "expected"), [("any", ["k1", "k2", "k3", "k4"]), ("regular", ["k3"]), ("extended", ["k1", "k4"])]
)
def test_what_lies_outside_the_chosen_session_is_not_looked_at(session: str, expected: list[str]) -> None:
    seen = prices(99_00, 101_00, 99_00, 101_00, 99_00)
    seen = [one._replace(regular=number in {2, 3}) for number, one in enumerate(seen)]
    assert [key for key, _ in told(stored(session=session), seen)] == expected


def test_from_its_expiry_on_a_rule_sees_nothing() -> None:
    seen = prices(99_00, 101_00, 99_00, 101_00)
    assert told(stored(expires=T0 + 3000), seen) == [("k1", "up"), ("k2", "down")]
    assert told(stored(expires=T0 + 3001), seen) == [("k1", "up"), ("k2", "down"), ("k3", "up")]


@pytest.mark.parametrize(("side", "expected"), [("either", ["k0", "k1"]), ("buy", ["k0"]), ("sell", ["k1"])])
def test_signals_of_the_chosen_side_are_told(side: Any, expected: list[str]) -> None:
    rule = stored(StrategySignal("macd_cross", "5m", side))
    said: tuple[Side, ...] = ("buy", "sell")
    seen = [one._replace(value=what) for one, what in zip(prices(0, 0), said, strict=True)]
    assert [key for key, _ in told(rule, seen)] == expected


@pytest.mark.parametrize(
    ("when", "values", "expected"),
    [
        (Move("2", 15), [0.0, 2.0, 0.0, -2.0], ["up", "down"]),
        (Move("2", 15, "up"), [0.0, 1.99, 2.5, 1.0, 2.0], ["up", "up"]),
        (Move("2", 15, "up", "1.5"), [0.0, 2.5, 1.0, 2.5, 0.4, 2.5], ["up", "up"]),
        (Move("2", 15, "down", "1.5"), [0.0, -2.5, -1.0, -2.5, -0.4, -2.5], ["down", "down"]),
        (IndicatorCross("rsi", "5m", "70", direction="up"), [60.0, 71.0, 69.0, 70.0], ["up", "up"]),
        (IndicatorCross("macd", "5m", "0"), [-0.1, 0.1, -0.1], ["up", "down"]),
        (IndicatorCross("sma", "5m", "-1.5", direction="down"), [0.0, -1.4, -1.5], ["down"]),
    ],
)
def test_other_conditions_have_levels_too(when: Any, values: list[float], expected: list[str]) -> None:
    seen = [one._replace(value=value) for one, value in zip(prices(*[0] * len(values)), values, strict=True)]
    assert [direction for _, direction in told(stored(when), seen)] == expected
