"""The alerts table: rules by owner and by reader, states under a condition, crossings once."""

import logging
from typing import Any, cast

import pytest

from shared.errors import InvalidRecord, StoreUnavailable
from shared.models.alert import Crossing, IndicatorCross, PriceCross, Rule, State, StoredRule
from shared.stores.alerts import KEPT_S, STATE_KEPT_S, AlertStore, Held, place_of, read_crossing
from tests.fakes.alert_rows import AlertRows
from tests.unit.shared.stores.conftest import TABLE, THROTTLED, answer_with_error, cut_pages, lose_answer

T0 = 1_381_239_000_000
NOW = 1_381_260_000_000
PRICE = Rule(ticker="SPY", when=PriceCross("170.5", "up", "0.1"), note="naïve ✓")
BARS = Rule(ticker="SPY", when=IndicatorCross("rsi", "5m", "70"), repeat="every", expires=NOW)


def stored(id_: str = "a", owner: str = "me", version: int = 1, rule: Rule = PRICE) -> StoredRule:
    return StoredRule(id_, owner, version, rule, T0, T0 + version)


def crossing(number: int = 1, owner: str = "me") -> Crossing:
    return Crossing(f"{number:024x}", "a", 1, owner, "SPY", "price", "up", "170.51", T0 + number * 1000, "x")


@pytest.fixture
def store(dynamodb: Any) -> AlertStore:
    def schema(*names: str) -> list[dict[str, str]]:
        return [{"AttributeName": name, "KeyType": role} for name, role in zip(names, ("HASH", "RANGE"), strict=True)]

    dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "group", "place")],
        KeySchema=schema("pk", "sk"),
        GlobalSecondaryIndexes=[
            {"IndexName": "groups", "KeySchema": schema("group", "place"), "Projection": {"ProjectionType": "ALL"}}
        ],
    )
    return AlertStore(dynamodb, TABLE)


@pytest.fixture(params=["table", "fake"])
def rows(request: pytest.FixtureRequest) -> AlertStore:
    """The same rules hold for the table and for the fake that other tests use."""
    return cast(AlertStore, request.getfixturevalue("store") if request.param == "table" else AlertRows())


def test_a_rule_is_read_as_it_was_written_by_its_owner_and_its_reader(rows: AlertStore) -> None:
    assert rows.rule("me", "a") is None
    for one in (stored(), stored("b", rule=BARS), stored("c", "you")):
        assert rows.put_rule(one)
        assert not rows.put_rule(one), "it is there"
    assert rows.rule("me", "b") == stored("b", rule=BARS)
    assert rows.rule("me", "c") is None, "another's"
    assert list(rows.rules_of("me")) == [stored(), stored("b", rule=BARS)]
    assert list(rows.rules_of("me", after="a")) == [stored("b", rule=BARS)]
    assert sorted(rows.rules_for("live")) == [stored(), stored("c", "you")]
    assert rows.rules_for("signals") == [stored("b", rule=BARS)]


def test_a_change_takes_the_place_of_the_version_before_it_and_of_no_other(rows: AlertStore) -> None:
    assert not rows.put_rule(stored(version=2)), "there is none to change"
    rows.put_rule(stored())
    assert not rows.put_rule(stored(version=3))
    assert rows.put_rule(stored(version=2, rule=BARS))
    assert not rows.put_rule(stored(version=2))
    assert rows.rules_for("signals") == [stored(version=2, rule=BARS)]
    assert rows.rules_for("live") == []


UNREADABLE = [
    ("rule", {"S": '{"ticker":"SPY","when":{"type":"price","level":"170.5"},"weekdays":[1]}'}),
    ("rule", {"S": '{"ticker":"SPY","when":{"type":"volume","level":"5"}}'}),
    ("rule", {"S": '{"ticker":"SPY"'}),
    ("created_ms", None),
]


