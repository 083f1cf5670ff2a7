"""What bars of one symbol add up to, exactly, before anything is rounded: minutes and days into longer windows."""

from collections.abc import Sequence
from fractions import Fraction
from functools import reduce
from typing import NamedTuple

from shared.bars.adjust import RAW, Factor
from shared.bars.algebra import VWAP_DIVISOR, price_of
from shared.bars.scale import divide_half_even
from shared.models.bar import Partial
from shared.models.daily import DailyBar

Number = int | Fraction
"""Whole until a window holds days on both sides of a split."""


class Totals(NamedTuple):
    """Prices in 10^-9 USD, None where nothing has set one yet; `volume` in 10^-6 share.

    `notional` in 10^-15 USD and `count` (trades in the volume) are None where a part with volume does not tell them.
    """

    open: Number | None
    high: Number | None
    low: Number | None
    close: Number | None
    volume: Number
    notional: Number | None
    count: int | None  # type: ignore[assignment]  # the name of the contract; tuple.count is of no use here


class Shown(NamedTuple):
    """Totals as they are shown, in the units of `Bar`."""

    open: int
    high: int
    low: int
    close: int
    volume: int
    vwap: int | None
    count: int | None  # type: ignore[assignment]  # the name of the contract; tuple.count is of no use here


def of_day(day: DailyBar) -> Totals:
    """A daily bar. Its notional is as exact as its VWAP, which a day without volume needs not have."""
    _, _, first, high, low, last, volume, vwap, count = day
    notional = vwap * volume * VWAP_DIVISOR if vwap is not None else None if volume else 0
    return Totals(first, high, low, last, volume, notional, count)


def of_minutes(partial: Partial) -> Totals:
    """Merged minutes under the rule of minute bars."""
    first, last, high, low, volume, notional, count, _ = partial
    opened, closed = (None if key is None else price_of(key) for key in (first, last))
    return Totals(opened, high, low, closed, volume, notional, count)


def of_trade_date(partial: Partial) -> Totals:
    """All minutes of a trade date under the rule of daily bars (algebra.present_day)."""
    return of_minutes(partial if partial.day is None else partial._replace(**partial.day._asdict(), day=None))


def merge(a: Totals, b: Totals) -> Totals:
    """Of two spans, `a` before `b`. Associative; the order decides which open and which close is kept."""
    return Totals(
        b.open if a.open is None else a.open,
        b.high if a.high is None else a.high if b.high is None else max(a.high, b.high),
        b.low if a.low is None else a.low if b.low is None else min(a.low, b.low),
        a.close if b.close is None else b.close,
        a.volume + b.volume,
        None if a.notional is None or b.notional is None else a.notional + b.notional,
        None if a.count is None or b.count is None else a.count + b.count,
    )


def scale(totals: Totals, factor: Factor) -> Totals:
    """Adjusted and not rounded: the notional is the same money as before."""
    times = Fraction(*factor)
    first, high, low, last = (None if price is None else price * times for price in totals[:4])
    return Totals(first, high, low, last, totals.volume / times, totals.notional, totals.count)


def show(parts: Sequence[tuple[Factor, Totals]]) -> Shown | None:
    """The bar of the parts of a window, in order of time, each with its factor: adjusted, merged, then rounded once.

    None while no price is set: such a window is not shown.
    """
    factors = {factor for factor, _ in parts}
    if len(factors) == 1:
        return _rounded(reduce(merge, (totals for _, totals in parts)), *factors)
    return _rounded(reduce(merge, (scale(totals, factor) for factor, totals in parts)), RAW)


def _rounded(totals: Totals, factor: Factor) -> Shown | None:
    first, high, low, last, volume, notional, count = totals
    if first is None or high is None or low is None or last is None:
        return None
    num, den = factor
    vwap = None if notional is None or not volume else _round(notional * num, volume * den * VWAP_DIVISOR)
    return Shown(
        _round(first * num, den),
        _round(high * num, den),
        _round(low * num, den),
        _round(last * num, den),
        _round(volume * den, num),
        vwap,
        count,
    )


def _round(numerator: Number, denominator: Number) -> int:
    """Half to even, as `divide_half_even`, of any positive numbers."""
    if isinstance(numerator, int) and isinstance(denominator, int):
        return numerator if denominator == 1 else divide_half_even(numerator, denominator)
    return round(Fraction(numerator) / denominator)
