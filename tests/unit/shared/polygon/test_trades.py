"""Trades on Polygon's wire: good shapes become exact trades, every bad value is refused with its reason."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bars.algebra import prepare
from shared.bars.conditions import UNKNOWN, VOLUME, effect_of
from shared.errors import InvalidRecord
from shared.models.bar import EMPTY
from shared.models.trade import Trade
from shared.polygon.trades import (
    TradeEvent,
    check_symbol,
    decode_page,
    decode_snapshot,
    event_of,
    event_of_rest,
    events_decoder,
    scale_price,
    scale_size,
    trade_of,
)
from tests.unit.shared.strategies import SESSIONS

T = 1381239000123
EVENT: dict[str, Any] = {
    "ev": "T",
    "sym": "SPY",
    "x": 4,
    "i": "52983525027888",
    "z": 2,
    "p": 167.42,
    "s": 100,
    "c": [14, 41],
    "t": T,
    "q": 1061,
    "trfi": 202,
    "trft": T - 3,
}
ROW: dict[str, Any] = {
    "conditions": [14, 41],
    "exchange": 4,
    "id": "52983525027888",
    "participant_timestamp": (T - 3) * 10**6,
    "price": 167.42,
    "sequence_number": 1061,
    "sip_timestamp": T * 10**6 + 456_789,
    "size": 100,
    "tape": 2,
    "trf_id": 202,
    "trf_timestamp": (T - 3) * 10**6,
}
SPY = Trade("SPY", T, 1061, 4, 202, "52983525027888", 167_420_000_000, 100_000_000, (14, 41), 2)


def reason(call: Callable[..., object], *arguments: object) -> str:
    with pytest.raises(InvalidRecord) as caught:
        call(*arguments)
    return caught.value.reason


def element(raw: bytes) -> Any:
    """An event with a field of these bytes, as Python's json lets it in."""
    return json.loads(json.dumps(EVENT).encode()[:-1] + b"," + raw + b"}")


def trade_with(raw: bytes) -> Trade:
    return trade_of(event_of(element(raw)))


def test_an_event_of_the_stream_is_its_trade_by_either_road() -> None:
    assert trade_of(event_of(EVENT)) == SPY
    assert [trade_of(event) for event in events_decoder.decode(json.dumps([EVENT, EVENT]))] == [SPY, SPY]


def test_a_row_of_the_rest_api_is_the_same_trade_in_whole_milliseconds() -> None:
    body = {"status": "OK", "results": [ROW], "next_url": "https://api.polygon.io/v3/trades/SPY?cursor=x"}
    rows, following, _ = decode_page(json.dumps(body).encode())
    assert [trade_of(event_of_rest("SPY", row)) for row in rows] == [SPY]
    assert following == body["next_url"]


def test_fields_that_may_be_absent_have_their_defaults() -> None:
    least = {key: EVENT[key] for key in ("ev", "sym", "t", "q", "x", "i", "p", "s")}
    assert trade_of(event_of(least)) == SPY._replace(trfi=0, conditions=(), tape=0)
    row = {key: ROW[key] for key in ("sip_timestamp", "sequence_number", "exchange", "id", "price", "size")}
    rows, following, _ = decode_page(json.dumps({"status": "OK", "results": [row]}).encode())
    assert trade_of(event_of_rest("SPY", rows[0])) == SPY._replace(trfi=0, conditions=(), tape=0)
    assert following is None


def test_unknown_fields_and_another_order_of_fields_do_not_matter() -> None:
    assert trade_of(event_of({"new": {"a": [1]}, **dict(reversed(EVENT.items()))})) == SPY


@pytest.mark.parametrize("name", ["ev", "sym", "t", "q", "x", "i", "p", "s"])
def test_a_field_that_makes_a_trade_may_not_be_missing(name: str) -> None:
    assert reason(event_of, {key: value for key, value in EVENT.items() if key != name}) == "shape"


