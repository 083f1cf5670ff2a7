"""The speed view: writes commute, repeat without harm, and survive answers that never arrive."""

from collections.abc import Iterator
from itertools import count
from typing import Any, Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.bars.algebra import merge_all
from shared.errors import InvalidRecord, StoreUnavailable
from shared.models.bar import EMPTY, Edges, Partial
from shared.stores.bars import TTL_S, BarStore, LatePart, MinuteItem
from tests.fakes.bar_rows import BarRows
from tests.unit.shared.stores.conftest import TABLE, THROTTLED, answer_with_error, create_table, cut_pages, lose_answer

NOW_S = 1_381_260_000
MINUTE = 60_000
T = 1_381_239_000_000
Op = tuple[str, int]


def partial(trades: int, price: int = 10, at: int = T) -> Partial:
    """The partial of so many trades of one share."""
    nano = price * 10**9
    keys = [f"{at:013d}{q:012d}{nano:018d}" for q in (1, trades)]
    return Partial(keys[0], keys[1], nano, nano, trades * 10**6, trades * nano * 10**6, trades)


class Rows(Protocol):
    """What the table and its fake have in common."""

    def put_base(self, sym: str, t: int, base: Partial, now_s: int) -> bool: ...

    def put_late(self, sym: str, t: int, part_id: str, late: LatePart, now_s: int) -> bool: ...

    def minutes(self, sym: str, start: int, end: int, now_s: int, *, reverse: bool = False) -> Iterator[MinuteItem]: ...


@pytest.fixture
def store(dynamodb: Any) -> BarStore:
    create_table(dynamodb, {"sym": "S", "t": "N"})
    return BarStore(dynamodb, TABLE)


@pytest.fixture(params=["table", "fake"])
def rows(request: pytest.FixtureRequest) -> Rows:
    """The same rules hold for the table and for the fake that other tests use."""
    return request.getfixturevalue("store") if request.param == "table" else BarRows()


def minute(rows: Rows, t: int = T) -> MinuteItem:
    (item,) = rows.minutes("SPY", t, t + 1, NOW_S)
    return item


def test_a_base_is_read_as_it_was_stored(rows: Rows) -> None:
    stored = partial(3)._replace(day=Edges(high=1))
    assert rows.put_base("SPY", T, stored, NOW_S)
    assert minute(rows) == MinuteItem(T, stored, {})
    assert minute(rows).shown == stored


def test_a_base_is_replaced_only_by_one_of_an_equal_or_larger_count(rows: Rows) -> None:
    assert rows.put_base("SPY", T, partial(3), NOW_S)
    assert not rows.put_base("SPY", T, partial(2), NOW_S)
    assert minute(rows).base == partial(3)
    assert rows.put_base("SPY", T, partial(3, price=11), NOW_S)
    assert minute(rows).base == partial(3, price=11)
    assert rows.put_base("SPY", T, partial(10), NOW_S), "counts compare as numbers, not as text"
    assert minute(rows).base == partial(10)


def test_a_late_part_is_stored_once_under_its_id(rows: Rows) -> None:
    first, second = LatePart(1, partial(1)), LatePart(5, partial(2))
    assert rows.put_late("SPY", T, "1-0-1#1381239001", first, NOW_S)
    assert not rows.put_late("SPY", T, "1-0-1#1381239001", second, NOW_S)
    assert rows.put_late("SPY", T, "1-0-1#1381239002", second, NOW_S)
    assert minute(rows).late == {"1-0-1#1381239001": first, "1-0-1#1381239002": second}


def test_a_minute_may_hold_late_parts_alone(rows: Rows) -> None:
    rows.put_late("SPY", T, "1-0-1#1", LatePart(2, partial(4)), NOW_S)
    assert minute(rows).base is None
    assert minute(rows).shown == partial(4)


def test_what_is_shown_is_base_and_late_parts_together(rows: Rows) -> None:
    rows.put_base("SPY", T, partial(3), NOW_S)
    rows.put_late("SPY", T, "a#1", LatePart(1, partial(2, price=20)), NOW_S)
    assert minute(rows).shown == merge_all([partial(3), partial(2, price=20)])
    assert minute(rows).shown.high == 20 * 10**9


