"""Which questions bring the reference data, in units small enough to be repeated. Pure."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from batch_layer.fetch.units import Unit

SPLITS_A_PAGE_DAYS = 180
DIVIDENDS_A_PAGE_DAYS = 7
"""How many days of the whole market fill about one page of a thousand rows."""
TICKER_PAGES = 12
ROW_BYTES = 300


def plan_reference(symbols: Sequence[str] | None, first: date, asked: date) -> list[Unit]:
    """Splits and dividends from `first` on, announced ones included, and the tickers; None = of the whole market.

    `asked` is today's date: a question of another day is another one. For some symbols, each kind is asked in the way
    that takes fewer calls; a whole market's answer brings all symbols.
    """
    if symbols is None:
        listed = [
            Unit(kind, asked=asked, calls=TICKER_PAGES, size=TICKER_PAGES * 1_000 * ROW_BYTES)
            for kind in ("tickers", "delisted")
        ]
        return [*_market_splits(first, asked), *_market_dividends(first, asked), *listed]
    names = sorted(set(symbols))
    splits = [Unit("splits", sym, first, asked=asked, size=ROW_BYTES) for sym in names]
    dividends = [Unit("dividends", sym, first, asked=asked, size=ROW_BYTES * 10) for sym in names]
    tickers = [Unit("ticker", sym, asked=asked, size=ROW_BYTES * 5) for sym in names]
    return [
        *_fewer(splits, list(_market_splits(first, asked))),
        *_fewer(dividends, list(_market_dividends(first, asked))),
        *tickers,
    ]


def _market_splits(first: date, asked: date) -> Iterator[Unit]:
    return (
        Unit("splits", start=start, end=end, asked=asked, size=1_000 * ROW_BYTES)
        for start, end in _spans(first, asked, SPLITS_A_PAGE_DAYS)
    )


def _market_dividends(first: date, asked: date) -> Iterator[Unit]:
    return (
        Unit("dividends", start=start, end=end, asked=asked, size=1_000 * ROW_BYTES)
        for start, end in _spans(first, asked, DIVIDENDS_A_PAGE_DAYS)
    )


def _spans(first: date, asked: date, days: int) -> Iterator[tuple[date, date | None]]:
    """From `first` on without a hole or an overlap; the last has no end, so what is announced is in it."""
    while first + timedelta(days=days) <= asked:
        yield first, first + timedelta(days=days - 1)
        first += timedelta(days=days)
    yield first, None


def _fewer(one: list[Unit], other: list[Unit]) -> list[Unit]:
    return one if sum(unit.calls for unit in one) <= sum(unit.calls for unit in other) else other