WRONG_SHAPE = {
    "S05 price as text NaN": b'"p":"NaN"',
    "S05 price null": b'"p":null',
    "S05 price of 400 digits": b'"p":' + b"9" * 400,
    "S06 price true": b'"p":true',
    "S06 price as text": b'"p":"182.1"',
    "S09 size as text": b'"s":"100"',
    "S10 decimal size as a number": b'"ds":0.5',
    "S11 time in seconds": b'"t":1381239000',
    "S11 time in microseconds": b'"t":1381239000123000',
    "S11 time in nanoseconds": b'"t":1381239000123000000',
    "S13 time as text": b'"t":"1381239000123"',
    "S13 time null": b'"t":null',
    "S13 time true": b'"t":true',
    "S13 time as a float": b'"t":1381239000123.5',
    "S13 time negative": b'"t":-1381239000123',
    "S14 symbol null": b'"sym":null',
    "S14 symbol a number": b'"sym":1',
    "S19 conditions null": b'"c":null',
    "S19 conditions as text": b'"c":"14"',
    "S19 conditions of text": b'"c":["14"]',
    "S19 conditions of booleans": b'"c":[true]',
    "S19 conditions a number": b'"c":14',
    "S19 200 conditions": b'"c":[' + b",".join([b"14"] * 200) + b"]",
    "S23 half a surrogate in the id": b'"i":"\\ud800"',
    "S23 half a surrogate in the symbol": b'"sym":"\\udfff"',
    "S23 half a surrogate in the decimal size": b'"ds":"\\ud800"',
    "S24 sequence of 4,000 digits": b'"q":' + b"9" * 4_000,
    "S24 nested where a number belongs": b'"p":' + b"[" * 500 + b"]" * 500,
    "sequence negative": b'"q":-1',
    "sequence of 13 digits": b'"q":1000000000000',
    "id empty": b'"i":""',
    "id of 65 characters": b'"i":"' + b"1" * 65 + b'"',
    "id a number": b'"i":1',
    "venue missing": b'"x":null',
    "another kind of event": b'"ev":"Q"',
}


@pytest.mark.parametrize("raw", WRONG_SHAPE.values(), ids=WRONG_SHAPE.keys())
def test_a_value_of_the_wrong_shape_is_refused(raw: bytes) -> None:
    assert reason(event_of, element(raw)) == "shape"


WRONG_PRICE = {
    "S05 NaN": b'"p":NaN',
    "S05 1e400": b'"p":1e400',
    "S05 -Infinity": b'"p":-Infinity',
    "S06 zero": b'"p":0',
    "S06 negative zero": b'"p":-0.0',
    "S06 negative": b'"p":-1',
    "more than nine decimals": b'"p":182.1234567891',
    "the smallest double": b'"p":5e-324',
    "1e300": b'"p":1e300',
    "a thousand million dollars": b'"p":1000000000',
}
WRONG_SIZE = {
    "S09 negative": b'"s":-1',
    "S09 NaN": b'"s":NaN',
    "S09 1e300": b'"s":1e300',
    "S09 a million million and one": b'"s":1000000000001',
    "S10 more than six decimals": b'"ds":"0.0000001"',
    "S10 empty": b'"ds":""',
    "S10 text": b'"ds":"many"',
    "S10 NaN": b'"ds":"NaN"',
    "S10 1e400": b'"ds":"1e400"',
    "S10 1e-400": b'"ds":"1e-400"',
    "S10 negative": b'"ds":"-0.5"',
    "S10 5,000 digits": b'"ds":"' + b"9" * 5_000 + b'"',
    "S10 digits of another script": '"ds":"١"'.encode(),
    "S10 an underscore": b'"ds":"1_0"',
}


@pytest.mark.fault("F11")
@pytest.mark.parametrize("raw", WRONG_PRICE.values(), ids=WRONG_PRICE.keys())
def test_an_impossible_price_is_refused(raw: bytes) -> None:
    assert reason(trade_with, raw) == "price"


@pytest.mark.parametrize("raw", WRONG_SIZE.values(), ids=WRONG_SIZE.keys())
def test_an_impossible_size_is_refused(raw: bytes) -> None:
    assert reason(trade_with, raw) == "size"


@pytest.mark.parametrize(
    "sym", ["", "A" * 17, "A" * 40, "A\nB", "A\n", " A", "A B", "SPY\x00", "🚀", "ÄA", "A?b", "a%2F"]
)
def test_a_symbol_of_the_wrong_shape_is_refused(sym: str) -> None:
    assert reason(check_symbol, sym) == "symbol"
    assert reason(trade_of, event_of({**EVENT, "sym": sym})) == "symbol"


@pytest.mark.parametrize("sym", ["SPY", "BRK.A", "BACpL", "spy", "A/B", "ABC-WI", "Z", "A" * 16])
def test_symbols_are_taken_as_they_are_written(sym: str) -> None:
    assert trade_of(event_of({**EVENT, "sym": sym})).sym == sym


def test_a_price_below_a_cent_keeps_its_decimals() -> None:
    """S07: the trade reporting facilities print so."""
    assert trade_with(b'"p":182.123456789').price == 182_123_456_789
    assert scale_price(0.0001) == (100_000, "0.0001")


@pytest.mark.fault("F12")
def test_a_fraction_of_a_share_comes_as_decimal_text_and_wins_over_the_whole_number() -> None:
    """S10: `s` is 0 for less than a share."""
    assert trade_with(b'"s":0,"ds":"0.00042"').size == 420
    row = {**ROW, "size": 0, "decimal_size": "0.00042"}
    rows, _, _ = decode_page(json.dumps({"status": "OK", "results": [row]}).encode())
    assert trade_of(event_of_rest("SPY", rows[0])).size == 420


