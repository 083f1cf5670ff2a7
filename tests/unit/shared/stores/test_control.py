"""The control table: one lease at a time, epochs that only grow, totals that are written and never added to."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import StoreUnavailable
from shared.stores.control import LATE_MARK_TTL_S, ControlStore, Progress
from tests.effort import examples
from tests.unit.shared.stores.conftest import TABLE, THROTTLED, answer_with_error, create_table, cut_pages, lose_answer

NOW = 1_381_260_000.0
HOUR_MS = 3_600_000


@pytest.fixture
def control(dynamodb: Any) -> ControlStore:
    create_table(dynamodb, {"pk": "S", "sk": "S"})
    return ControlStore(dynamodb, TABLE)


def test_a_free_lease_is_taken_with_the_first_epoch(control: ControlStore) -> None:
    assert control.take_lease("a", NOW, NOW + 10) == 1


def test_a_held_lease_is_refused_until_its_deadline_has_passed(control: ControlStore) -> None:
    control.take_lease("a", NOW, NOW + 10)
    assert control.take_lease("b", NOW + 9.999, NOW + 20) is None
    assert control.take_lease("b", NOW + 10, NOW + 20) is None, "at the deadline it still holds"
    assert control.take_lease("b", NOW + 10.001, NOW + 20) == 2


def test_a_refused_taker_changes_nothing(control: ControlStore) -> None:
    control.take_lease("a", NOW, NOW + 10)
    control.take_lease("b", NOW, NOW + 99)
    assert control.extend_lease("a", 1, NOW + 20)


def test_an_owner_takes_over_from_itself_at_once_with_a_new_epoch(control: ControlStore) -> None:
    """A supervisor that knows the predecessor dead gives the same name again."""
    assert control.take_lease("local", NOW, NOW + 10) == 1
    assert control.take_lease("local", NOW + 1, NOW + 11) == 2
    assert not control.extend_lease("local", 1, NOW + 30), "the predecessor's epoch is over"
    assert control.extend_lease("local", 2, NOW + 30)


def test_only_the_owner_in_its_epoch_extends_the_lease(control: ControlStore) -> None:
    epoch = control.take_lease("a", NOW, NOW + 10)
    assert epoch == 1
    assert not control.extend_lease("b", 1, NOW + 99)
    assert not control.extend_lease("a", 2, NOW + 99)
    assert control.extend_lease("a", 1, NOW + 20)
    assert control.take_lease("b", NOW + 15, NOW + 99) is None, "it was extended"


def test_a_lease_that_was_never_taken_cannot_be_extended(control: ControlStore) -> None:
    assert not control.extend_lease("a", 1, NOW + 10)
    assert not control.extend_lease("a", 0, NOW + 10)


def test_a_lease_lost_to_another_is_not_extended(control: ControlStore) -> None:
    control.take_lease("a", NOW, NOW + 10)
    control.take_lease("b", NOW + 11, NOW + 21)
    assert not control.extend_lease("a", 1, NOW + 99)
    assert control.extend_lease("b", 2, NOW + 22)


def test_a_lease_that_was_given_back_is_free_at_once(control: ControlStore) -> None:
    control.take_lease("a", NOW, NOW + 10)
    assert control.extend_lease("a", 1, 0.0)
    assert control.take_lease("b", NOW + 1, NOW + 11) == 2


def test_epochs_of_a_new_table_go_on_after_the_greatest_that_ever_was(control: ControlStore) -> None:
    control.start_epochs_after(41)
    assert control.take_lease("a", NOW, NOW + 10) == 42


@pytest.mark.fault("F42")
def test_a_lost_acknowledgement_of_a_taken_lease_leaves_one_holder_in_one_valid_epoch(
    dynamodb: Any, control: ControlStore
) -> None:
    attempts = lose_answer(dynamodb, "UpdateItem")
    epoch = control.take_lease("a", NOW, NOW + 10)
    assert len(attempts) == 2
    assert epoch == 2, "the first attempt took it, the repeat took over from itself"
    assert control.extend_lease("a", 2, NOW + 20)
    assert control.take_lease("b", NOW + 1, NOW + 9) is None


def test_a_lost_acknowledgement_of_an_extension_is_still_an_extension(dynamodb: Any, control: ControlStore) -> None:
    control.take_lease("a", NOW, NOW + 10)
    lose_answer(dynamodb, "UpdateItem")
    assert control.extend_lease("a", 1, NOW + 20)


lease_steps = st.lists(
    st.tuples(st.sampled_from(["take", "extend", "give back"]), st.sampled_from("ab"), st.integers(0, 15)), max_size=8
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lease_steps)
def test_epochs_only_grow_and_no_two_owners_hold_the_lease_at_one_time(
    dynamodb: Any, control: ControlStore, steps: list[tuple[str, str, int]]
) -> None:
    """A model of one line: who holds it, in which epoch, until when."""
    dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": "lease"}, "sk": {"S": "ingest"}})
    now, epoch = NOW, 0
    holder: str | None = None
    deadline = 0.0
    for step, owner, passed in steps:
        now += passed
        if step == "take":
            taken = control.take_lease(owner, now, now + 10)
            assert (taken is not None) == (holder in (None, owner) or deadline < now)
            if taken is not None:
                assert taken == epoch + 1
                holder, epoch, deadline = owner, taken, now + 10
        else:
            until = now + 10 if step == "extend" else 0.0
            done = control.extend_lease(owner, epoch, until)
            assert done == (owner == holder)
            deadline = until if done else deadline


COUNTS = {"state": "running", "trades_in": 10**12, "quarantined_by_reason": {"price": 3}, "late": 0, "open": True}


def test_counts_of_epochs_are_read_as_they_were_written_oldest_first(control: ControlStore) -> None:
    for epoch in (11, 2, 1):
        control.put_epoch(epoch, {**COUNTS, "epoch": epoch})
    found = [{key: value for key, value in counts.items() if key not in ("pk", "sk")} for counts in control.epochs()]
    assert found == [{**COUNTS, "epoch": epoch} for epoch in (1, 2, 11)]


def test_totals_of_an_epoch_are_replaced_and_never_added_up(dynamodb: Any, control: ControlStore) -> None:
    control.put_epoch(1, {"trades_in": 5})
    lose_answer(dynamodb, "PutItem")
    control.put_epoch(1, {"trades_in": 7})
    assert [counts["trades_in"] for counts in control.epochs()] == [7]


def test_epochs_of_many_pages_are_read_to_the_end(dynamodb: Any, control: ControlStore) -> None:
    for epoch in range(5):
        control.put_epoch(epoch, {"epoch": epoch})
    cut_pages(dynamodb, "Query", "Limit", 2)
    assert [counts["epoch"] for counts in control.epochs()] == list(range(5))


values = st.recursive(
    st.booleans() | st.integers(-(10**30), 10**30) | st.text(alphabet="aé\n7-", max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "#c"]), inner, max_size=2),
    max_leaves=5,
)


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values)
def test_any_value_of_a_record_is_read_as_it_was_written(control: ControlStore, value: Any) -> None:
    control.put_key("id", {"value": value})
    found = control.key("id")
    assert found is not None
    assert found["value"] == value
    assert type(found["value"]) is type(value)


def test_there_is_no_feed_and_no_key_until_one_is_put(control: ControlStore) -> None:
    assert control.feed() == {}
    assert control.key("id") is None
    control.put_feed({"source": "sim", "state": "running", "lost": 0})
    assert {"source": "sim", "state": "running", "lost": 0}.items() <= control.feed().items()


def test_a_key_is_known_by_its_id_alone(control: ControlStore) -> None:
    control.put_key("id1", {"hash": "12" * 32, "scopes": ["bars"], "revoked": False})
    found = control.key("id1")
    assert found is not None
    assert (found["hash"], found["scopes"], found["revoked"]) == ("12" * 32, ["bars"], False), "digits stay text"
    assert control.key("id") is None


def test_a_mark_stands_for_its_symbol_and_its_hour(control: ControlStore) -> None:
    hour = 383_677 * HOUR_MS
    control.mark_late("SPY", hour + 59 * 60_000, int(NOW))
    assert control.is_marked_late("SPY", hour, int(NOW))
    assert control.is_marked_late("SPY", hour + HOUR_MS - 1, int(NOW))
    assert not control.is_marked_late("SPY", hour - 1, int(NOW))
    assert not control.is_marked_late("SPY", hour + HOUR_MS, int(NOW))
    assert not control.is_marked_late("SP", hour, int(NOW))


def test_a_mark_expires_some_days_after_it_was_written(dynamodb: Any, control: ControlStore) -> None:
    control.mark_late("SPY", 0, int(NOW))
    (item,) = dynamodb.scan(TableName=TABLE)["Items"]
    assert item["ttl"] == {"N": str(int(NOW) + LATE_MARK_TTL_S)}
    assert control.is_marked_late("SPY", 0, int(NOW) + LATE_MARK_TTL_S - 1)
    assert not control.is_marked_late("SPY", 0, int(NOW) + LATE_MARK_TTL_S), "DynamoDB removes items days late"


CALLS: dict[str, Callable[[ControlStore], object]] = {
    "take_lease": lambda control: control.take_lease("a", NOW, NOW + 10),
    "extend_lease": lambda control: control.extend_lease("a", 1, NOW + 10),
    "put_epoch": lambda control: control.put_epoch(1, {}),
    "epochs": lambda control: list(control.epochs()),
    "put_feed": lambda control: control.put_feed({}),
    "feed": lambda control: control.feed(),
    "mark_late": lambda control: control.mark_late("SPY", 0, int(NOW)),
    "is_marked_late": lambda control: control.is_marked_late("SPY", 0, 0),
    "put_key": lambda control: control.put_key("id", {}),
    "key": lambda control: control.key("id"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
@pytest.mark.parametrize(("status", "body"), [(400, THROTTLED), (500, b"{}")], ids=["throttled", "failing"])
def test_a_table_that_goes_on_failing_is_unavailable_to_every_call(
    dynamodb: Any, control: ControlStore, call: Callable[[ControlStore], object], status: int, body: bytes
) -> None:
    attempts = [
        answer_with_error(dynamodb, operation, status, body)
        for operation in ("UpdateItem", "PutItem", "GetItem", "Query")
    ]
    with pytest.raises(StoreUnavailable, match="control table"):
        call(control)
    assert sum(map(len, attempts)) == 3, "the SDK's attempts, and no more"


def test_totals_of_signals_are_written_and_never_added_to(control: ControlStore) -> None:
    assert control.signal_counts() == {}
    control.put_signal_counts({"stored": 3, "withdrawn": 1})
    control.put_signal_counts({"stored": 4, "withdrawn": 1})
    assert control.signal_counts() == {"stored": 4, "withdrawn": 1}


def test_how_far_a_function_has_come_is_kept_with_what_came_of_it(control: ControlStore) -> None:
    assert control.progress("signals") == Progress("", 0, 0)
    assert control.through("signals") is None
    control.put_progress("signals", Progress("4" * 56, 1_381_239_060, 7))
    control.put_through("persist", "5" * 56)
    assert control.progress("signals") == Progress("4" * 56, 1_381_239_060, 7)
    assert (control.through("signals"), control.through("persist")) == ("4" * 56, "5" * 56)


def test_signals_that_were_filled_in_and_those_that_were_found_are_counted_together(control: ControlStore) -> None:
    control.put_progress("signals", Progress("49", 0, 7))
    assert control.signal_counts() == {"stored": 7}
    control.put_signal_counts({"stored": 100})
    assert control.signal_counts() == {"stored": 107}
    assert control.filled_in_signals() == 100
