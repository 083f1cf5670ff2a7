"""Which lines are trades."""

from typing import Any

import numpy as np
import pytest

from local_dev.vendor import lines
from local_dev.vendor.lines import NO_SYMBOL, NO_TIME, Rows, SymbolNumbers, line_bounds, read_columns
from tests.unit.local_dev.vendor.support import OPEN_MS, line, trade


def classify(blob: bytes) -> tuple[Rows, dict[str, int]]:
    symbols = SymbolNumbers()
    return read_columns(blob, *line_bounds(blob), symbols), symbols


def altered(**fields: object) -> bytes:
    return line(trade(0, at_ms=OPEN_MS) | fields)


def raw_price(price: bytes) -> bytes:
    return altered(p="PRICE").replace(b'"PRICE"', price)


GOOD: list[dict[str, Any]] = [
    {"c": []},
    {"p": -1, "s": -3},
    {"trfi": 202, "ds": "0.5"},
    {"s": 1.5},
    {"sym": "BRK.A"},
    {"new": 1},
]


@pytest.mark.parametrize("fields", GOOD, ids=str)
def test_a_line_with_the_right_shape_is_a_trade_whatever_its_values(fields: dict[str, Any]) -> None:
    rows, symbols = classify(altered(**fields))
    assert rows.symbol.tolist() == [0]
    assert list(symbols) == [fields.get("sym", "SPY")]


WITH_TIME = [
    altered(ev="Q"),
    altered(sym=""),
    altered(p="167.42"),
    altered(s=None),
    altered(p=True),
    altered(i=7),
    altered(c=12),
    altered(q=10**30),
    raw_price(b"1e400"),
    raw_price(b"9" * 5000),
    altered(new="x" * 5000),
    altered(new="X").replace(b"X", b"\xff"),
]
WITHOUT_TIME = [
    raw_price(b"NaN"),
    raw_price(b"[" * 100_000 + b"]" * 100_000),
    altered()[:-9],
    altered() + b"," + altered(),
    b"[" + altered() + b"]",
    b"5",
    b"\x00\xff",
    altered(t=OPEN_MS // 1000),
    altered(t=OPEN_MS * 1_000_000),
    altered(t=float(OPEN_MS)),
]


@pytest.mark.parametrize("odd", WITH_TIME, ids=lambda odd: repr(odd[:150]))
def test_a_line_that_is_not_a_trade_keeps_its_own_time_if_it_can_be_read(odd: bytes) -> None:
    rows, symbols = classify(odd)
    assert (rows.symbol.tolist(), rows.time_ms.tolist(), symbols) == ([NO_SYMBOL], [OPEN_MS], {})


@pytest.mark.parametrize("odd", WITHOUT_TIME, ids=lambda odd: repr(odd[:150]))
def test_a_line_that_is_not_a_trade_and_has_no_readable_time_has_none(odd: bytes) -> None:
    rows, symbols = classify(odd)
    assert (rows.symbol.tolist(), rows.time_ms.tolist(), symbols) == ([NO_SYMBOL], [NO_TIME], {})


def test_every_odd_line_is_found_among_good_ones_and_the_good_ones_are_kept() -> None:
    odd = WITH_TIME + WITHOUT_TIME
    mixed = [part for number, bad in enumerate(odd) for part in (line(trade(number)), bad)]
    rows, _ = classify(b"\n".join(mixed))
    assert rows.symbol.tolist() == [0, NO_SYMBOL] * len(odd)
    assert rows.sequence[::2].tolist() == list(range(len(odd)))


def test_two_trades_on_one_line_are_not_made_up_for_by_one_trade_on_two_lines() -> None:
    whole = altered()
    rows, _ = classify(b"\n".join([whole + b"," + whole, whole[:20], whole[20:], whole]))
    assert rows.symbol.tolist() == [NO_SYMBOL] * 3 + [0]


def test_empty_lines_are_no_lines_and_windows_line_endings_are_not_part_of_a_line() -> None:
    blob = b"\n\r\n" + altered() + b"\r\n\n" + altered()
    starts, ends = line_bounds(blob)
    assert [blob[start:end] for start, end in zip(starts, ends, strict=True)] == [altered()] * 2
    assert [len(bounds) for bounds in line_bounds(b"")] == [0, 0]


def test_chunks_join_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    blob = b"\n".join(line(trade(number, sym="AB"[number % 2])) for number in range(25))
    whole, _ = classify(blob)
    monkeypatch.setattr(lines, "CHUNK_LINES", 7)
    cut, _ = classify(blob)
    for column in Rows._fields:
        assert np.array_equal(getattr(whole, column), getattr(cut, column))
    assert whole.symbol.tolist() == [number % 2 for number in range(25)]
