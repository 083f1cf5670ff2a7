"""The laws of the bar algebra, over partials that trades can reach."""

from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bars.algebra import (
    key_of,
    merge,
    merge_all,
    prepare,
    prepare_rows,
    present,
    present_day,
    price_of,
    row_of,
)
from shared.bars.conditions import DAY_HIGH_LOW, DAY_OPEN_CLOSE, HIGH_LOW, OPEN_CLOSE, VOLUME, effect_of
from shared.bars.scale import MAX_PRICE
from shared.bars.sessions import SessionDay
from shared.bars.windows import NEW_YORK
from shared.models.bar import EMPTY, Edges, Partial
from shared.models.trade import Trade
from tests.unit.shared.strategies import SESSIONS, partials, trades_of_a_session

OPEN_MS = int(datetime(2013, 10, 8, 9, 30, tzinfo=NEW_YORK).timestamp()) * 1000
DOLLAR, SHARE = 10**9, 10**6


def trade(t: int, q: int, price: int, size: int = 100 * SHARE, conditions: tuple[int, ...] = ()) -> Trade:
    return Trade("SPY", t, q, 4, 0, f"{t}{q}", price, size, conditions, 1)


def one_by_one(trades: list[Trade], session: SessionDay) -> Partial:
    return merge_all(prepare(each, session) for each in trades)


@given(partials(), partials())
def test_order_of_arrival_does_not_matter(a: Partial, b: Partial) -> None:
    assert merge(a, b) == merge(b, a)


@given(partials(), partials(), partials())
def test_grouping_does_not_matter(a: Partial, b: Partial, c: Partial) -> None:
    assert merge(merge(a, b), c) == merge(a, merge(b, c))


@given(partials())
def test_nothing_merged_in_changes_nothing(a: Partial) -> None:
    assert merge(a, EMPTY) == merge(EMPTY, a) == a
    assert merge_all([]) == EMPTY


@given(trades_of_a_session())
def test_trades_prepared_together_are_the_merge_of_each(drawn: tuple[SessionDay, list[Trade]]) -> None:
    session, trades = drawn
    assert prepare_rows([row_of(each, session) for each in trades]) == one_by_one(trades, session)


@given(trades_of_a_session(), st.data())
def test_any_partition_in_any_order_gives_the_same_partial(
    drawn: tuple[SessionDay, list[Trade]], data: st.DataObject
) -> None:
    session, trades = drawn
    shuffled = data.draw(st.permutations(trades))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(trades)), max_size=3)))
    groups = [shuffled[a:b] for a, b in zip([0, *cuts], [*cuts, len(trades)], strict=True)]
    prepared = [prepare_rows([row_of(each, session) for each in group]) for group in groups]
    assert reduce(merge, prepared) == one_by_one(trades, session)


def edges_of(rows: list[tuple[Trade, int]], open_close: int, high_low: int) -> Edges:
    """Price fields by their definition: first and last by (t, q), greatest and least price."""
    in_order = sorted((each for each, effect in rows if effect & open_close), key=lambda each: (each.t, each.q))
    prices = [each.price for each, effect in rows if effect & high_low]
    return Edges(
        key_of(row_of(in_order[0], SESSIONS[0])) if in_order else None,
        key_of(row_of(in_order[-1], SESSIONS[0])) if in_order else None,
        max(prices, default=None),
        min(prices, default=None),
    )


@given(trades_of_a_session())
def test_a_partial_is_what_its_definition_says_of_its_trades(drawn: tuple[SessionDay, list[Trade]]) -> None:
    session, trades = drawn
    rows = [(each, effect_of(each.conditions, session.is_regular(each.t)) if each.size else 0) for each in trades]
    counted = [each for each, effect in rows if effect & VOLUME]
    partial = one_by_one(trades, session)
    minute = edges_of(rows, OPEN_CLOSE, HIGH_LOW)
    day = edges_of(rows, DAY_OPEN_CLOSE, DAY_HIGH_LOW)
    assert partial[:4] == minute
    assert (partial.day or Edges(*partial[:4])) == day
    assert (partial.day is None) == (day == minute), "`day` is there only where it differs"
    assert partial.volume == sum(each.size for each in counted)
    assert partial.notional == sum(each.size * each.price for each in counted)
    assert partial.count == len(counted)


