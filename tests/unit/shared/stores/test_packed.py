"""A packed hour gives back every digit of its minutes, and refuses what was not packed by us."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidRecord
from shared.models.bar import EMPTY, Edges, Partial
from shared.stores.packed import LARGEST, pack, pack_lines, unpack
from tests.unit.shared.strategies import partials

HOUR = 1_381_240_800_000
MINUTE = 60_000
KEY = "1381240800123" + "000000000042" + "000000167420000000"

hours = st.dictionaries(st.integers(0, 59).map(lambda number: HOUR + number * MINUTE), partials())


@given(hours)
def test_what_was_packed_is_unpacked(minutes: dict[int, Partial]) -> None:
    assert unpack(HOUR, pack(HOUR, minutes)) == minutes


def test_the_text_of_a_minute_is_what_the_module_says() -> None:
    whole = Partial(KEY, KEY, 168 * 10**9, 167 * 10**9, 300 * 10**6, 50_226_000_000 * 300 * 10**6, 3)
    bare = Partial(volume=1, notional=10**40 + 1, count=1, day=Edges(KEY, KEY, 5, 4))
    packed = pack(HOUR, {HOUR + 7 * MINUTE: whole, HOUR + 59 * MINUTE: bare, HOUR + 60 * MINUTE - MINUTE * 2: EMPTY})
    assert zlib.decompress(packed).decode().splitlines() == [
        f"7 {KEY} {KEY} 168000000000 167000000000 300000000 15067800000000000000 3",
        f"59 - - - - 1 {10**40 + 1} 1 {KEY} {KEY} 5 4",
        "58 - - - - 0 0 0",
    ]


def test_lines_may_be_written_with_leading_zeros() -> None:
    line = f"05 {KEY} {KEY} 000168 000167 00300 0007 0003\n"
    assert unpack(HOUR, pack_lines(line.encode())) == {HOUR + 5 * MINUTE: Partial(KEY, KEY, 168, 167, 300, 7, 3)}


def test_a_full_hour_stays_far_below_the_size_of_an_item() -> None:
    key, price = "9" * 43, 10**18 - 1
    edges = Edges(key, key, price, price)
    widest = Partial(key, key, price, price, 10**26 - 1, 10**44 - 1, 2**63 - 1, edges)
    minutes = {HOUR + number * MINUTE: widest for number in range(60)}
    text = zlib.decompress(pack(HOUR, minutes))
    assert len(text) < 40_000, "even if not a byte of it could be compressed"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not zlib",
        pack_lines(b"1 2 3\n"),
        pack_lines(b"x - - - - 0 0 0\n"),
        pack_lines(b"1 - - - - 0 0 0 - -\n"),
        pack_lines(b"1 - - - - 0 0 0 - - - - -\n"),
        pack_lines(b"1 - - - - 0.5 0 0\n"),
        pack_lines(b"\xff - - - - 0 0 0\n"),
        pack_lines(b"1 - - - - 0 0 0\n" * LARGEST),
        pack_lines(b"1 - - - - 0 0 0\n")[:-5],
    ],
    ids=range(10),
)
def test_what_was_not_packed_by_us_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidRecord) as refused:
        unpack(HOUR, data)
    assert refused.value.reason == "packed"


@pytest.mark.parametrize("t", [HOUR - MINUTE, HOUR + 60 * MINUTE, HOUR + 1])
def test_a_minute_outside_its_hour_cannot_be_packed(t: int) -> None:
    with pytest.raises(InvalidRecord, match="no minute of the hour"):
        pack(HOUR, {t: EMPTY})
