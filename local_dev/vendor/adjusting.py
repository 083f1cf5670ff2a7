"""Rows of the tables adjusted by the splits of the tables, as `adjusted=true` asks."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal

from local_dev.vendor.tables import Action, BarRow
from shared.bars.adjust import RAW, Adjustment, Factor, adjust_price, adjust_volume, usable
from shared.bars.scale import PRICE_DIGITS, SIZE_DIGITS, format_scaled, parse_scaled
from shared.models.daily import Split
from shared.polygon.numbers import VWAP_DIGITS, price_text

_ALWAYS_KNOWN = datetime(1970, 1, 1, tzinfo=UTC)


def adjustments(actions: Iterable[Action]) -> dict[str, Adjustment]:
    """By symbol. Every split is in force, as every day of the tables is history."""
    splits: dict[str, list[Split]] = {}
    for one in actions:
        if one.split_from:
            ratio = Decimal(one.split_from), Decimal(one.split_to)
            split = Split(one.ticker, date.fromisoformat(one.day), *ratio, id="", known_at=_ALWAYS_KNOWN)
            splits.setdefault(one.ticker, []).append(split)
    return {ticker: Adjustment(usable(of_ticker, date.max)) for ticker, of_ticker in splits.items()}


def adjust_row(row: BarRow, factor: Factor) -> BarRow:
    """The row itself where no split came after it: its numbers stay as they were written."""
    if factor == RAW:
        return row
    opened, high, low, closed = (
        price_text(adjust_price(parse_scaled(text, PRICE_DIGITS), factor))
        for text in (row.open, row.high, row.low, row.close)
    )
    volume = format_scaled(adjust_volume(parse_scaled(row.volume, SIZE_DIGITS), factor), SIZE_DIGITS)
    vwap = row.vwap and format_scaled(adjust_price(parse_scaled(row.vwap, VWAP_DIGITS), factor), VWAP_DIGITS)
    return BarRow(row.t_ms, opened, high, low, closed, volume, row.count, vwap)