@pytest.mark.parametrize(("name", "value"), UNREADABLE, ids=["a new field", "a new type", "cut off", "a field lost"])
def test_a_rule_that_cannot_be_read_stands_in_nobodys_way(
    store: AlertStore, dynamodb: Any, name: str, value: dict[str, str] | None, caplog: pytest.LogCaptureFixture
) -> None:
    """As when the API is deployed before the functions that evaluate, or those are rolled back."""
    for one in (stored(), stored("b"), stored("c")):
        store.put_rule(one)
    item = dynamodb.get_item(TableName=TABLE, Key={"pk": {"S": "rule#me"}, "sk": {"S": "b"}})["Item"]
    changed = {**item, name: value} if value else {key: text for key, text in item.items() if key != name}
    dynamodb.put_item(TableName=TABLE, Item=changed)
    counted: list[int] = []
    other = AlertStore(dynamodb, TABLE, lambda: counted.append(1))
    log = logging.getLogger("alerts.store")
    log.addHandler(caplog.handler)
    for _ in range(3):
        assert other.rules_for("live") == list(other.rules_of("me")) == [stored(), stored("c")]
    log.removeHandler(caplog.handler)
    assert [record.fields["rule"] for record in caplog.records] == ["b"], "told once"  # type: ignore[attr-defined]
    assert len(counted) == 1
    with pytest.raises(InvalidRecord, match="not a rule"):
        other.rule("me", "b")
    assert other.remove_rule("me", "b", NOW // 1000), "its owner can remove it"
    assert other.rule("me", "b") is None


def test_a_removed_rule_is_gone_and_stays_gone(rows: AlertStore) -> None:
    rows.put_rule(stored())
    assert not rows.remove_rule("you", "a", NOW // 1000)
    assert rows.remove_rule("me", "a", NOW // 1000)
    assert not rows.remove_rule("me", "a", NOW // 1000)
    assert (rows.rule("me", "a"), list(rows.rules_of("me")), rows.rules_for("live")) == (None, [], [])
    assert not rows.put_rule(stored())
    assert not rows.put_rule(stored(version=2))


def test_a_state_follows_the_one_before_it(rows: AlertStore) -> None:
    assert rows.state("a", 1) == Held()
    first = Held(State("u", "000-1", T0, -1, done=False), (), 1, NOW)
    second = Held(State("", "000-2", T0 + 1, T0 + 1, done=True), (crossing(),), 2, NOW + 1)
    assert not rows.put_state("a", 1, second)
    assert rows.put_state("a", 1, first)
    assert not rows.put_state("a", 1, first), "another has written it"
    assert rows.put_state("a", 1, second)
    assert rows.state("a", 1) == second
    assert rows.state("a", 2) == Held(), "each version has its own"


def test_a_state_is_removed_long_after_it_was_last_written(store: AlertStore, dynamodb: Any) -> None:
    store.put_state("a", 1, Held(State("u"), (), 1, NOW))
    key = {"pk": {"S": "state#a"}, "sk": {"S": f"{1:010d}"}}
    item = dynamodb.get_item(TableName=TABLE, Key=key)["Item"]
    assert int(item["ttl"]["N"]) == NOW // 1000 + STATE_KEPT_S
    dynamodb.put_item(TableName=TABLE, Item={name: item[name] for name in ("pk", "sk", "state", "fired", "rev")})
    assert store.state("a", 1) == Held(State("u"), (), 1, 0), "one of an earlier release"


@pytest.mark.parametrize(("name", "text"), [("state", '["u","",1,-1,false,"new"]'), ("state", "{}"), ("fired", "[[]]")])
def test_a_state_that_cannot_be_read_is_told_of_once(store: AlertStore, dynamodb: Any, name: str, text: str) -> None:
    store.put_state("a", 1, Held(State("u"), (), 1, NOW))
    (item,) = dynamodb.scan(TableName=TABLE)["Items"]
    dynamodb.put_item(TableName=TABLE, Item={**item, name: {"S": text}})
    counted: list[int] = []
    other = AlertStore(dynamodb, TABLE, lambda: counted.append(1))
    for _ in range(2):
        with pytest.raises(InvalidRecord, match="not a state"):
            other.state("a", 1)
    assert counted == [1]


def test_a_crossing_is_stored_once_and_keeps_when_it_was_first_known(rows: AlertStore) -> None:
    assert rows.put_crossing(crossing(), NOW)
    assert not rows.put_crossing(crossing(), NOW + 5)
    (held,) = rows.crossings_of("me", NOW // 1000)
    assert held == (crossing(), NOW)
    assert list(rows.fired_since(NOW)) == [held]


def test_crossings_come_by_event_time_from_any_place_in_either_order(rows: AlertStore) -> None:
    for number in range(1, 6):
        rows.put_crossing(crossing(number), NOW - number)
    rows.put_crossing(crossing(9, "you"), NOW)
    newest = list(rows.crossings_of("me", NOW // 1000))
    assert [one.crossing for one in newest] == [crossing(number) for number in (5, 4, 3, 2, 1)]
    oldest = list(rows.crossings_of("me", NOW // 1000, reverse=False))
    assert oldest == newest[::-1]
    place = place_of(newest[1])
    assert list(rows.crossings_of("me", NOW // 1000, after=place)) == newest[2:]
    assert list(rows.crossings_of("me", NOW // 1000, after=place, reverse=False)) == newest[:1]


def test_crossings_past_their_time_are_not_read_whether_they_are_still_there_or_not(rows: AlertStore) -> None:
    rows.put_crossing(crossing(), NOW)
    assert list(rows.crossings_of("me", NOW // 1000 + KEPT_S - 1))
    assert not list(rows.crossings_of("me", NOW // 1000 + KEPT_S))


def test_what_was_stored_since_a_moment_is_found_over_midnight(rows: AlertStore) -> None:
    midnight = 1_381_276_800_000
    for number, at in enumerate((midnight - 2, midnight - 1, midnight, midnight + 1)):
        rows.put_crossing(crossing(number), at)
    assert [one.known_at - midnight for one in rows.fired_since(midnight - 1)] == [-1, 0, 1]


def test_who_evaluates_a_shard_is_told_whether_it_was_the_last_one(rows: AlertStore) -> None:
    assert not rows.enter("live", "0", "p")
    assert rows.enter("live", "0", "p")
    assert not rows.enter("live", "1", "p")
    assert not rows.enter("signals", "0", "p")
    assert not rows.enter("live", "0", "q")
    assert not rows.enter("live", "0", "p")


def test_all_pages_are_read(store: AlertStore, dynamodb: Any) -> None:
    cut_pages(dynamodb, "Query", "Limit", 2)
    for number in range(5):
        store.put_rule(stored(f"r{number}"))
        store.put_crossing(crossing(number), NOW)
    assert len(list(store.rules_of("me"))) == len(store.rules_for("live")) == 5
    assert len(list(store.crossings_of("me", 0))) == len(list(store.fired_since(NOW))) == 5


def test_a_lost_answer_leaves_the_state_to_be_read_again(store: AlertStore, dynamodb: Any) -> None:
    attempts = lose_answer(dynamodb, "PutItem")
    first = Held(State("u"), (), 1)
    assert not store.put_state("a", 1, first), "the SDK has tried again, and found its own"
    assert len(attempts) == 2
    assert store.state("a", 1) == first


def test_a_table_that_refuses_is_told_as_unavailable(store: AlertStore, dynamodb: Any) -> None:
    answer_with_error(dynamodb, "PutItem", 400, THROTTLED)
    answer_with_error(dynamodb, "Query", 400, THROTTLED)
    with pytest.raises(StoreUnavailable):
        store.put_crossing(crossing(), NOW)
    with pytest.raises(StoreUnavailable):
        store.rules_for("live")


@pytest.mark.parametrize("item", [{}, {"crossing": {"S": "[]"}}, {"crossing": {"N": "1"}}])
def test_an_item_that_is_no_crossing_is_refused(item: dict[str, Any]) -> None:
    with pytest.raises(InvalidRecord, match="crossing"):
        read_crossing(item)
