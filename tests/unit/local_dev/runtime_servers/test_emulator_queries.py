"""Conditions read once and ranges compared directly: the same answers as the emulator's own reading of them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ministack.services import dynamodb

from local_dev.runtime.emulator_queries import KEY_CONDITION, quick_condition, remembering

ORIGINAL = dynamodb._evaluate_condition
TEXT = "#sym = :sym AND #t BETWEEN :start AND :last"
NAMES = {"#sym": "sym", "#t": "t"}
numbers = st.integers(-(10**13), 10**13).map(lambda value: {"N": str(value)})
texts = st.text("0129#~.aé", max_size=6).map(lambda value: {"S": value})


@given(st.data(), st.sampled_from([numbers, texts]))
def test_a_range_is_answered_as_the_emulator_answers_it(data: st.DataObject, kind: Any) -> None:
    low, high = sorted((data.draw(kind), data.draw(kind)), key=lambda value: [*value.values()])
    if "N" in low and int(low["N"]) > int(high["N"]):
        low, high = high, low
    item = {"sym": {"S": data.draw(st.sampled_from(["SPY", "BAC"]))}, "t": data.draw(kind)}
    values = {":sym": {"S": "SPY"}, ":start": low, ":last": high}
    want = ORIGINAL(TEXT, item, values, NAMES, slot=KEY_CONDITION)
    assert quick_condition(_never)(TEXT, item, values, NAMES, slot=KEY_CONDITION) == want


def _never(*_: Any) -> bool:
    raise AssertionError("asked the long way")


@pytest.mark.parametrize("text", ["#sym = :sym", "#sym = :sym AND begins_with(#t, :start)"])
def test_any_other_condition_goes_the_emulators_way(text: str) -> None:
    asked = []

    def evaluate(*arguments: Any) -> bool:
        asked.append(arguments)
        return True

    assert quick_condition(evaluate)(text, {}, {}, {}, slot=KEY_CONDITION)
    assert quick_condition(evaluate)(TEXT, {}, {}, {})
    assert len(asked) == 2


def test_what_was_read_of_a_text_is_not_shared() -> None:
    reads = []

    def read(text: str) -> list[str]:
        reads.append(text)
        return [*text]

    reader = remembering(read)
    reader("ab").append("c")
    assert reader("ab") == ["a", "b"]
    assert reads == ["ab"]
