"""What a vendor says of a trade date and of a company: raw, one row each, as it was known at some time."""

from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple


class DailyBar(NamedTuple):
    """One symbol's bar of one trade date (New York), not split adjusted.

    Prices in 10^-9 USD, all four None where no trade set one; `volume` in 10^-6 share; `vwap` in 10^-4 USD and `count`
    (trades in the volume) None where the source does not tell.
    """

    sym: str
    day: date
    open: int | None
    high: int | None
    low: int | None
    close: int | None
    volume: int
    vwap: int | None = None
    count: int | None = None  # type: ignore[assignment]  # the name of the contract; tuple.count is of no use here


class Split(NamedTuple):
    """`split_from` shares became `split_to`; `day` is the first trade date at the new price. `id`: the vendor's."""

    sym: str
    day: date
    split_from: Decimal
    split_to: Decimal
    id: str
    known_at: datetime


class Dividend(NamedTuple):
    """`cash` in `currency` a share, in the dollars of that day; `day` is the ex-dividend date. `kind`: CD SC LT ST."""

    sym: str
    day: date
    cash: Decimal
    id: str
    known_at: datetime
    currency: str = "USD"
    kind: str = "CD"
    frequency: int = 0
    declared: date | None = None
    recorded: date | None = None
    paid: date | None = None


class Ticker(NamedTuple):
    """A listed symbol. `details`: further fields of the vendor's answer, JSON object text, "" for none."""

    sym: str
    name: str
    market: str = "stocks"
    locale: str = "us"
    exchange: str = ""
    kind: str = ""
    active: bool = True
    currency: str = "usd"
    cik: str = ""
    composite_figi: str = ""
    share_class_figi: str = ""
    updated: datetime | None = None
    delisted: datetime | None = None
    details: str = ""
