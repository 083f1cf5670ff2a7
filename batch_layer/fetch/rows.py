"""Rows of daily bars from the texts of their numbers, and what is wrong with some of them."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import NamedTuple

from batch_layer.fetch.units import Refused
from shared.bars.scale import (
    MAX_PRICE,
    MAX_SIZE,
    PRICE_DIGITS,
    SIZE_DIGITS,
    divide_half_even,
    parse_scaled,
)
from shared.bars.totals import Shown
from shared.errors import InvalidRecord
from shared.models.daily import DailyBar
from shared.polygon.numbers import VWAP_DIGITS
from shared.polygon.trades import check_symbol

VWAP_READ_DIGITS = 18
"""A VWAP is a quotient: its source may have written more digits than are kept."""


class Texts(NamedTuple):
    """The numbers of one bar as they were written; None for one that the source does not tell."""

    open: str
    high: str
    low: str
    close: str
    volume: str
    vwap: str | None = None
    count: str | None = None  # type: ignore[assignment]  # the name of the contract; tuple.count is of no use here


class Row(NamedTuple):
    """A row before it is believed: its bytes, and a way to the bar, which raises InvalidRecord."""

    raw: bytes
    bar: Callable[[], DailyBar]


def daily_bar(sym: str, day: date, texts: Texts) -> DailyBar:
    """Exactly what was written. Raises InvalidRecord naming the field."""
    return DailyBar(check_symbol(sym), day, *numbers(texts))


def numbers(texts: Texts) -> Shown:
    """Exactly what was written, vwap rounded half-even to its scale. Raises InvalidRecord naming the field."""
    prices = {name: _price(name, getattr(texts, name)) for name in ("open", "high", "low", "close")}
    if prices["high"] < prices["low"]:
        raise InvalidRecord("price", f"high must not be below low, was {texts.high} below {texts.low}")
    volume = _number("volume", texts.volume, SIZE_DIGITS)
    if not 0 <= volume <= MAX_SIZE:
        raise InvalidRecord("volume", f"must be a number of shares, not negative, was {texts.volume[:40]}")
    count = None if texts.count is None else _number("count", texts.count, 0)
    if count is not None and count < 0:
        raise InvalidRecord("count", f"must not be negative, was {texts.count}")
    vwap = None if texts.vwap is None else _vwap(texts.vwap)
    return Shown(**prices, volume=volume, vwap=vwap, count=count)


def believed(rows: Iterable[Row]) -> tuple[list[DailyBar], list[Refused]]:
    """The bars, one of each symbol and day, in the rows' order; and the rows that cannot be used.

    A bar that is there twice is taken once. Where two differ neither is taken: nothing tells which is right.
    """
    found: dict[tuple[str, date], list[tuple[DailyBar, bytes]]] = {}
    refused: list[Refused] = []
    for row in rows:
        try:
            bar = row.bar()
        except InvalidRecord as error:
            refused.append(Refused(row.raw, error.reason, str(error)))
        else:
            found.setdefault((bar.sym, bar.day), []).append((bar, row.raw))
    bars = []
    for (sym, day), same in found.items():
        if len({bar for bar, _ in same}) == 1:
            bars.append(same[0][0])
        else:
            message = f"{sym} has {len(same)} rows that differ on {day}"
            refused += [Refused(raw, "duplicate", message) for _, raw in same]
    return bars, refused


def _price(name: str, text: str) -> int:
    price = _number("price", text, PRICE_DIGITS)
    if not 0 < price <= MAX_PRICE:
        raise InvalidRecord("price", f"{name} must be a positive number of USD, was {text[:40]}")
    return price


def _vwap(text: str) -> int:
    exact = _number("vwap", text, VWAP_READ_DIGITS)
    if exact <= 0:
        raise InvalidRecord("vwap", f"must be a positive number of USD, was {text[:40]}")
    return divide_half_even(exact, 10 ** (VWAP_READ_DIGITS - VWAP_DIGITS))


def _number(field: str, text: str, digits: int) -> int:
    try:
        return parse_scaled(text, digits)
    except InvalidRecord as error:
        raise InvalidRecord(field, f"{field} {error}") from error
