"""The speed view: writes commute, repeat without harm, and survive answers that never arrive."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import Any, Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.bars.algebra import merge_all
from shared.errors import InvalidRecord, StoreUnavailable
from shared.models.bar import EMPTY, Edges, Partial
from shared.stores.bars import TTL_S, BarStore, LatePart, MinuteItem
from shared.stores.packed import pack
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

    def put_packed(self, hours: Iterable[tuple[str, int, bytes]], now_s: int) -> None: ...

    def minutes(self, sym: str, start: int, end: int, now_s: int, *, reverse: bool = False) -> Iterator[MinuteItem]: ...


def put_hours(rows: Rows, hours: Iterable[tuple[str, int, Mapping[int, Partial]]]) -> None:
    rows.put_packed([(sym, hour, pack(hour, minutes)) for sym, hour, minutes in hours], NOW_S)


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


@pytest.mark.fault("F41")
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


HOUR = 60 * MINUTE
HOUR_START = T - T % HOUR


def test_minutes_of_a_packed_hour_are_read_like_any_others(rows: Rows) -> None:
    packed = {HOUR_START + n * MINUTE: partial(n + 1) for n in range(60)}
    put_hours(rows, [("SPY", HOUR_START, packed), ("AAPL", HOUR_START, {HOUR_START: partial(7)})])
    found = list(rows.minutes("SPY", HOUR_START, HOUR_START + HOUR, NOW_S))
    assert found == [MinuteItem(t, one, {}) for t, one in packed.items()]
    assert [item.base for item in rows.minutes("AAPL", HOUR_START, HOUR_START + HOUR, NOW_S)] == [partial(7)]


def test_a_base_of_its_own_stands_for_the_packed_one_when_it_counts_as_many_trades(rows: Rows) -> None:
    put_hours(rows, [("SPY", HOUR_START, {HOUR_START + n * MINUTE: partial(5) for n in range(3)})])
    for n, trades in enumerate((4, 5, 6)):
        rows.put_base("SPY", HOUR_START + n * MINUTE, partial(trades, price=20), NOW_S)
    shown = [item.shown for item in rows.minutes("SPY", HOUR_START, HOUR_START + HOUR, NOW_S)]
    assert shown == [partial(5), partial(5, price=20), partial(6, price=20)]


def test_late_parts_come_on_top_of_a_packed_minute(rows: Rows) -> None:
    put_hours(rows, [("SPY", HOUR_START, {T: partial(5)})])
    rows.put_late("SPY", T, "a#1", LatePart(1, partial(2, price=20)), NOW_S)
    assert minute(rows) == MinuteItem(T, partial(5), {"a#1": LatePart(1, partial(2, price=20))})
    assert minute(rows).shown == merge_all([partial(5), partial(2, price=20)])


def test_an_hour_that_is_packed_again_replaces_what_was_there(rows: Rows) -> None:
    put_hours(rows, [("SPY", HOUR_START, {T: partial(5), T + MINUTE: partial(1)})])
    put_hours(rows, [("SPY", HOUR_START, {T: partial(2)})])
    assert [item.base for item in rows.minutes("SPY", HOUR_START, HOUR_START + HOUR, NOW_S)] == [partial(2)]


fresh_symbols = count()
minute_numbers = st.integers(0, 3).flatmap(lambda hour: st.sampled_from([0, 1, 29, 59]).map(lambda n: hour * 60 + n))
writes = st.tuples(minute_numbers, st.sampled_from(["packed", "base", "late"]), st.integers(1, 4))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(writes, max_size=12), st.integers(-30_000, HOUR * 4), st.integers(1, HOUR * 4), st.booleans())
def test_any_mixture_of_packed_and_single_minutes_is_the_plain_model_cut_to_the_range(
    rows: Rows, given_writes: list[tuple[int, str, int]], offset: int, length: int, reverse: bool
) -> None:
    sym = f"S{next(fresh_symbols)}"
    model: dict[int, dict[str, Any]] = {}
    packed: dict[int, dict[int, Partial]] = {}
    for number, kind, trades in given_writes:
        t = HOUR_START + number * MINUTE
        entry = model.setdefault(t, {"packed": 0, "base": 0, "late": set()})
        if kind == "packed":
            entry["packed"] = trades
            packed.setdefault(t - t % HOUR, {})[t] = partial(trades)
        elif kind == "base":
            entry["base"] = max(entry["base"], trades)
            rows.put_base(sym, t, partial(trades, price=20), NOW_S)
        else:
            entry["late"].add(trades)
            rows.put_late(sym, t, f"a#{trades}", LatePart(1, partial(trades, price=30)), NOW_S)
    put_hours(rows, [(sym, hour, minutes) for hour, minutes in packed.items()])

    def base_of(entry: dict[str, Any]) -> Partial | None:
        if entry["base"] and entry["base"] >= entry["packed"]:
            return partial(entry["base"], price=20)
        return partial(entry["packed"]) if entry["packed"] else None

    start, end = HOUR_START + offset, HOUR_START + offset + length
    expected = [
        MinuteItem(t, base_of(entry), {f"a#{n}": LatePart(1, partial(n, price=30)) for n in entry["late"]})
        for t, entry in sorted(model.items(), reverse=reverse)
        if start <= t < end
    ]
    assert list(rows.minutes(sym, start, end, NOW_S, reverse=reverse)) == expected


def test_packed_minutes_over_many_pages_are_read_to_their_end_in_both_directions(
    dynamodb: Any, store: BarStore
) -> None:
    hours = [HOUR_START + n * HOUR for n in range(3)]
    put_hours(store, [("SPY", hour, {hour: partial(2), hour + 9 * MINUTE: partial(3)}) for hour in hours])
    for hour in hours:
        store.put_base("SPY", hour, partial(4), NOW_S)
        store.put_base("SPY", hour + MINUTE, partial(1), NOW_S)
    expected = [(hour + n * MINUTE, count) for hour in hours for n, count in ((0, 4), (1, 1), (9, 3))]
    cut_pages(dynamodb, "Query", "Limit", 1)

    def found(*, reverse: bool) -> list[tuple[int, int]]:
        items = store.minutes("SPY", HOUR_START, HOUR_START + 3 * HOUR, NOW_S, reverse=reverse)
        return [(item.t, item.shown.count) for item in items]

    assert found(reverse=False) == expected
    assert found(reverse=True) == expected[::-1]


def test_a_packed_hour_expires_as_a_whole(store: BarStore) -> None:
    put_hours(store, [("SPY", HOUR_START, {T: partial(5), T + MINUTE: partial(5)})])
    store.put_base("SPY", T, partial(1), NOW_S + 10)
    last = NOW_S + TTL_S

    def found(now_s: int) -> list[int]:
        return [item.shown.count for item in store.minutes("SPY", HOUR_START, HOUR_START + HOUR, now_s)]

    assert found(last - 1) == [5, 5]
    assert found(last) == [1]


def test_whole_minutes_are_stored_as_bases_that_the_engine_may_replace(store: BarStore) -> None:
    store.put_minutes([("SPY", T + n * MINUTE, partial(n + 3)) for n in range(30)], NOW_S)
    assert [item.base for item in store.minutes("SPY", T, T + 30 * MINUTE, NOW_S)] == [
        partial(n + 3) for n in range(30)
    ]
    assert not store.put_base("SPY", T, partial(2), NOW_S)
    assert store.put_base("SPY", T, partial(4), NOW_S)
    assert [item.base for item in store.minutes("SPY", T, T + MINUTE, NOW_S + TTL_S - 1)] == [partial(4)]


def test_a_packed_hour_that_cannot_be_read_is_refused_and_not_shown_as_empty(dynamodb: Any, store: BarStore) -> None:
    key = {"sym": {"S": "SPY"}, "t": {"N": str(HOUR_START + 1)}}
    dynamodb.put_item(TableName=TABLE, Item={**key, "ttl": {"N": str(NOW_S + 9)}, "packed": {"B": b"not zlib"}})
    with pytest.raises(InvalidRecord):
        list(store.minutes("SPY", HOUR_START, HOUR_START + HOUR, NOW_S))


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


@pytest.mark.fault("F42")
@pytest.mark.parametrize("times", [1, 2])
def test_a_lost_acknowledgement_of_a_base_gives_one_effect(dynamodb: Any, store: BarStore, times: int) -> None:
    attempts = lose_answer(dynamodb, "UpdateItem", times)
    assert store.put_base("SPY", T, partial(3), NOW_S), "an equal count wins, so the repeat does too"
    assert len(attempts) == times + 1
    assert minute(store) == MinuteItem(T, partial(3), {})


@pytest.mark.fault("F42")
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


@pytest.mark.fault("F39")
def test_one_throttled_attempt_is_repeated_by_the_sdk(dynamodb: Any, store: BarStore) -> None:
    attempts = answer_with_error(dynamodb, "UpdateItem", 400, THROTTLED, times=2)
    assert store.put_base("SPY", T, partial(1), NOW_S)
    assert len(attempts) == 3


@pytest.mark.fault("F39")
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