@given(trades_of_a_session())
def test_a_presented_bar_holds_together(drawn: tuple[SessionDay, list[Trade]]) -> None:
    session, trades = drawn
    partial = one_by_one(trades, session)
    bar = present(session.start, partial)
    if bar is None:
        assert partial.first is None, "what has an open is shown"
        return
    assert bar.t == session.start
    assert bar.high >= max(bar.open, bar.close)
    assert bar.low <= min(bar.open, bar.close)
    assert 0 < bar.low <= bar.high <= MAX_PRICE
    assert bar.count <= len(trades)
    assert (bar.vwap is None) == (bar.volume == 0)


@given(st.integers(1, 10**30), st.integers(1, 10**18))
def test_vwap_is_rounded_half_to_even_as_decimal_rounds(notional: int, volume: int) -> None:
    key = key_of((OPEN_MS, 0, DOLLAR, 0, 0))
    bar = present(0, Partial(key, key, DOLLAR, DOLLAR, volume, notional, 1))
    with localcontext() as context:
        context.prec = 100
        dollars = Decimal(notional).scaleb(-15) / Decimal(volume).scaleb(-6)
        expected = dollars.quantize(Decimal("0.0001"), ROUND_HALF_EVEN)
    assert bar is not None
    assert bar.vwap == expected.scaleb(4)


@pytest.mark.parametrize(
    ("notional", "vwap"), [(100_025 * 10**9, 1_000_2), (100_035 * 10**9, 1_000_4), (100_025 * 10**9 + 1, 1_000_3)]
)
def test_a_vwap_half_way_goes_to_the_even_digit(notional: int, vwap: int) -> None:
    """One share at 1.00025, 1.00035 and a hair more than 1.00025 dollars is shown as 1.0002, 1.0004 and 1.0003."""
    key = key_of((OPEN_MS, 0, DOLLAR, 0, 0))
    bar = present(0, Partial(key, key, DOLLAR, DOLLAR, SHARE, notional * 10, 1))
    assert bar is not None
    assert bar.vwap == vwap


def test_open_and_close_go_by_time_then_sequence_not_by_arrival() -> None:
    late_open, close, middle = (
        trade(OPEN_MS, 2, 10 * DOLLAR),
        trade(OPEN_MS + 5, 1, 11 * DOLLAR),
        trade(OPEN_MS, 3, 99 * DOLLAR),
    )
    bar = present(OPEN_MS, one_by_one([close, middle, late_open], SESSIONS[0]))
    assert bar is not None
    assert (bar.open, bar.high, bar.low, bar.close) == (10 * DOLLAR, 99 * DOLLAR, 10 * DOLLAR, 11 * DOLLAR)


def test_a_late_trade_can_change_the_open_but_not_the_close() -> None:
    seen = one_by_one([trade(OPEN_MS + 10, 5, 10 * DOLLAR)], SESSIONS[0])
    bar = present(OPEN_MS, merge(seen, prepare(trade(OPEN_MS + 9, 4, 12 * DOLLAR), SESSIONS[0])))
    assert bar is not None
    assert (bar.open, bar.close) == (12 * DOLLAR, 10 * DOLLAR)


@given(trades_of_a_session(min_size=2, max_size=2))
def test_keys_sort_as_time_sequence_and_price(drawn: tuple[SessionDay, list[Trade]]) -> None:
    session, (a, b) = drawn
    key_a, key_b = key_of(row_of(a, session)), key_of(row_of(b, session))
    assert (key_a < key_b) == ((a.t, a.q, a.price) < (b.t, b.q, b.price))
    assert len(key_a) == 43
    assert price_of(key_a) == a.price


def test_the_greatest_fields_still_fit_their_places_in_a_key() -> None:
    key = key_of((10**13 - 1, 10**12 - 1, MAX_PRICE, 0, 0))
    assert key == "9" * 43
    assert price_of(key) == MAX_PRICE


@pytest.mark.parametrize("conditions", [(), (12,), (37,), (999,)])
@pytest.mark.parametrize("session", SESSIONS)
def test_a_trade_of_no_shares_updates_nothing(conditions: tuple[int, ...], session: SessionDay) -> None:
    for t in (session.regular_open, session.start):
        assert prepare(trade(t, 1, DOLLAR, 0, conditions), session) == EMPTY


