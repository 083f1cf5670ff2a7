"""The merged read, on the table and on its stand-in in memory."""

from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest
from moto import mock_aws

from shared.errors import StoreUnavailable
from shared.models.bar import Partial
from shared.stores.bars import TTL_S, BarStore, LatePart
from shared.stores.history import History
from tests.fakes.bar_rows import BarRows

T0 = 1_381_239_000_000
MINUTE = 60_000
END = T0 + 1_000 * MINUTE
NOW_S = 1_381_260_000


class Table(BarStore):
    """The `bars` table in moto, counting how often it is asked."""

    def __init__(self) -> None:
        dynamodb = boto3.client("dynamodb", region_name="us-east-1")
        dynamodb.create_table(
            TableName="bars",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "sym", "KeyType": "HASH"}, {"AttributeName": "t", "KeyType": "RANGE"}],
            AttributeDefinitions=[
                {"AttributeName": "sym", "AttributeType": "S"},
                {"AttributeName": "t", "AttributeType": "N"},
            ],
        )
        super().__init__(dynamodb, "bars")
        self.queries = 0
        dynamodb.meta.events.register("before-call.dynamodb.Query", self._count)

    def _count(self, **_: Any) -> None:
        self.queries += 1


class Forming:
    def __init__(self, minutes: Mapping[int, Partial]) -> None:
        self._minutes = minutes

    def unstored_minutes(self, sym: str, start: int, end: int) -> dict[int, Partial]:
        return {t: partial for t, partial in self._minutes.items() if start <= t < end and sym == "SPY"}


