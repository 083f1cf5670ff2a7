"""Trades of a second are a function of the second, and such as a tape reports."""

import json
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_dev.simulator.instruments import INSTRUMENTS
from local_dev.simulator.market import SYMBOLS, Market
from local_dev.simulator.trades import CONDITIONS, LATEST_MS, Trade, Trades
from shared.bars.conditions import UNKNOWN, effect_of
from shared.polygon.trades import events_decoder, trade_of

NOW_S = 1_764_083_000
SPAN_S = 400
MARKET = Market(7)
TRADES = Trades(MARKET)


@pytest.fixture(scope="module")
def sample() -> list[Trade]:
    return TRADES.between(NOW_S, NOW_S + SPAN_S)


@pytest.fixture(scope="module")
def events(sample: list[Trade]) -> list[dict[str, Any]]:
    return [json.loads(trade.line) for trade in sample]


def of_each_symbol(sample: list[Trade]) -> Iterator[list[Trade]]:
    for number in range(len(SYMBOLS)):
        yield [trade for trade in sample if trade.symbol == number]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 20), min_size=1, max_size=4), st.integers(0, 2_000_000))
def test_a_range_made_in_pieces_is_the_range_made_at_once(lengths: list[int], offset: int) -> None:
    begin = NOW_S + offset
    cuts = np.cumsum([begin, *lengths]).tolist()
    pieces = [trade for first, end in pairwise(cuts) for trade in Trades(Market(7)).between(first, end)]
    assert sorted(pieces) == sorted(TRADES.between(begin, cuts[-1]))


def test_a_symbol_alone_has_the_trades_that_it_has_among_all(sample: list[Trade]) -> None:
    for number, trades in enumerate(of_each_symbol(sample)):
        assert TRADES.between(NOW_S, NOW_S + SPAN_S, [number]) == trades


def test_another_seed_gives_other_trades_and_no_seconds_give_none(sample: list[Trade]) -> None:
    assert Trades(Market(8)).between(NOW_S, NOW_S + 60) != TRADES.between(NOW_S, NOW_S + 60)
    assert TRADES.between(NOW_S, NOW_S) == []


def test_every_trade_is_one_for_the_ingester(sample: list[Trade], events: list[dict[str, Any]]) -> None:
    decoded = events_decoder.decode(b"[" + b",".join(trade.line for trade in sample) + b"]")
    for made, event, raw in zip(sample, decoded, events, strict=True):
        trade = trade_of(event)
        assert (trade.sym, trade.t, trade.i) == (SYMBOLS[made.symbol], made.t_ms, str(made.row))
        assert trade.tape == INSTRUMENTS[made.symbol].tape
        assert trade.conditions == tuple(raw.get("c", ()))
        assert trade.size > 0


def test_every_condition_has_a_rule() -> None:
    for ids in CONDITIONS:
        assert not effect_of(ids, True) & UNKNOWN


def test_between_40_and_120_trades_come_in_a_second(sample: list[Trade]) -> None:
    assert 40 < len(sample) / SPAN_S < 120


def test_ten_times_the_activity_is_ten_times_the_trades(sample: list[Trade]) -> None:
    busy = Trades(Market(7, 10.0)).between(NOW_S, NOW_S + 60)
    usual = [trade for trade in sample if trade.t_ms < (NOW_S + 60) * 1000]
    assert 8 < len(busy) / len(usual) < 12


def test_sequence_numbers_and_rows_rise_with_time_and_name_one_trade(
    sample: list[Trade], events: list[dict[str, Any]]
) -> None:
    sequence = {trade.row: event["q"] for trade, event in zip(sample, events, strict=True)}
    for trades in of_each_symbol(sample):
        by_time = sorted(trades, key=lambda trade: (trade.t_ms, sequence[trade.row]))
        assert all(a.row < b.row and sequence[a.row] < sequence[b.row] for a, b in pairwise(by_time))
    assert len({(event["sym"], event["x"], event.get("trfi"), event["i"]) for event in events}) == len(events)


def test_prices_stand_about_the_middle_in_cents_and_off_exchange_sometimes_between_them(
    sample: list[Trade], events: list[dict[str, Any]]
) -> None:
    symbols, times = (np.array(column) for column in zip(*((t.symbol, t.t_ms) for t in sample), strict=True))
    middle = MARKET.mid(symbols, times)
    for event, mid, number in zip(events, middle.tolist(), symbols.tolist(), strict=True):
        assert abs(event["p"] - mid) <= (INSTRUMENTS[number].spread / 2 + 1.5) / 100
        in_cents = abs(event["p"] * 100 - round(event["p"] * 100)) < 1e-6
        assert in_cents or event["x"] == 4
    sub_penny = sum(abs(e["p"] * 100 - round(e["p"] * 100)) > 1e-6 for e in events)
    assert 0.03 < sub_penny / len(events) < 0.2


def test_off_exchange_trades_name_their_trf_and_others_none(events: list[dict[str, Any]]) -> None:
    off = [event for event in events if event["x"] == 4]
    assert 0.3 < len(off) / len(events) < 0.45
    assert {event["trfi"] for event in off} == {201, 202}
    assert not any("trfi" in event for event in events if event["x"] != 4)
    assert len({event["x"] for event in events}) > 8


def test_odd_lots_say_so_and_round_lots_do_not(events: list[dict[str, Any]]) -> None:
    for event in events:
        assert (37 in event.get("c", ())) == (event["s"] < 100)
    odd = sum(event["s"] < 100 for event in events)
    assert 0.4 < odd / len(events) < 0.7


def test_fractions_of_a_share_are_off_exchange_and_come_as_text_too(events: list[dict[str, Any]]) -> None:
    fractions = [event for event in events if "ds" in event]
    assert 0.005 < len(fractions) / len(events) < 0.05
    for event in events:
        assert ("ds" in event) == (event["s"] != int(event["s"]))
    assert all(event["x"] == 4 and event["ds"] == repr(event["s"]) for event in fractions)


def test_the_usual_conditions_occur_and_some_rare_ones(events: list[dict[str, Any]]) -> None:
    kinds = Counter(tuple(event.get("c", ())) for event in events)
    assert set(kinds) == set(CONDITIONS)
    assert kinds[()] + kinds[37,] + kinds[14,] + kinds[14, 37, 41] > 0.8 * len(events)
    assert 0 < kinds[12,] < 0.01 * len(events)


def test_most_arrive_at_once_some_out_of_order_and_a_few_late(
    sample: list[Trade], events: list[dict[str, Any]]
) -> None:
    delays = [trade.due_ms - trade.t_ms for trade in sample]
    late = [n for n, delay in enumerate(delays) if delay > 1_501]
    assert min(delays) > 0
    assert np.median(delays) < 25
    assert 0.005 < sum(25 < delay <= 1_501 for delay in delays) / len(delays) < 0.04
    assert 0.0003 < len(late) / len(delays) < 0.003
    assert all(10_000 <= delays[n] <= LATEST_MS and events[n]["x"] == 4 for n in late)


def test_a_halt_of_a_symbol_is_a_hole_in_its_trades() -> None:
    symbol = np.zeros(30 * 86_400 // 10, np.int64)
    seconds = np.arange(NOW_S, NOW_S + 30 * 86_400, 10)
    halted = seconds[MARKET.is_halted(symbol, seconds * 1000)]
    first = int(halted[0])
    assert TRADES.between(first + 1, first + 90, [0]) == []
    assert TRADES.between(first - 120, first - 10, [0]) != []
    assert TRADES.between(first + 400, first + 520, [0]) != []
