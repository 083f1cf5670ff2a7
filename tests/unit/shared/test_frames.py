"""Frames and bar records: what is written is read back, what is malformed is refused."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bars.scale import MAX_PRICE, MAX_SIZE
from shared.errors import InvalidRecord
from shared.frames import (
    VERSION,
    BarRecord,
    Part,
    QuarantineWire,
    TradeRow,
    decode_bars,
    decode_frame,
    decode_partial,
    encode,
    encode_partial,
    partial_from_wire,
    partial_to_wire,
    read_partial,
    trade_of_row,
)
from shared.models.bar import EMPTY, Edges, Partial
from tests.unit.shared.strategies import partials

KEY = "1381219217000" + "000000000001" + "000000167420000000"
PARTIAL = {"volume": "1", "notional": "1", "count": 1}
PART = {"v": 1, "f": "1-0-1", "sym": "SPY", "sec": 1381219217}
ROW = [1381219217000, 1, 4, 202, "i1", "167.42", "100", [14, 41], 1]
BAR = {"v": 1, "sym": "SPY", "tf": "1m", "t": 60_000, "partial": PARTIAL, "rev": 0, "engine": "python", "s": 120}

texts = st.text(alphabet='aZ0.-/é\u2603\U0001f680\n"\\|', max_size=8)
rows = st.builds(
    TradeRow,
    t=st.integers(10**12, 10**13 - 1),
    q=st.integers(0, 10**12 - 1),
    x=st.integers(0, 99),
    trfi=st.integers(0, 999),
    i=texts,
    p=st.just("167.42"),
    s=st.just("0.00042"),
    c=st.lists(st.integers(0, 99), max_size=3).map(tuple),
    z=st.integers(0, 3),
)


def of_its_trades(part: Part) -> Part:
    """A part whose trades are of its second, and as many as its bar counts at least."""
    trades = [msgspec.structs.replace(row, t=part.sec * 1000 + row.t % 1000) for row in part.trades]
    bar = part.bar and msgspec.structs.replace(part.bar, count=min(part.bar.count, len(trades)))
    return msgspec.structs.replace(part, trades=trades, bar=bar)


parts = st.builds(
    Part,
    v=st.just(VERSION),
    f=st.builds("{}-{}-{}".format, st.integers(1, 10**9), st.integers(0, 999), st.integers(1, 10**12 - 1)),
    sym=texts,
    sec=st.integers(0, 10**10 - 1),
    bar=st.none() | partials().map(partial_to_wire),
    late=st.integers(0, 5),
    trades=st.lists(rows, max_size=2),
    quarantine=st.lists(st.builds(QuarantineWire, texts, st.integers(0, 10**6), st.binary(max_size=16)), max_size=1),
).map(of_its_trades)


def reason(call: Callable[..., object], *arguments: object) -> str:
    with pytest.raises(InvalidRecord) as caught:
        call(*arguments)
    return caught.value.reason


@given(st.lists(parts, max_size=2))
def test_a_frame_is_read_as_it_was_written(frame: list[Part]) -> None:
    assert decode_frame(encode(frame)) == frame


@given(partials())
def test_a_partial_is_read_as_it_was_written(partial: Partial) -> None:
    assert decode_partial(encode_partial(partial)) == partial
    assert partial_from_wire(partial_to_wire(partial)) == partial


@pytest.mark.parametrize(
    "partial",
    [
        EMPTY,
        Partial("9" * 43, "9" * 43, MAX_PRICE, 1, 10**3 * MAX_SIZE, 10**3 * MAX_SIZE * MAX_PRICE, 10**3),
        Partial(KEY, KEY, 1, 1, 1, 1, 1, Edges()),
    ],
    ids=["empty", "the greatest numbers", "a day without prices"],
)
def test_partials_at_the_ends_of_their_range_survive_the_wire(partial: Partial) -> None:
    assert decode_partial(encode_partial(partial)) == partial
    assert read_partial(encode_partial(partial)) == partial


@given(partials(), st.integers(0, 99))
def test_a_bar_record_is_read_as_it_was_written(partial: Partial, rev: int) -> None:
    records = [BarRecord(VERSION, "BRK.A", "1h", 3_600_000, partial_to_wire(partial), rev, "python", 7_200)]
    assert decode_bars(encode(records)) == records


@given(partials())
def test_no_number_of_a_partial_travels_as_a_float(partial: Partial) -> None:
    wire = json.loads(encode_partial(partial), parse_float=pytest.fail)
    assert type(wire["count"]) is int
    assert {type(value) for name, value in wire.items() if name not in ("count", "day")} == {str}


def test_what_is_not_set_is_left_out_of_the_wire() -> None:
    assert json.loads(encode_partial(EMPTY)) == {"volume": "0", "notional": "0", "count": 0}
    assert json.loads(encode([Part(1, "1-0-1", "", 9)])) == [{"v": 1, "f": "1-0-1", "sym": "", "sec": 9}]


def test_a_row_of_a_part_stands_for_its_trade() -> None:
    (part,) = decode_frame(json.dumps([{**PART, "trades": [ROW]}]).encode())
    trade = trade_of_row(part.sym, part.trades[0])
    assert trade == ("SPY", 1381219217000, 1, 4, 202, "i1", 167_420_000_000, 100_000_000, (14, 41), 1)


@pytest.mark.parametrize(("p", "s", "expected"), [("1e400", "1", "number"), ("1", "0.0000001", "digits")])
def test_a_row_with_an_impossible_number_is_no_trade(p: str, s: str, expected: str) -> None:
    assert reason(trade_of_row, "SPY", TradeRow(1, 1, 1, 1, "i", p, s, (), 1)) == expected


def test_fields_that_a_later_minor_version_may_add_are_ignored() -> None:
    assert decode_frame(json.dumps([{**PART, "later": {"x": [1]}}]).encode()) == [Part(1, "1-0-1", "SPY", 1381219217)]


@pytest.mark.parametrize("v", [0, 2, 99, -1])
def test_another_version_is_refused_even_behind_good_ones(v: int) -> None:
    assert reason(decode_frame, json.dumps([PART, {**PART, "v": v}]).encode()) == "version"
    assert reason(decode_bars, json.dumps([BAR, {**BAR, "v": v}]).encode()) == "version"


DEEP = b"[" * 100_000
NOT_JSON = {
    "nothing": b"",
    "cut off": b'[{"v":1,',
    "not JSON": b"hello",
    "gzip": b"\x1f\x8b\x08\x00",
    "KPL aggregation": b"\xf3\x89\x9a\xc2",
    "null": b"null",
    "an object": b"{}",
    "a number in the array": b"[1]",
    "null in the array": b"[null]",
    "deep nesting": DEEP,
    "deep nesting in an unknown field": b'[{"unknown":' + DEEP + b"]" * 100_000 + b"}]",
    "a byte order mark": b"\xef\xbb\xbf[]",
    "two arrays": b"[][]",
}


@pytest.mark.parametrize("data", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_bytes_that_are_no_array_of_objects_are_refused(data: bytes) -> None:
    assert reason(decode_frame, data) == "frame"
    assert reason(decode_bars, data) == "bars"


def with_field(base: dict[str, Any], name: str, raw: bytes) -> bytes:
    """One object in an array with a field of these bytes."""
    rest = json.dumps({key: value for key, value in base.items() if key != name}).encode()
    return b"[" + rest[:-1] + b',"' + name.encode() + b'":' + raw + b"}]"


WRONG_ANYWHERE = {
    "not UTF-8": ("sym", b'"\xff"'),
    "half a surrogate pair": ("sym", b'"\\ud800"'),
    "a number for a symbol": ("sym", b"1"),
    "no symbol": ("sym", b"null"),
    "a version as text": ("v", b'"1"'),
    "a version as true": ("v", b"true"),
    "a version as a float": ("v", b"1.0"),
}
WRONG_PART = WRONG_ANYWHERE | {
    "a frame id of two numbers": ("f", b'"1-2"'),
    "a frame id with letters": ("f", b'"a-0-1"'),
    "a frame id with a line end": ("f", b'"1-0-1\\n"'),
    "a negative epoch": ("f", b'"-1-0-1"'),
    "a frame id of other digits": ("f", '"١-0-1"'.encode()),
    "a second before 1970": ("sec", b"-1"),
    "a second in milliseconds": ("sec", b"1381219217000"),
    "a second of 5,000 digits": ("sec", b"9" * 5_000),
    "a second as a float": ("sec", b"1.5"),
    "a negative rank": ("late", b"-1"),
    "a rank that no timeframe has": ("late", b"6"),
    "a row that is too short": ("trades", b"[[1,2]]"),
    "a row as an object": ("trades", b'[{"t":1}]'),
    "no list of trades": ("trades", b"null"),
    "quarantined bytes that are not base64": ("quarantine", b'[{"reason":"x","size":1,"data":"!"}]'),
}
WRONG_BAR = WRONG_ANYWHERE | {
    "a negative time": ("t", b"-60000"),
    "a time in nanoseconds": ("t", b"1381219217000000000"),
    "a negative revision": ("rev", b"-1"),
    "a promise that is too great": ("s", b"99999999999"),
    "no partial": ("partial", b"null"),
}
WRONG_PARTIAL = {
    "a key that is too short": ("first", b'"123"'),
    "a key that is too long": ("last", f'"{KEY}0"'.encode()),
    "a key with a letter": ("first", f'"{KEY[:-1]}x"'.encode()),
    "a key with a line end": ("last", f'"{KEY}\\n"'.encode()),
    "a negative volume": ("volume", b'"-1"'),
    "a volume with an exponent": ("volume", b'"1e5"'),
    "too many decimals": ("volume", b'"0.0000001"'),
    "no number": ("low", b'"NaN"'),
    "infinity": ("notional", b'"Infinity"'),
    "nothing for a number": ("notional", b'""'),
    "a price as a number": ("high", b"167.42"),
    "a price that no key can hold": ("low", b'"1000000000"'),
    "a negative count": ("count", b"-1"),
    "a count of 30 digits": ("count", b"9" * 30),
    "a count as text": ("count", b'"1"'),
    "a volume that is not UTF-8": ("volume", b'"\xff"'),
    "a day with a wrong key": ("day", b'{"first":"1"}'),
}


@pytest.mark.parametrize(("name", "raw"), WRONG_PART.values(), ids=WRONG_PART.keys())
def test_a_part_with_a_wrong_field_is_refused(name: str, raw: bytes) -> None:
    assert decode_frame(with_field(PART, "late", b"0")), "the part is right without it"
    assert reason(decode_frame, with_field(PART, name, raw)) == "frame"


@pytest.mark.parametrize(("name", "raw"), WRONG_BAR.values(), ids=WRONG_BAR.keys())
def test_a_bar_record_with_a_wrong_field_is_refused(name: str, raw: bytes) -> None:
    assert decode_bars(with_field(BAR, "rev", b"0")), "the record is right without it"
    assert reason(decode_bars, with_field(BAR, name, raw)) == "bars"


@pytest.mark.fault("F68")
@pytest.mark.parametrize(("name", "raw"), WRONG_PARTIAL.values(), ids=WRONG_PARTIAL.keys())
def test_a_partial_with_a_wrong_field_is_refused_wherever_it_stands(name: str, raw: bytes) -> None:
    wire = with_field(PARTIAL, name, raw)[1:-1]
    assert reason(decode_partial, wire) == "partial"
    assert reason(decode_frame, with_field(PART, "bar", wire)) == "frame"
    assert reason(decode_bars, with_field(BAR, "partial", wire)) == "bars"


@pytest.mark.parametrize("name", PART)
def test_no_field_of_a_parts_identity_may_be_missing(name: str) -> None:
    assert reason(decode_frame, json.dumps([{key: PART[key] for key in PART if key != name}]).encode()) == "frame"


def test_deep_nesting_in_a_stored_partial_is_refused() -> None:
    nested = b"[" * 100_000 + b"]" * 100_000
    assert reason(decode_partial, b'{"volume":"1","notional":"1","count":1,"x":' + nested + b"}") == "partial"


@given(st.lists(parts, min_size=1, max_size=2), st.data())
def test_a_damaged_frame_is_read_or_refused_and_never_raises_anything_else(
    frame: list[Part], data: st.DataObject
) -> None:
    good = bytearray(encode(frame))
    for _ in range(data.draw(st.integers(1, 3))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    try:
        read = decode_frame(bytes(good))
    except InvalidRecord:
        return
    for part in read:
        if part.bar is not None:
            partial_from_wire(part.bar)


@given(st.binary(max_size=64))
def test_random_bytes_are_read_or_refused_and_never_raise_anything_else(data: bytes) -> None:
    for decode in (decode_frame, decode_bars, decode_partial):
        try:
            decode(data)
        except InvalidRecord as error:
            assert error.reason  # noqa: PT017 -- a refusal may happen or not; another error fails the test


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", '{"volume":"1","notional":"1"}', '{"volume":"x","notional":"1","count":1}'),
        *(
            '{"volume":"1.0000001","notional":"1","count":1}',
            '{"volume":"1","notional":"1","count":1,"day":{"high":"x"}}',
        ),
    ],
)
def test_stored_text_that_is_no_partial_is_refused(text: str) -> None:
    with pytest.raises(InvalidRecord):
        read_partial(text)
