"""Sale conditions: the frozen table is Polygon's, and lists of ids follow its rules."""

import json
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bars.conditions import (
    DAY_HIGH_LOW,
    DAY_OPEN_CLOSE,
    EVERYTHING,
    HIGH_LOW,
    NOTHING,
    OPEN_CLOSE,
    UNKNOWN,
    VOLUME,
    effect_of,
)
from tests.tools.freeze_conditions import TABLE, conditions, render

REFERENCE = Path(__file__).parents[3] / "answers/conditions.json"
RULES: dict[int, list[bool] | None] = {
    int(id_): rule for id_, rule in json.loads(TABLE.read_text())["conditions"].items()
}
NO_ID = 999
ids = st.one_of(st.sampled_from(sorted(RULES)), st.just(NO_ID), st.sampled_from([12, 13]))
lists = st.lists(ids, max_size=5).map(tuple)


def expected(listed: tuple[int, ...], regular: bool) -> int:
    """The effect by the rules as they are written: one "false" vetoes, 12 and 13 left out of extended minutes."""

    def allows(column: int, considered: tuple[int, ...]) -> bool:
        rules = [RULES.get(id_) or [False, False, True] for id_ in considered]
        return all(rule[column] for rule in rules)

    minute = listed if regular else tuple(id_ for id_ in listed if id_ not in (12, 13))
    return (
        OPEN_CLOSE * allows(0, minute)
        | HIGH_LOW * allows(1, minute)
        | VOLUME * allows(2, minute)
        | DAY_OPEN_CLOSE * allows(0, listed)
        | DAY_HIGH_LOW * allows(1, listed)
        | UNKNOWN * any(RULES.get(id_) is None for id_ in listed)
    )


def test_the_frozen_table_is_what_the_published_list_generates(published_conditions: Path) -> None:
    assert TABLE.read_text() == render(conditions(json.loads(published_conditions.read_text())))


def test_the_frozen_table_agrees_with_the_references_own_copy() -> None:
    reference = json.loads(REFERENCE.read_text())
    assert json.loads(TABLE.read_text())["conditions"] == conditions(reference)["conditions"]


@given(lists, st.booleans())
def test_a_list_has_the_effect_of_its_rules(listed: tuple[int, ...], regular: bool) -> None:
    assert effect_of(listed, regular) == expected(listed, regular)


@given(lists.flatmap(lambda listed: st.tuples(st.just(listed), st.permutations([*listed, *listed]))), st.booleans())
def test_neither_order_nor_repetition_of_ids_matters(drawn: tuple[tuple[int, ...], list[int]], regular: bool) -> None:
    listed, again = drawn
    assert effect_of(tuple(again), regular) == effect_of(listed, regular)


@given(lists, lists, st.booleans())
def test_another_id_can_only_take_effects_away(listed: tuple[int, ...], more: tuple[int, ...], regular: bool) -> None:
    fewer, all_ = effect_of(listed, regular), effect_of(listed + more, regular)
    assert all_ & EVERYTHING & ~fewer == NOTHING


@pytest.mark.parametrize("regular", [True, False])
@pytest.mark.parametrize("listed", [(), (0,), (14,), (41, 0)])
def test_an_ordinary_trade_updates_everything(listed: tuple[int, ...], regular: bool) -> None:
    assert effect_of(listed, regular) == EVERYTHING


@pytest.mark.parametrize("id_", [NO_ID, -1, 10**30, 57])
@pytest.mark.parametrize("regular", [True, False])
def test_an_id_without_a_rule_leaves_the_volume_and_is_marked(id_: int, regular: bool) -> None:
    assert effect_of((id_,), regular) == VOLUME | UNKNOWN


@pytest.mark.parametrize("id_", [12, 13])
def test_extended_hours_trades_make_minutes_but_not_the_days_prices(id_: int) -> None:
    assert effect_of((id_,), False) == OPEN_CLOSE | HIGH_LOW | VOLUME
    assert effect_of((id_,), True) == VOLUME


def test_another_conditions_veto_stands_in_extended_hours_too() -> None:
    assert effect_of((12, 37), False) == VOLUME


def test_what_sets_an_open_or_a_close_sets_high_and_low_too() -> None:
    """Otherwise a bar could close above its high."""
    rules = [rule for rule in RULES.values() if rule is not None]
    assert [rule for rule in rules if rule[0] and not rule[1]] == []
    assert len(set(chain.from_iterable(rules))) == 2