@pytest.fixture(params=["table", "in memory"])
def rows(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[BarStore | BarRows]:
    if request.param == "in memory":
        yield BarRows()
        return
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield Table()


def partial(t: int, count: int, cents: int = 16_742) -> Partial:
    price = cents * 10**7
    key = f"{t:013d}{count:012d}{price:018d}"
    return Partial(key, key, price, price, count * 10**8, count * 10**8 * price, count)


def read(
    rows: BarStore | BarRows,
    forming: Mapping[int, Partial] | None = None,
    start: int = T0,
    end: int = END,
    *,
    reverse: bool = False,
) -> list[tuple[int, Partial]]:
    history = History(rows, Forming(forming or {}))
    return list(history.minutes("SPY", start, end, NOW_S, reverse=reverse))


def test_stored_minutes_come_in_order_of_time_or_against_it(rows: BarStore | BarRows) -> None:
    for i in (3, 1, 2):
        rows.put_base("SPY", T0 + i * MINUTE, partial(T0 + i * MINUTE, i), NOW_S)
    rows.put_base("BAC", T0, partial(T0, 9), NOW_S)
    expected = [(T0 + i * MINUTE, partial(T0 + i * MINUTE, i)) for i in (1, 2, 3)]
    assert read(rows) == expected
    assert read(rows, reverse=True) == expected[::-1]


def test_the_start_of_a_range_is_included_and_its_end_is_not(rows: BarStore | BarRows) -> None:
    for i in range(5):
        rows.put_base("SPY", T0 + i * MINUTE, partial(T0 + i * MINUTE, 1), NOW_S)
    found = read(rows, start=T0 + MINUTE, end=T0 + 3 * MINUTE)
    assert [t for t, _ in found] == [T0 + MINUTE, T0 + 2 * MINUTE]


def test_late_parts_are_merged_into_their_minute_and_may_come_before_it(rows: BarStore | BarRows) -> None:
    rows.put_late("SPY", T0, "1-0-1#5", LatePart(1, partial(T0 + 7, 2, 16_800)), NOW_S)
    assert read(rows) == [(T0, partial(T0 + 7, 2, 16_800))]
    rows.put_base("SPY", T0, partial(T0, 3), NOW_S)
    [(_, merged)] = read(rows)
    assert (merged.count, merged.high, merged.low) == (5, 168 * 10**9, 167_420_000_000)


def test_a_larger_base_replaces_and_a_smaller_one_does_not(rows: BarStore | BarRows) -> None:
    assert rows.put_base("SPY", T0, partial(T0, 3), NOW_S)
    assert not rows.put_base("SPY", T0, partial(T0, 2), NOW_S)
    assert rows.put_base("SPY", T0, partial(T0, 4), NOW_S)
    assert read(rows) == [(T0, partial(T0, 4))]


def test_a_forming_minute_takes_its_place_among_the_stored_ones(rows: BarStore | BarRows) -> None:
    for i in (1, 4):
        rows.put_base("SPY", T0 + i * MINUTE, partial(T0 + i * MINUTE, 1), NOW_S)
    forming = {T0 + i * MINUTE: partial(T0 + i * MINUTE, 1) for i in (5, 0, 3, 2)}
    expected = [T0 + i * MINUTE for i in range(6)]
    assert [t for t, _ in read(rows, forming)] == expected
    assert [t for t, _ in read(rows, forming, reverse=True)] == expected[::-1]


def test_a_forming_minute_shows_only_with_more_trades_than_the_stored_one(rows: BarStore | BarRows) -> None:
    rows.put_base("SPY", T0, partial(T0, 5), NOW_S)
    assert read(rows, {T0: partial(T0, 4, 1)}) == [(T0, partial(T0, 5))]
    assert read(rows, {T0: partial(T0, 5, 1)}) == [(T0, partial(T0, 5))]
    assert read(rows, {T0: partial(T0, 6, 1)}) == [(T0, partial(T0, 6, 1))]


def test_a_minute_in_both_views_comes_once_in_either_direction(rows: BarStore | BarRows) -> None:
    minutes = {T0 + i * MINUTE: partial(T0 + i * MINUTE, 2) for i in range(3)}
    for t, base in minutes.items():
        rows.put_base("SPY", t, base, NOW_S)
    larger = {t: partial(t, 3) for t in minutes}
    assert read(rows, larger) == list(larger.items())
    assert read(rows, larger, reverse=True) == list(larger.items())[::-1]


def test_a_forming_minute_is_never_added_to_late_parts_that_it_may_hold_itself(rows: BarStore | BarRows) -> None:
    rows.put_base("SPY", T0, partial(T0, 5), NOW_S)
    rows.put_late("SPY", T0, "1-0-1#5", LatePart(1, partial(T0 + 7, 2)), NOW_S)
    [(_, shown)] = read(rows, {T0: partial(T0, 7, 1)})
    assert shown.count == 7
    [(_, shown)] = read(rows, {T0: partial(T0, 6, 1)})
    assert shown.count == 7


def test_expired_rows_are_not_read_even_while_the_table_still_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        table = Table()
        table.put_base("SPY", T0, partial(T0, 5), NOW_S - TTL_S - 1)
        table.put_base("SPY", T0 + MINUTE, partial(T0, 5), NOW_S)
        assert [t for t, _ in read(table)] == [T0 + MINUTE]


def test_a_reader_that_stops_early_stops_the_paging(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two pages of 1 MB are stored; the first minutes need one."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        table = Table()
        for i in range(4):
            t = T0 + i * MINUTE
            table.put_base("SPY", t, partial(t, 1), NOW_S)
            for late in range(10):  # heavy minutes: about 340 kB each
                table.put_late("SPY", t, f"{late}" + "x" * 34_000, LatePart(1, partial(t, 1)), NOW_S)
        minutes = History(table, Forming({})).minutes("SPY", T0, END, NOW_S)
        assert table.queries == 0
        assert next(minutes)[0] == T0
        assert table.queries == 1
        assert len(list(minutes)) == 3
        assert table.queries > 1


def test_a_table_that_does_not_answer_is_the_readers_to_know() -> None:
    class Down:
        def query(self, **_: Any) -> Any:
            raise StoreUnavailable("bars table")

    with pytest.raises(StoreUnavailable):
        read(BarStore(Down(), "bars"), {T0: partial(T0, 1)})
