"""Events as clients read them: every field where Polygon has it, numbers to the last digit."""

import json
import logging
from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidRecord
from shared.frames import TradeRow
from shared.models.bar import Bar
from shared.models.signal import StoredSignal
from shared.polygon.events import DayFigures, bar_event, signal_event, trade_events

T0 = 1_381_239_000_000
BAR = Bar(
    t=T0, open=167_420_000_000, high=168 * 10**9, low=167_000_100_000, close=167_500_000_000,
    volume=210_500_000, vwap=1_674_205, count=3,
)  # fmt: skip
DAY = DayFigures(volume=1_000_000_000_000, vwap=1_670_000, open=166_990_000_000)
log = logging.getLogger(__name__)


def row(**changes: Any) -> TradeRow:
    fields: dict[str, Any] = {
        "t": T0,
        "q": 5,
        "x": 4,
        "trfi": 0,
        "i": "52983525029461",
        "p": "167.42",
        "s": "100",
        "c": (),
        "z": 2,
    }
    return TradeRow(**(fields | changes))


def exact(text: bytes) -> Any:
    """One event, its numbers as decimals: no digit passes through a double."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def test_a_trade_has_polygons_fields_and_leaves_out_what_it_has_not() -> None:
    assert json.loads(trade_events("SPY", [row()])) == {
        "ev": "T", "sym": "SPY", "x": 4, "i": "52983525029461", "z": 2, "p": 167.42, "s": 100, "t": T0, "q": 5,
    }  # fmt: skip


def test_conditions_and_the_reporting_facility_are_there_when_the_trade_has_them() -> None:
    event = json.loads(trade_events("SPY", [row(c=(14, 37), trfi=201)]))
    assert (event["c"], event["trfi"]) == ([14, 37], 201)


def test_a_fractional_size_is_told_as_a_number_and_as_decimal_text() -> None:
    event = exact(trade_events("SPY", [row(s="0.000042")]))
    assert (event["s"], event["ds"]) == (Decimal("0.000042"), "0.000042")


def test_several_trades_stand_beside_each_other_for_a_frame() -> None:
    text = trade_events("BRK.A", [row(q=1), row(q=2), row(q=3)])
    assert [(event["sym"], event["q"]) for event in json.loads(b"[" + text + b"]")] == [
        ("BRK.A", 1),
        ("BRK.A", 2),
        ("BRK.A", 3),
    ]


@given(
    price=st.decimals("0.000000001", "999999999", places=9),
    size=st.decimals("0", "1e12", places=6),
    identity=st.text(min_size=1, max_size=64).filter(lambda text: text.isprintable()),
)
def test_every_digit_of_price_and_size_and_every_identity_arrives(price: Decimal, size: Decimal, identity: str) -> None:
    event = exact(trade_events("SPY", [row(p=f"{price:f}", s=f"{size:f}", i=identity)]))
    assert (event["p"], event["s"], event["i"]) == (price, size, identity)


@pytest.mark.parametrize("wrong", ["NaN", "1e5", "-1", "", "1,2", "1.", '1,"x":2', "１"])
def test_what_is_no_plain_number_never_becomes_text_of_an_event(wrong: str) -> None:
    for changes in ({"p": wrong}, {"s": wrong}):
        with pytest.raises(InvalidRecord) as refused:
            trade_events("SPY", [row(**changes)])
        assert refused.value.reason == "number"
    with pytest.raises(InvalidRecord):
        signal_event(StoredSignal("a", "ema", "{}", "SPY", "5m", T0, "buy", wrong, "active", 1))


def test_a_minute_bar_has_polygons_fields_with_every_digit() -> None:
    assert exact(bar_event("AM", "SPY", BAR, DAY)) == {
        "ev": "AM", "sym": "SPY", "v": Decimal("210.5"), "dv": "210.5", "av": Decimal(1_000_000), "dav": "1000000",
        "op": Decimal("166.99"), "a": Decimal(167), "vw": Decimal("167.4205"), "o": Decimal("167.42"),
        "c": Decimal("167.5"), "h": Decimal(168), "l": Decimal("167.0001"), "z": Decimal(70),
        "s": Decimal(T0), "e": Decimal(T0 + 60_000),
    }  # fmt: skip


def test_a_second_bar_ends_a_second_later() -> None:
    event = json.loads(bar_event("A", "SPY", BAR, DAY))
    assert (event["ev"], event["s"], event["e"]) == ("A", T0, T0 + 1_000)


def test_a_bar_whose_day_is_not_known_says_nothing_of_the_day() -> None:
    event = json.loads(bar_event("AM", "SPY", BAR, None))
    assert not event.keys() & {"av", "dav", "a", "op"}
    assert event["v"] == 210.5


def test_a_bar_without_volume_has_no_vwap_and_no_average() -> None:
    event = json.loads(bar_event("AM", "SPY", BAR._replace(volume=0, vwap=None, count=0), DAY._replace(vwap=None)))
    assert not event.keys() & {"vw", "a", "z"}
    assert (event["v"], event["dv"]) == (0, "0")


@pytest.mark.parametrize(("shares", "trades", "average"), [(5, 2, 2), (7, 2, 4), (100, 3, 33), (200, 3, 67), (1, 3, 0)])
def test_the_average_size_is_whole_shares_with_ties_to_even(shares: int, trades: int, average: int) -> None:
    bar = BAR._replace(volume=shares * 10**6, count=trades)
    assert json.loads(bar_event("AM", "SPY", bar, None))["z"] == average


@pytest.mark.parametrize("client", ["polygon", "massive"])
def test_the_official_clients_read_every_field_of_trades_and_bars(client: str) -> None:
    models = import_module(f"{client}.websocket.models")
    texts = [trade_events("SPY", [row(c=(14,), trfi=201, s="0.5")]), bar_event("AM", "SPY", BAR, DAY)]
    trade, bar = models.parse([json.loads(text) for text in texts], log, models.Market.Stocks)
    assert (trade.symbol, trade.exchange, trade.id, trade.tape) == ("SPY", 4, "52983525029461", 2)
    assert (trade.price, trade.size, trade.conditions, trade.timestamp) == (167.42, 0.5, [14], T0)
    assert (trade.sequence_number, trade.trf_id) == (5, 201)
    assert (bar.symbol, bar.volume, bar.accumulated_volume, bar.official_open_price) == ("SPY", 210.5, 1e6, 166.99)
    assert (bar.open, bar.high, bar.low, bar.close, bar.vwap) == (167.42, 168, 167.0001, 167.5, 167.4205)
    assert (bar.aggregate_vwap, bar.average_size) == (167, 70)
    assert (bar.start_timestamp, bar.end_timestamp) == (T0, T0 + 60_000)
    if client == "massive":
        assert (trade.fractional_shares, bar.fractional_volume) == ("0.5", "210.5")
        assert bar.fractional_accumulated_volume == "1000000"


def test_a_signal_says_what_it_is_about_and_how_it_stands() -> None:
    signal = StoredSignal("id", "rsi", '{"n":14}', "BRK.A", "5m", T0, "sell", "167.425", "withdrawn", T0 + 7)
    assert exact(signal_event(signal)) == {
        "ev": "S", "sym": "BRK.A", "id": "id", "strategy": "rsi", "tf": "5m", "t": T0, "side": "sell",
        "p": Decimal("167.425"), "status": "withdrawn", "k": T0 + 7,
    }  # fmt: skip
