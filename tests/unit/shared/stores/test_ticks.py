"""Tick chunks in a table: every trade once, in order, whatever was delivered how often."""

import random
import zlib
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto.dynamodb.models import dynamodb_backends

from shared.bars.windows import END_OF_TIME_MS
from shared.errors import StoreUnavailable
from shared.frames import Part, TradeRow
from shared.stores.ticks import CHUNK_BYTES, TTL_S, TickStore
from tests.effort import examples
from tests.unit.shared.stores.conftest import TABLE, THROTTLED, answer_with_error, create_table, cut_pages, lose_answer

T0 = 1_381_239_000_000
MINUTE = 60_000
NOW_S = 1_381_260_000
KEYS = {"sym": "S", "chunk": "S"}


@pytest.fixture
def ticks(dynamodb: Any) -> TickStore:
    create_table(dynamodb, KEYS)
    return TickStore(dynamodb, TABLE)


def row(
    n: int, t: int, *, x: int = 12, trfi: int = 0, p: str = "167.42", s: str = "210", q: int | None = None
) -> TradeRow:
    return TradeRow(t, n if q is None else q, x, trfi, str(n), p, s, (14, 41), 2)


def part(*rows: TradeRow, sym: str = "SPY") -> Part:
    return Part(1, "1-0-1", sym, rows[0].t // 1000, trades=list(rows))


def ids(rows: Sequence[TradeRow]) -> list[str]:
    return [one.i for one in rows]


def read(
    ticks: TickStore, start: int = 0, end: int = END_OF_TIME_MS, *, sym: str = "SPY", reverse: bool = False
) -> list[TradeRow]:
    return list(ticks.trades(sym, start, end, NOW_S, reverse=reverse))


def items(dynamodb: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = dynamodb.scan(TableName=TABLE)["Items"]
    return sorted(found, key=lambda item: (item["sym"]["S"], item["chunk"]["S"]))


def test_a_trade_comes_back_with_the_texts_of_its_frame(ticks: TickStore) -> None:
    odd = TradeRow(T0, 7, 4, 202, 'id "with" \\ marks', "0.000000001", "0.000001", (), 0)
    ticks.put([part(odd)], "1", NOW_S)
    assert read(ticks) == [odd]


def test_a_chunk_is_a_symbol_and_minute_of_a_batch_and_lives_for_72_hours(ticks: TickStore, dynamodb: Any) -> None:
    ticks.put(
        [part(row(1, T0)), part(row(2, T0 + MINUTE)), part(row(3, T0 + 1_000)), part(row(4, T0), sym="A")], "77", NOW_S
    )
    assert [(item["sym"]["S"], item["chunk"]["S"]) for item in items(dynamodb)] == [
        ("A", f"{T0}#77"),
        ("SPY", f"{T0}#77"),
        ("SPY", f"{T0 + MINUTE}#77"),
    ]
    assert {int(item["ttl"]["N"]) for item in items(dynamodb)} == {NOW_S + 72 * 3_600}
    lines = zlib.decompress(items(dynamodb)[1]["data"]["B"]).split(b"\n")
    assert lines[0] == f'[{T0},1,12,0,"1","167.42","210",[14,41],2]'.encode()
    assert len(lines) == 2


def test_heartbeats_and_refused_input_are_no_ticks(ticks: TickStore, dynamodb: Any) -> None:
    ticks.put([Part(1, "1-0-9", "", 7)], "1", NOW_S)
    assert items(dynamodb) == []


def test_the_same_batch_writes_the_same_items_again(ticks: TickStore, dynamodb: Any) -> None:
    batch = [part(row(n, T0 + n * 7_000)) for n in range(40)]
    ticks.put(batch, "5", NOW_S)
    before = items(dynamodb)
    ticks.put(batch, "5", NOW_S)
    assert items(dynamodb) == before


def test_a_range_has_its_start_and_not_its_end_and_one_symbol_only(ticks: TickStore) -> None:
    ticks.put([part(row(n, T0 + n)) for n in range(5)] + [part(row(9, T0 + 2), sym="SPYG")], "1", NOW_S)
    assert ids(read(ticks, T0 + 1, T0 + 3)) == ["1", "2"]
    assert ids(read(ticks, T0 + 1, T0 + 3, reverse=True)) == ["2", "1"]
    assert read(ticks, T0 + 3, T0 + 3) == []
    assert read(ticks, T0 + 5) == []


def test_a_trade_that_came_late_has_its_place_among_those_of_its_minute(ticks: TickStore) -> None:
    ticks.put([part(row(1, T0)), part(row(3, T0 + 2_000)), part(row(4, T0 + MINUTE))], "1", NOW_S)
    ticks.put([part(row(2, T0 + 1_000)), part(row(5, T0 + 2 * MINUTE))], "2", NOW_S)
    assert ids(read(ticks)) == ["1", "2", "3", "4", "5"]
    assert ids(read(ticks, reverse=True)) == ["5", "4", "3", "2", "1"]


def test_trades_of_one_millisecond_are_ordered_by_sequence(ticks: TickStore) -> None:
    ticks.put([part(row(1, T0, q=30), row(2, T0, q=4), row(3, T0, q=100))], "1", NOW_S)
    assert ids(read(ticks)) == ["2", "1", "3"]


def test_a_trade_in_several_chunks_comes_once_as_it_came_first(ticks: TickStore) -> None:
    ticks.put([part(row(1, T0), row(2, T0))], "1", NOW_S)
    ticks.put([part(row(2, T0, p="1"), row(3, T0))], "2", NOW_S)
    for reverse in (False, True):
        found = read(ticks, reverse=reverse)
        assert sorted(ids(found)) == ["1", "2", "3"]
        assert {one.p for one in found} == {"167.42"}


def test_trades_with_one_id_on_other_venues_are_other_trades(ticks: TickStore) -> None:
    ticks.put([part(row(1, T0), row(1, T0, x=4, trfi=201), row(1, T0, x=4, trfi=202))], "1", NOW_S)
    assert len(read(ticks)) == 3


def test_expired_chunks_are_not_read_even_while_the_table_still_has_them(ticks: TickStore) -> None:
    ticks.put([part(row(1, T0))], "1", NOW_S - TTL_S)
    ticks.put([part(row(2, T0))], "2", NOW_S - TTL_S + 1)
    assert ids(read(ticks)) == ["2"]


def test_a_chunk_that_would_be_too_large_for_an_item_is_split(ticks: TickStore, dynamodb: Any) -> None:
    draw = random.Random(7)
    rows = [TradeRow(T0 + n, n, 4, 0, f"{draw.getrandbits(250):064x}", "1.5", "1", (), 1) for n in range(20_000)]
    ticks.put([part(*rows)], "3", NOW_S)
    assert len(items(dynamodb)) > 1
    assert all(len(item["data"]["B"]) <= CHUNK_BYTES for item in items(dynamodb))
    assert ids(read(ticks)) == ids(rows)


def test_the_newest_trade_needs_one_look_at_the_end_of_a_long_table(ticks: TickStore, dynamodb: Any) -> None:
    ticks.put([part(row(n, T0 + n * MINUTE)) for n in range(200)], "1", NOW_S)
    ticks.put([part(row(999, T0 + 199 * MINUTE - 1))], "2", NOW_S)
    limits: list[int] = []
    dynamodb.meta.events.register(
        "provide-client-params.dynamodb.Query", lambda params, **_: limits.append(params["Limit"])
    )
    newest = ticks.newest("SPY", NOW_S)
    assert newest is not None
    assert newest.i == "199"
    assert limits == [4]
    assert ticks.newest("BAC", NOW_S) is None


def test_a_reader_that_stops_early_stops_the_paging(ticks: TickStore, dynamodb: Any) -> None:
    ticks.put([part(row(n, T0 + n * MINUTE)) for n in range(400)], "1", NOW_S)
    asked: list[object] = []
    dynamodb.meta.events.register("provide-client-params.dynamodb.Query", lambda **_: asked.append(1))
    trades = ticks.trades("SPY", T0, END_OF_TIME_MS, NOW_S)
    assert asked == []
    assert next(trades).i == "0"
    assert len(asked) == 1
    assert len(list(trades)) == 399
    assert len(asked) > 1


def test_a_minute_that_two_pages_share_is_put_together(ticks: TickStore, dynamodb: Any) -> None:
    for batch in range(5):
        ticks.put([part(row(10 * batch, T0 + 9 - batch)), part(row(10 * batch + 1, T0 + MINUTE))], str(batch), NOW_S)
    cut_pages(dynamodb, "Query", "Limit", 3)
    assert ids(read(ticks, end=T0 + MINUTE)) == ["40", "30", "20", "10", "0"]
    assert len(read(ticks)) == 10


def test_a_table_that_throttles_or_whose_answer_is_lost_is_the_callers_to_know(ticks: TickStore, dynamodb: Any) -> None:
    refused = answer_with_error(dynamodb, "BatchWriteItem", 400, THROTTLED)
    with pytest.raises(StoreUnavailable):
        ticks.put([part(row(1, T0))], "1", NOW_S)
    assert refused
    unheard = answer_with_error(dynamodb, "Query", 400, THROTTLED)
    with pytest.raises(StoreUnavailable):
        read(ticks)
    assert unheard


def test_a_write_whose_answer_is_lost_and_that_is_made_again_changes_nothing(ticks: TickStore, dynamodb: Any) -> None:
    attempts = lose_answer(dynamodb, "BatchWriteItem")
    ticks.put([part(row(1, T0), row(2, T0))], "1", NOW_S)
    assert len(attempts) == 2
    assert ids(read(ticks)) == ["1", "2"]


rows = st.builds(
    lambda t, q, x, trfi, i: TradeRow(T0 + t, q, x, trfi, i, "1", "1", (), 0),
    t=st.integers(0, 3 * MINUTE - 1) | st.sampled_from([0, MINUTE - 1, MINUTE]),
    q=st.integers(0, 3),
    x=st.integers(4, 5),
    trfi=st.sampled_from([0, 201]),
    i=st.sampled_from("abcdef"),
)


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(rows, max_size=6), max_size=5),
    st.integers(-5, 3 * MINUTE),
    st.integers(-5, 3 * MINUTE),
    st.data(),
)
def test_any_batches_read_in_any_range_give_each_trade_once_in_order(
    aws: Any, batches: list[list[TradeRow]], start: int, end: int, data: st.DataObject
) -> None:
    """A trade that is sent again has its time again, so one identity has one time here."""
    dynamodb_backends.reset()
    times: dict[tuple[int, int, str], int] = {}
    for batch in batches:
        for one in batch:
            one.t = times.setdefault((one.x, one.trfi, one.i), one.t)
    ticks = TickStore(create_table(aws("dynamodb"), KEYS), TABLE)
    written = list(enumerate(batches))
    for number, batch in data.draw(st.permutations(written + written[:2])):
        ticks.put([part(one) for one in batch], f"{number:056d}", NOW_S)
    first: dict[tuple[int, int, str], TradeRow] = {}
    for batch in batches:
        for one in batch:
            first.setdefault((one.x, one.trfi, one.i), one)
    expected = [one for one in first.values() if T0 + start <= one.t < T0 + end]
    expected.sort(key=lambda one: (one.t, one.q, one.x, one.trfi, one.i))
    assert read(ticks, T0 + start, T0 + end) == expected
    assert read(ticks, T0 + start, T0 + end, reverse=True) == expected[::-1]