@pytest.mark.parametrize(
    ("raw", "size"), [(b'"s":0', 0), (b'"s":1.5', 1_500_000), (b'"s":999999999999', 999999999999 * 10**6)]
)
def test_sizes_of_nothing_of_fractions_and_of_great_blocks_are_taken(raw: bytes, size: int) -> None:
    """S09."""
    assert trade_with(raw).size == size


def test_a_trade_of_no_shares_changes_no_bar() -> None:
    assert prepare(trade_with(b'"s":0'), SESSIONS[0]) == EMPTY


@pytest.mark.fault("F18")
def test_a_condition_that_nobody_knows_counts_for_volume_alone() -> None:
    """S19."""
    trade = trade_with(b'"c":[999]')
    assert effect_of(trade.conditions, True) == VOLUME | UNKNOWN


@pytest.mark.parametrize(
    "data", [b'[{"sym":"\xff"}]', b"[" * 100_000, b'[{"ev":"T","t":' + b"9" * 5_000 + b"}]", b"", b"{}"]
)
def test_the_quick_road_leaves_what_is_not_trades_alone_with_errors_that_intake_knows(data: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, RecursionError, UnicodeError)):
        events_decoder.decode(data)


BROKEN_PAGES = {
    "nothing": b"",
    "not JSON": b"<html>",
    "cut off": b'{"status":"OK","results":[',
    "no status": b"{}",
    "an error that calls itself 200": b'{"status":"ERROR","error":"x"}',
    "an array": b"[]",
    "null": b"null",
    "results null": b'{"status":"OK","results":null}',
    "results an object": b'{"status":"OK","results":{}}',
    "next_url a number": b'{"status":"OK","next_url":5}',
    "not UTF-8": b'{"status":"OK","next_url":"\xff"}',
    "deep nesting": b'{"status":"OK","results":' + b"[" * 100_000,
}


@pytest.mark.parametrize("body", BROKEN_PAGES.values(), ids=BROKEN_PAGES.keys())
def test_a_broken_page_is_refused_and_not_taken_for_an_empty_one(body: bytes) -> None:
    assert reason(decode_page, body) == "page"


@pytest.mark.parametrize("row", [b'{"sip_timestamp":1381239000123000000}', b'{"price":' + b"9" * 5_000 + b"}", b"7"])
def test_a_broken_row_is_refused_with_its_bytes(row: bytes) -> None:
    assert decode_page(b'{"status":"OK","results":[' + row + b"]}") == ([], None, [row])


@pytest.mark.parametrize("ns", [T, T * 1_000, 10**19, -1, True, "1381239000123000000"])
def test_a_row_whose_time_is_not_in_nanoseconds_is_refused(ns: object) -> None:
    row = {**ROW, "sip_timestamp": ns}
    rows, _, refused = decode_page(json.dumps({"status": "OK", "results": [row, ROW]}).encode())
    assert (len(rows), [json.loads(data) for data in refused]) == (1, [row]), "its neighbour is kept"


@pytest.mark.parametrize("status", ["OK", "DELAYED"])
def test_an_empty_page_is_the_end(status: str) -> None:
    assert decode_page(json.dumps({"status": status, "results": []}).encode()) == ([], None, [])
    assert decode_page(json.dumps({"status": status}).encode()) == ([], None, [])


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"tickers":null}', b'{"tickers":[{}]}', b'{"tickers":[{"ticker":"\xff"}]}']
)
def test_a_broken_snapshot_is_refused_and_not_taken_for_a_silent_market(body: bytes) -> None:
    assert reason(decode_snapshot, body) == "snapshot"


@given(st.decimals(Decimal("0.0001"), Decimal(10**6), places=4))
def test_a_price_of_the_tape_is_read_back_digit_by_digit(price: Decimal) -> None:
    """At most 15 significant digits: the shortest decimal of the double is the number that was written."""
    event = msgspec.json.decode(json.dumps({**EVENT, "p": 0}).replace('"p": 0', f'"p": {price}'), type=TradeEvent)
    scaled, text = scale_price(event.p)
    assert scaled == price * 10**9
    assert Decimal(text) == price


@given(st.decimals(0, Decimal(10**6), places=6))
def test_a_decimal_size_is_exact(size: Decimal) -> None:
    scaled, text = scale_size(0.0, f"{size:f}")
    assert scaled == size * 10**6
    assert Decimal(text) == size


texts = st.text(alphabet='aZ0.-/é\u2603\ud800\n"', max_size=5)
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from([*EVENT, "ds"]), junk, max_size=3))
def test_any_values_make_a_trade_or_a_refusal_and_the_trade_can_be_written(values: dict[str, Any]) -> None:
    try:
        trade = trade_of(event_of({**EVENT, **values}))
    except InvalidRecord:
        return
    assert trade.price > 0
    assert trade.size >= 0
    assert msgspec.json.encode(trade)
