"""A trade date's bars as rows of the lake: exact decimals in the units people read, as the database has them.

Columns: `sym`, `day`, `open high low close` (USD, 9 decimals), `volume` (shares, 6), `vwap` (USD, 4), `count`. Decimals
and not scaled integers, so that nobody who reads the lake has to know our scales; both are exact. Rows are in order of
symbol.
"""

from collections.abc import Sequence
from datetime import date

import polars as pl

from batch_layer.lake.parquet import decimal
from shared.bars.scale import PRICE_DIGITS, SIZE_DIGITS
from shared.errors import InvalidRecord
from shared.models.daily import DailyBar
from shared.polygon.numbers import VWAP_DIGITS

_DECIMALS = {
    **dict.fromkeys(("open", "high", "low", "close"), PRICE_DIGITS),
    "volume": SIZE_DIGITS,
    "vwap": VWAP_DIGITS,
}
PRECISION = 18
SCHEMA = {
    "sym": pl.String(),
    "day": pl.Date(),
    **{name: pl.Decimal(PRECISION, digits) for name, digits in _DECIMALS.items()},
    "count": pl.Int64(),
}
_INSIDE = SCHEMA | dict.fromkeys(_DECIMALS, pl.Int64())
_MAX = 10**PRECISION - 1


def frame_of(day: date, bars: Sequence[DailyBar]) -> pl.DataFrame:
    """The rows. ValueError for bars of another day or a symbol that comes twice; InvalidRecord `number` for a value of
    more than 18 digits."""
    if any(bar.day != day for bar in bars) or len({bar.sym for bar in bars}) < len(bars):
        raise ValueError(f"must be bars of {day}, one a symbol")
    if any(value is not None and abs(value) > _MAX for bar in bars for value in bar[2:8]):
        raise InvalidRecord("number", f"the lake keeps numbers of {PRECISION} digits, and {day} has a longer one")
    rows = pl.DataFrame(sorted(bars), schema=_INSIDE, orient="row")
    return rows.with_columns(decimal(name, PRECISION, digits) for name, digits in _DECIMALS.items())


def bars_of(rows: pl.DataFrame) -> list[DailyBar]:
    """The inverse."""
    inside = rows.with_columns(pl.col(name).to_physical().cast(pl.Int64) for name in _DECIMALS)
    return [DailyBar(*row) for row in inside.iter_rows()]