def test_a_base_leaves_late_parts_alone_and_late_parts_the_base(rows: Rows) -> None:
    rows.put_late("SPY", T, "a#1", LatePart(1, partial(1)), NOW_S)
    rows.put_base("SPY", T, partial(3), NOW_S)
    rows.put_late("SPY", T, "b#1", LatePart(1, partial(1)), NOW_S)
    rows.put_base("SPY", T, partial(4), NOW_S)
    assert minute(rows).base == partial(4)
    assert set(minute(rows).late) == {"a#1", "b#1"}


def test_minutes_come_in_order_from_the_start_up_to_but_not_including_the_end(rows: Rows) -> None:
    for number in (3, 0, 2, 1):
        rows.put_base("SPY", T + number * MINUTE, partial(number + 1), NOW_S)
    rows.put_base("SPYX", T, partial(9), NOW_S)

    def found(start: int, end: int, *, reverse: bool = False) -> list[int]:
        items = rows.minutes("SPY", T + start, T + end, NOW_S, reverse=reverse)
        return [(item.t - T) // MINUTE for item in items]

    assert found(0, 4 * MINUTE) == [0, 1, 2, 3]
    assert found(MINUTE, 3 * MINUTE) == [1, 2]
    assert found(1, 3 * MINUTE + 1) == [1, 2, 3]
    assert found(0, 4 * MINUTE, reverse=True) == [3, 2, 1, 0]
    assert found(4 * MINUTE, 5 * MINUTE) == []


operations = st.one_of(
    st.tuples(st.just("base"), st.integers(1, 4)),
    st.tuples(st.just("late"), st.integers(1, 3)),
)


def apply(rows: Rows, t: int, operation: Op) -> None:
    """Writes as they come: an engine's partial of a count is always the same, and so is a part of an id."""
    kind, number = operation
    if kind == "base":
        rows.put_base("SPY", t, partial(number), NOW_S)
    else:
        rows.put_late("SPY", t, f"1-0-{number}#7", LatePart(number, partial(number, price=20 + number)), NOW_S)


fresh_minutes = count(T, MINUTE)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(operations, min_size=1, max_size=6).flatmap(lambda ops: st.tuples(st.just(ops), st.permutations(ops))))
def test_writes_give_the_same_minute_in_any_order_and_however_often_they_are_repeated(
    rows: Rows, drawn: tuple[list[Op], list[Op]]
) -> None:
    once, shuffled = drawn
    t = next(fresh_minutes)
    for operation in [*shuffled, *once[:2]]:
        apply(rows, t, operation)
    bases = [number for kind, number in once if kind == "base"]
    late = {number for kind, number in once if kind == "late"}
    assert minute(rows, t) == MinuteItem(
        t,
        partial(max(bases)) if bases else None,
        {f"1-0-{number}#7": LatePart(number, partial(number, price=20 + number)) for number in late},
    )


def test_a_query_of_many_pages_is_read_to_its_end(dynamodb: Any, store: BarStore) -> None:
    for number in range(5):
        store.put_base("SPY", T + number * MINUTE, partial(1), NOW_S)
    cut_pages(dynamodb, "Query", "Limit", 2)
    assert [item.t for item in store.minutes("SPY", T, T + 9 * MINUTE, NOW_S)] == [T + n * MINUTE for n in range(5)]
    backwards = [item.t for item in store.minutes("SPY", T, T + 9 * MINUTE, NOW_S, reverse=True)]
    assert backwards == [T + n * MINUTE for n in reversed(range(5))]


def test_expired_minutes_are_left_out_though_the_table_still_has_them(store: BarStore) -> None:
    store.put_base("SPY", T, partial(1), NOW_S)
    store.put_late("SPY", T + MINUTE, "a#1", LatePart(1, partial(1)), NOW_S + 10)
    last = NOW_S + TTL_S

    def found(now_s: int) -> list[int]:
        return [item.t for item in store.minutes("SPY", T, T + 2 * MINUTE, now_s)]

    assert found(last - 1) == [T, T + MINUTE]
    assert found(last) == [T + MINUTE]
    assert found(last + 10) == []


def test_a_stored_number_is_text_so_that_no_digit_is_lost(dynamodb: Any, store: BarStore) -> None:
    store.put_base("SPY", T, Partial(volume=1, notional=10**40 + 1, count=1), NOW_S)
    (item,) = dynamodb.scan(TableName=TABLE)["Items"]
    assert "S" in item["base"]
    assert item["n"] == {"N": "1"}
    assert minute(store).shown.notional == 10**40 + 1


