from datetime import UTC, date, datetime, timedelta, timezone
from itertools import permutations
from typing import Any

import pytest

from shared.errors import StoreUnavailable
from shared.stores.settled import Settled, SettledStore
from tests.fakes.settled_dates import SettledDates
from tests.unit.shared.stores.conftest import TABLE, THROTTLED, answer_with_error, create_table, cut_pages, lose_answer

DAY = date(2013, 10, 8)
KNOWN = datetime(2013, 10, 9, 2, 0, tzinfo=UTC)


@pytest.fixture
def store(dynamodb: Any) -> SettledStore:
    create_table(dynamodb, {"pk": "S", "sk": "S"})
    return SettledStore(dynamodb, TABLE)


@pytest.fixture(params=["table", "in memory"])
def dates(request: pytest.FixtureRequest) -> SettledStore | SettledDates:
    """The store and its stand-in."""
    store: SettledStore = request.getfixturevalue("store")
    return store if request.param == "table" else SettledDates()


def test_a_date_is_settled_by_its_item(store: SettledStore, dynamodb: Any) -> None:
    assert store.days("1m", DAY, DAY) == {}
    assert store.settle("1m", DAY, known_at=KNOWN, source="rebuild")
    assert store.days("1m", DAY, DAY) == {DAY: Settled(KNOWN, "rebuild", KNOWN)}
    found = dynamodb.get_item(TableName=TABLE, Key={"pk": {"S": "settled#1m"}, "sk": {"S": "2013-10-08"}})
    assert found["Item"]["known_at"]["S"] == "2013-10-09T02:00:00.000000+00:00"


def test_to_settle_again_is_no_harm_and_later_knowledge_leaves_since_when_it_is_settled(
    dates: SettledStore | SettledDates,
) -> None:
    later = KNOWN + timedelta(microseconds=1)
    assert [dates.settle("1m", DAY, known_at=at, source="rebuild") for at in (KNOWN, KNOWN, later)] == [True] * 3
    assert dates.days("1m", DAY, DAY) == {DAY: Settled(later, "rebuild", KNOWN)}


def test_in_any_order_the_latest_knowledge_stands(dates: SettledStore | SettledDates) -> None:
    moments = [KNOWN + timedelta(hours=n) for n in range(3)]
    for n, order in enumerate(permutations(moments)):
        day = DAY + timedelta(days=n)
        taken = [dates.settle("1m", day, known_at=at, source=f"of {at}") for at in order]
        assert taken == [at == max(order[: i + 1]) for i, at in enumerate(order)]
        (settled,) = dates.days("1m", day, day).values()
        assert settled == Settled(moments[2], f"of {moments[2]}", order[0])


def test_knowledge_is_compared_as_times_not_as_text(store: SettledStore) -> None:
    new_york = KNOWN.astimezone(timezone(-timedelta(hours=4)))
    assert store.settle("1m", DAY, known_at=KNOWN + timedelta(seconds=1), source="utc")
    assert not store.settle("1m", DAY, known_at=new_york, source="new york")
    assert store.settle("1m", DAY, known_at=new_york + timedelta(seconds=2), source="new york")
    with pytest.raises(ValueError, match="zone"):
        store.settle("1m", DAY, known_at=datetime(2013, 10, 9), source="no zone")  # noqa: DTZ001  (the point)


def test_dates_come_in_order_with_both_ends_and_of_their_timeframe(
    dates: SettledStore | SettledDates, dynamodb: Any
) -> None:
    days = [DAY + timedelta(days=n) for n in (5, 0, 2, 90)]
    for day in days:
        dates.settle("1m", day, known_at=KNOWN, source="rebuild")
    dates.settle("1d", DAY + timedelta(days=1), known_at=KNOWN, source="vendor")
    cut_pages(dynamodb, "Query", "Limit", 1)
    assert list(dates.days("1m", DAY, DAY + timedelta(days=5))) == sorted(days)[:3]
    assert list(dates.days("1m", DAY + timedelta(days=1), DAY + timedelta(days=4))) == [DAY + timedelta(days=2)]
    assert list(dates.days("1d", DAY, DAY + timedelta(days=90))) == [DAY + timedelta(days=1)]


def test_a_lost_answer_does_not_unsettle(store: SettledStore, dynamodb: Any) -> None:
    attempts = lose_answer(dynamodb, "UpdateItem")
    assert store.settle("1m", DAY, known_at=KNOWN, source="rebuild")
    assert len(attempts) == 2
    assert list(store.days("1m", DAY, DAY)) == [DAY]


def test_a_table_that_goes_on_failing_is_unavailable(store: SettledStore, dynamodb: Any) -> None:
    for operation in ("Query", "UpdateItem"):
        answer_with_error(dynamodb, operation, 400, THROTTLED)
    with pytest.raises(StoreUnavailable):
        store.settle("1m", DAY, known_at=KNOWN, source="rebuild")
    with pytest.raises(StoreUnavailable):
        store.days("1m", DAY, DAY)


def test_the_version_is_another_after_each_change_and_the_same_until_then(store: SettledStore) -> None:
    assert store.version() == ""
    store.changed(KNOWN)
    first = store.version()
    assert first == store.version() != ""
    store.changed(KNOWN + timedelta(seconds=1))
    assert store.version() != first
    assert list(store.days("1m", date(1970, 1, 1), date(2099, 1, 1))) == [], "it is no settled date"
