"""The signals table: conditional writes that bear repeating, and reads by bar and by the time of the last change."""

from datetime import date
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import InvalidRecord, StoreUnavailable
from shared.models.signal import Signal, StoredSignal
from shared.stores.signals import Position, SignalStore, read_item
from tests.fakes.signal_rows import SignalRows
from tests.unit.shared.stores.conftest import TABLE, THROTTLED, answer_with_error, cut_pages, lose_answer

T0 = 1_381_239_000_000
NOW = 1_381_260_000_000
"""2013-10-08 19:20 UTC."""
DAY_MS = 86_400_000
TODAY = date(2013, 10, 8)


def signal(number: int = 1, sym: str = "SPY", **changes: Any) -> Signal:
    return Signal(
        f"{number:024x}", "macd_cross", '{"fast":12}', sym, "5m", T0 + number * 300_000, "buy", "167.42"
    )._replace(**changes)


@pytest.fixture
def store(dynamodb: Any) -> SignalStore:
    keys = {"sym": "S", "bar": "S", "day": "S", "known": "S"}

    def schema(*names: str) -> list[dict[str, str]]:
        return [{"AttributeName": name, "KeyType": role} for name, role in zip(names, ("HASH", "RANGE"), strict=True)]

    dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind in keys.items()],
        KeySchema=schema("sym", "bar"),
        GlobalSecondaryIndexes=[
            {"IndexName": "known", "KeySchema": schema("day", "known"), "Projection": {"ProjectionType": "ALL"}}
        ],
    )
    return SignalStore(dynamodb, TABLE)


@pytest.fixture(params=["table", "fake"])
def rows(request: pytest.FixtureRequest) -> SignalStore:
    """The same rules hold for the table and for the fake that other tests use."""
    return cast(SignalStore, request.getfixturevalue("store") if request.param == "table" else SignalRows())


def held(rows: SignalStore, sym: str = "SPY") -> list[StoredSignal]:
    return list(rows.of_symbol(sym, 0, 10**13))


def test_a_new_signal_is_stored_as_active_with_the_record_that_brought_it(rows: SignalStore) -> None:
    stored = rows.insert(signal(), NOW, "49")
    assert stored == StoredSignal(*signal(), "active", NOW, "49")
    assert held(rows) == [stored]
    assert stored.signal == signal()


def test_an_id_is_stored_once_and_a_second_try_is_told_how_it_stands(rows: SignalStore) -> None:
    first = rows.insert(signal(), NOW, "49")
    assert rows.insert(signal(price="1"), NOW + 5, "50") == first
    rows.withdraw(signal(), NOW + 7)
    assert rows.insert(signal(), NOW + 9, "51") == first._replace(status="withdrawn", known_at=NOW + 7)
    assert len(held(rows)) == 1


def test_a_change_moves_the_time_it_was_known_and_one_that_changes_nothing_does_not(rows: SignalStore) -> None:
    rows.insert(signal(), NOW, "49")
    assert not rows.activate(signal(), NOW + 1)
    assert rows.withdraw(signal(), NOW + 2)
    assert not rows.withdraw(signal(), NOW + 3)
    assert held(rows)[0][8:] == ("withdrawn", NOW + 2, "49")
    assert rows.activate(signal(side="sell", price="166"), NOW + DAY_MS)
    assert held(rows) == [StoredSignal(*signal(side="sell", price="166"), "active", NOW + DAY_MS, "49")]
    assert rows.activate(signal(side="sell", price="166.5"), NOW + DAY_MS + 1)


def test_the_index_finds_a_signal_at_its_last_change_only(rows: SignalStore) -> None:
    rows.insert(signal(), NOW, "49")
    rows.withdraw(signal(), NOW + DAY_MS)
    assert list(rows.known_on(TODAY, 0, 10**13)) == []
    assert [one.status for one in rows.known_on(date(2013, 10, 9), 0, 10**13)] == ["withdrawn"]