def test_an_odd_lot_alone_is_kept_for_merging_and_not_shown() -> None:
    odd_lot = prepare(trade(OPEN_MS, 1, 10 * DOLLAR, SHARE, (37,)), SESSIONS[0])
    assert present(OPEN_MS, odd_lot) is None
    whole = merge(odd_lot, prepare(trade(OPEN_MS, 2, 20 * DOLLAR, SHARE), SESSIONS[0]))
    bar = present(OPEN_MS, whole)
    assert bar is not None
    assert (bar.open, bar.low, bar.volume, bar.vwap, bar.count) == (20 * DOLLAR, 20 * DOLLAR, 2 * SHARE, 150_000, 2)


def test_a_bar_without_volume_has_no_vwap() -> None:
    """Condition 38, a corrected consolidated close, sets prices and no volume."""
    bar = present(OPEN_MS, prepare(trade(OPEN_MS, 1, 10 * DOLLAR, SHARE, (38,)), SESSIONS[0]))
    assert bar is not None
    assert (bar.volume, bar.vwap, bar.count) == (0, None, 0)


def test_extended_hours_trades_make_the_minute_and_leave_the_day_to_regular_ones() -> None:
    session = SESSIONS[0]
    early = prepare(trade(session.regular_open - 1, 1, 50 * DOLLAR, SHARE, (12,)), session)
    assert early.day == Edges()
    assert early.high == 50 * DOLLAR
    regular = prepare(trade(session.regular_open, 1, 40 * DOLLAR, SHARE), session)
    assert regular.day is None
    both = merge(early, regular)
    assert both.day == Edges(regular.first, regular.last, 40 * DOLLAR, 40 * DOLLAR)
    assert (both.high, both.volume) == (50 * DOLLAR, 2 * SHARE)


@given(trades_of_a_session())
def test_a_days_bar_has_prices_of_trades_that_count_for_the_day_and_the_volume_of_all(
    drawn: tuple[SessionDay, list[Trade]],
) -> None:
    """Design, section 5: the merge of the trade date's minutes over the day fields, all volume. By hand here."""
    session, trades = drawn
    minutes: dict[int, Partial] = {}
    for one in trades:
        minutes[one.t // 60_000] = merge(minutes.get(one.t // 60_000, EMPTY), prepare(one, session))
    effects = [(one, effect_of(one.conditions, session.is_regular(one.t))) for one in trades if one.size]
    ends = sorted((one.t, one.q, one.price) for one, effect in effects if effect & DAY_OPEN_CLOSE)
    prices = [one.price for one, effect in effects if effect & DAY_HIGH_LOW]
    volume = sum(one.size for one, effect in effects if effect & VOLUME)
    bar = present_day(session.start, merge_all(minutes.values()))
    if not ends or not prices:
        assert bar is None
        return
    assert bar is not None
    assert (bar.t, bar.open, bar.close) == (session.start, ends[0][2], ends[-1][2])
    assert (bar.high, bar.low, bar.volume) == (max(prices), min(prices), volume)


def test_a_day_of_extended_hours_alone_has_no_bar_yet() -> None:
    session = SESSIONS[0]
    early = prepare(trade(session.regular_open - 1, 1, 50 * DOLLAR, SHARE, (12,)), session)
    assert present_day(session.start, early) is None
    whole = merge(early, prepare(trade(session.regular_open, 1, 40 * DOLLAR, SHARE), session))
    bar = present_day(session.start, whole)
    assert bar is not None
    assert (bar.open, bar.high, bar.close, bar.volume) == (40 * DOLLAR, 40 * DOLLAR, 40 * DOLLAR, 2 * SHARE)


@given(trades_of_a_session(min_size=1))
def test_merging_is_not_idempotent_so_repeated_parts_must_be_dropped_first(
    drawn: tuple[SessionDay, list[Trade]],
) -> None:
    session, trades = drawn
    partial = one_by_one(trades, session)
    twice = merge(partial, partial)
    assert (twice.volume, twice.notional, twice.count) == (
        2 * partial.volume,
        2 * partial.notional,
        2 * partial.count,
    )
    assert twice[:4] == partial[:4]
