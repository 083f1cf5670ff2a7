"""Partial bars, which merge, and presented bars, which are read."""

from typing import NamedTuple

Timeframe = str
"""One of the stream timeframes: `1m 5m 15m 30m 1h`."""


class Edges(NamedTuple):
    """The price fields of a partial: keys of the first and last trade, greatest and least price (10^-9 USD).

    A key is the digits of t (13), q (12) and price (18): the smallest key is the open, the greatest the close.
    None where no trade has set the field.
    """

    first: str | None = None
    last: str | None = None
    high: int | None = None
    low: int | None = None


class Partial(NamedTuple):
    """What a set of trades adds to a bar. Merging partials of disjoint sets gives the partial of their union.

    `volume` in 10^-6 share, `notional` in 10^-15 USD, `count` = trades that update volume. `day` holds the price
    fields under the rule of daily bars where they differ from the minute rule (extended hours), else None.
    """

    first: str | None = None
    last: str | None = None
    high: int | None = None
    low: int | None = None
    volume: int = 0
    notional: int = 0
    count: int = 0  # type: ignore[assignment]  # the name of the contract; tuple.count is of no use here
    day: Edges | None = None


EMPTY = Partial()


class Minute(NamedTuple):
    """One symbol's minute of the batch view: start `t`, Unix ms UTC, and all of its trades, late ones included."""

    sym: str
    t: int
    partial: Partial


class MinuteBar(NamedTuple):
    """One symbol's minute where only its bar is known: units as in `Bar`, `vwap` and `count` None where the source does
    not tell them."""

    sym: str
    t: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    vwap: int | None = None
    count: int | None = None  # type: ignore[assignment]  # the name of the contract; tuple.count is of no use here


class Bar(NamedTuple):
    """A presented bar. `t` = start of the window, Unix ms UTC, the end is excluded; prices in 10^-9 USD, not split
    adjusted; `volume` in 10^-6 share; `vwap` in 10^-4 USD, None when the volume is 0; `count` = trades in the volume.
    """

    t: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    vwap: int | None
    count: int  # type: ignore[assignment]  # the name of the contract; tuple.count is of no use here