@pytest.mark.parametrize("times", [1, 2])
def test_a_lost_acknowledgement_of_a_base_gives_one_effect(dynamodb: Any, store: BarStore, times: int) -> None:
    attempts = lose_answer(dynamodb, "UpdateItem", times)
    assert store.put_base("SPY", T, partial(3), NOW_S), "an equal count wins, so the repeat does too"
    assert len(attempts) == times + 1
    assert minute(store) == MinuteItem(T, partial(3), {})


@pytest.mark.parametrize("times", [1, 2])
def test_a_lost_acknowledgement_of_a_late_part_gives_one_effect(dynamodb: Any, store: BarStore, times: int) -> None:
    attempts = lose_answer(dynamodb, "UpdateItem", times)
    store.put_late("SPY", T, "a#1", LatePart(1, partial(3)), NOW_S)
    assert len(attempts) == times + 2, "the map, then the part"
    assert minute(store) == MinuteItem(T, None, {"a#1": LatePart(1, partial(3))})


def test_a_lost_acknowledgement_of_the_part_itself_gives_one_effect(dynamodb: Any, store: BarStore) -> None:
    store.put_late("SPY", T, "a#1", LatePart(1, partial(1)), NOW_S)
    attempts = lose_answer(dynamodb, "UpdateItem", 3)
    with pytest.raises(StoreUnavailable):
        store.put_late("SPY", T, "b#1", LatePart(1, partial(2)), NOW_S)
    assert len(attempts) == 3, "the budget of attempts"
    store.put_late("SPY", T, "b#1", LatePart(1, partial(2)), NOW_S)
    assert set(minute(store).late) == {"a#1", "b#1"}
    assert minute(store).shown.count == 3


def test_a_base_whose_acknowledgements_are_all_lost_is_reported_and_harmless_to_repeat(
    dynamodb: Any, store: BarStore
) -> None:
    lose_answer(dynamodb, "UpdateItem", 3)
    with pytest.raises(StoreUnavailable, match="bars table"):
        store.put_base("SPY", T, partial(3), NOW_S)
    assert store.put_base("SPY", T, partial(3), NOW_S)
    assert minute(store).shown == partial(3)


def test_one_throttled_attempt_is_repeated_by_the_sdk(dynamodb: Any, store: BarStore) -> None:
    attempts = answer_with_error(dynamodb, "UpdateItem", 400, THROTTLED, times=2)
    assert store.put_base("SPY", T, partial(1), NOW_S)
    assert len(attempts) == 3


@pytest.mark.parametrize(
    ("status", "body"),
    [(400, THROTTLED), (500, b"{}"), (503, b"<html>"), (400, b'{"__type":"x#AccessDeniedException"}')],
)
def test_a_table_that_goes_on_failing_is_unavailable(dynamodb: Any, store: BarStore, status: int, body: bytes) -> None:
    for operation in ("UpdateItem", "Query"):
        answer_with_error(dynamodb, operation, status, body)
    with pytest.raises(StoreUnavailable, match="bars table"):
        store.put_base("SPY", T, partial(1), NOW_S)
    with pytest.raises(StoreUnavailable, match="bars table"):
        store.put_late("SPY", T, "a#1", LatePart(1, partial(1)), NOW_S)
    with pytest.raises(StoreUnavailable, match="bars table"):
        list(store.minutes("SPY", T, T + 1, NOW_S))


def test_a_table_that_is_not_there_is_unavailable(dynamodb: Any) -> None:
    with pytest.raises(StoreUnavailable):
        BarStore(dynamodb, "absent").put_base("SPY", T, partial(1), NOW_S)


def test_a_minute_that_cannot_be_read_is_refused_and_not_shown_as_empty(dynamodb: Any, store: BarStore) -> None:
    key = {"sym": {"S": "SPY"}, "t": {"N": str(T)}}
    dynamodb.put_item(TableName=TABLE, Item={**key, "ttl": {"N": str(NOW_S + 9)}, "base": {"S": "{}"}})
    with pytest.raises(InvalidRecord):
        minute(store)


def test_a_minute_without_anything_shows_nothing() -> None:
    assert MinuteItem(T, None, {}).shown == EMPTY