def test_past_signals_are_written_many_at_a_time_and_no_record_brought_them(rows: SignalStore) -> None:
    past = [StoredSignal(*signal(n), "active", NOW + n) for n in range(60)]
    assert rows.put_many(past) == 60
    assert held(rows) == past
    assert {one.record for one in held(rows)} == {""}


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_range_in_either_direction_and_from_any_place_is_what_sorting_gives(store: SignalStore, data: Any) -> None:
    fake = SignalRows()
    given_ = [StoredSignal(*signal(n, "SPY" if n % 4 else "BAC"), "active", NOW + n % 3) for n in range(12)]
    store.put_many(given_)
    fake.put_many(given_)
    bounds = st.integers(-1, 13)
    start, end, reverse = data.draw(bounds), data.draw(bounds), data.draw(st.booleans())
    place = data.draw(st.none() | bounds)
    by_bar = None if place is None else Position(T0 + place * 300_000, f"{max(place, 0):024x}")
    by_time = None if place is None else Position(NOW + place % 3, f"{max(place, 0):024x}")
    span = T0 + start * 300_000, T0 + end * 300_000
    assert list(store.of_symbol("SPY", *span, after=by_bar, reverse=reverse)) == list(
        fake.of_symbol("SPY", *span, after=by_bar, reverse=reverse)
    )
    known = NOW + start % 4, NOW + end % 4
    assert list(store.known_on(TODAY, *known, after=by_time, reverse=reverse)) == list(
        fake.known_on(TODAY, *known, after=by_time, reverse=reverse)
    )


def test_a_read_turns_pages(store: SignalStore, dynamodb: Any) -> None:
    store.put_many(StoredSignal(*signal(n), "active", NOW + n) for n in range(10))
    cut_pages(dynamodb, "Query", "Limit", 3)
    assert [one.known_at - NOW for one in store.known_on(TODAY, 0, 10**13)] == list(range(10))
    assert [one.known_at - NOW for one in store.of_symbol("SPY", 0, 10**13, reverse=True)] == list(range(9, -1, -1))


def test_changes_since_an_instant_come_in_order_also_over_midnight(store: SignalStore) -> None:
    midnight = NOW - NOW % DAY_MS + DAY_MS
    times = [midnight - 10, midnight - 5, midnight, midnight + 5]
    store.put_many(StoredSignal(*signal(n), "active", at) for n, at in enumerate(times))
    assert [one.known_at for one in store.known_since(midnight - 5)] == times[1:]


@pytest.mark.parametrize("change", ["withdraw", "activate"])
def test_a_write_whose_answer_was_lost_is_done_once(store: SignalStore, dynamodb: Any, change: str) -> None:
    """The SDK tries again and is told that the condition fails: by our own write."""
    lost = lose_answer(dynamodb, "PutItem")
    assert store.insert(signal(), NOW, "49") == StoredSignal(*signal(), "active", NOW, "49")
    assert len(lost) == 2
    lost = lose_answer(dynamodb, "UpdateItem")
    getattr(store, change)(signal(price="1"), NOW + 1)
    assert len(lost) == 2
    assert len(held(store)) == 1
    assert held(store)[0].known_at == NOW + 1


@pytest.mark.parametrize(
    ("operation", "call"),
    [
        ("PutItem", lambda store: store.insert(signal(), NOW, "49")),
        ("UpdateItem", lambda store: store.withdraw(signal(), NOW)),
        ("BatchWriteItem", lambda store: store.put_many([StoredSignal(*signal(), "active", NOW)])),
        ("Query", lambda store: list(store.known_since(NOW))),
    ],
)
def test_a_table_that_goes_on_failing_is_unavailable(
    operation: str, call: Any, store: SignalStore, dynamodb: Any
) -> None:
    attempts = answer_with_error(dynamodb, operation, 400, THROTTLED)
    with pytest.raises(StoreUnavailable, match="signals table"):
        call(store)
    assert len(attempts) == 3, "the SDK's attempts, and no more"


@pytest.mark.parametrize(
    "changes",
    [{"status": {"S": "odd"}}, {"side": {"S": "hold"}}, {"t": {"S": "x"}}, {"known_at": {}}, {"id": None}, {"tf": 5}],
)
def test_an_item_that_is_no_signal_is_refused(changes: dict[str, Any]) -> None:
    item = {
        name: {"N": str(value)} if isinstance(value, int) else {"S": value}
        for name, value in StoredSignal(*signal(), "active", NOW, "49")._asdict().items()
    }
    assert read_item(item).record == "49"
    with pytest.raises(InvalidRecord, match="not an item of the signals table"):
        read_item({**item, **changes})
