"""Queries of the emulator with our remedies: every answer is the one it gives without them."""

import operator
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ministack.services import dynamodb

from local_dev.runtime.emulator_queries import KeyConditions, key_condition, project, sort_key

evaluate, project_item, sort_key_value = (
    dynamodb._evaluate_condition,
    dynamodb._project_item,
    dynamodb._sort_key_value,
)
NAMES = {"#sym": "sym", "#t": "t"}
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
numbers = st.integers(-3, 3) | st.decimals(-3, 3, places=1)
texts = st.text(max_size=2)


def item(t: Any, kind: str = "N", sym: str = "SPY") -> dict[str, dict[str, str]]:
    return {"sym": {"S": sym}, "t": {kind: str(t)}, "base": {"S": "text"}}


@given(st.sampled_from(sorted(COMPARISONS)), numbers, numbers)
def test_numbers_are_compared_by_value(sign: str, t: Any, bound: Any) -> None:
    values = {":sym": {"S": "SPY"}, ":t": {"N": str(bound)}}
    fits = key_condition(f"#sym = :sym AND #t {sign} :t", values, NAMES)
    assert fits is not None
    assert fits(item(t)) == COMPARISONS[sign](t, bound)
    assert not fits(item(t, sym="AIG"))


@given(texts, texts, texts)
def test_strings_are_compared_by_their_bytes(t: str, low: str, high: str) -> None:
    values = {":sym": {"S": "SPY"}, ":low": {"S": low}, ":high": {"S": high}}
    fits = key_condition("sym = :sym AND #t BETWEEN :low AND :high", values, NAMES)
    assert fits is not None
    assert fits(item(t, "S")) == (low.encode() <= t.encode() <= high.encode())


@pytest.mark.parametrize(
    "expression",
    ["#sym = :sym AND begins_with(#t, :t)", "(#sym = :sym)", "#sym = :sym AND #t <> :t", "#sym = :sym AND NOT #t = :t"],
)
def test_a_condition_that_is_not_plain_is_left_to_the_emulator(expression: str) -> None:
    assert key_condition(expression, {":sym": {"S": "SPY"}, ":t": {"S": "1"}}, NAMES) is None


def test_the_emulator_judges_the_first_item_and_all_that_is_not_plain() -> None:
    ours = KeyConditions()
    values = {":sym": {"S": "SPY"}, ":low": {"N": "2"}, ":high": {"N": "4"}}
    expression = "#sym = :sym AND #t BETWEEN :low AND :high"
    found = [ours(expression, item(t), values, NAMES, "KeyConditionExpression") for t in range(6)]
    assert found == [False, False, True, True, True, False]
    assert found == [evaluate(expression, item(t), values, NAMES, "KeyConditionExpression") for t in range(6)]
    others = {":sym": {"S": "SPY"}, ":low": {"N": "0"}, ":high": {"N": "1"}}
    assert [ours(expression, item(t), others, NAMES, "KeyConditionExpression") for t in range(3)] == [True, True, False]
    assert ours("attribute_exists(#t)", item(1), {}, NAMES)


def test_a_condition_that_is_wrong_is_refused_as_before() -> None:
    values = {":low": {"N": "4"}, ":high": {"N": "2"}}
    with pytest.raises(ValueError, match="BETWEEN"):
        KeyConditions()("#t BETWEEN :low AND :high", item(1), values, NAMES, "KeyConditionExpression")


@pytest.mark.parametrize("projection", ["#sym, #t", "#t", "#t, #ttl", "price", "sym, price", "", "#t[0]"])
def test_a_projection_gives_what_the_emulator_gives(projection: str) -> None:
    names = NAMES | {"#ttl": "ttl"}
    assert project(item(1), projection, names) == project_item(item(1), projection, names)


@pytest.mark.parametrize("projection", ["#t, #t", "status", "sym, base", "#sym, #sym.a"])
def test_a_projection_that_is_wrong_is_refused_as_before(projection: str) -> None:
    with pytest.raises(ValueError, match="ProjectionExpression"):
        project(item(1), projection, NAMES)


@given(st.lists(numbers), st.lists(texts))
def test_a_partition_has_the_order_that_it_has_in_the_emulator(some: list[Any], words: list[str]) -> None:
    attributes = [{"N": str(number)} for number in some]
    assert sorted(attributes, key=lambda one: sort_key(one, "N")) == sorted(
        attributes, key=lambda one: sort_key_value(one, "N")
    )
    strings = [{"S": word} for word in words]
    assert [sort_key(one, "S") for one in strings] == [sort_key_value(one, "S") for one in strings]
    assert sort_key(None, "N") == sort_key_value(None, "N")
