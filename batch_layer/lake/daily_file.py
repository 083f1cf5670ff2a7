"""A trade date's bars as one Parquet file: exact decimals in the units people read, as the database has them.

Columns: `sym`, `day`, `open high low close` (USD, 9 decimals), `volume` (shares, 6), `vwap` (USD, 4), `count`. Decimals
and not scaled integers, so that nobody who reads the lake has to know our scales; both are exact. Rows are in order of
symbol, so equal bars give equal bytes from one version of the writer.
"""

import hashlib
import io
from collections.abc import Sequence
from datetime import date

import polars as pl

from shared.bars.scale import PRICE_DIGITS, SIZE_DIGITS
from shared.errors import InvalidRecord, RetryableError
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


class BrokenFile(RetryableError):
    """A file is not what its manifest says: damaged, or just being replaced. Writing its date again repairs it."""


def encode(day: date, bars: Sequence[DailyBar]) -> bytes:
    """The file. ValueError for bars of another day or a symbol that comes twice; InvalidRecord `number` for a value of
    more than 18 digits."""
    if any(bar.day != day for bar in bars) or len({bar.sym for bar in bars}) < len(bars):
        raise ValueError(f"must be bars of {day}, one a symbol")
    if any(value is not None and abs(value) > _MAX for bar in bars for value in bar[2:8]):
        raise InvalidRecord("number", f"the lake keeps numbers of {PRECISION} digits, and {day} has a longer one")
    rows = pl.DataFrame(sorted(bars), schema=_INSIDE, orient="row")
    file = io.BytesIO()
    rows.with_columns(_decimal(name, digits) for name, digits in _DECIMALS.items()).write_parquet(file)
    return file.getvalue()


def decode(data: bytes, rows: int, size: int, checksum: str) -> list[DailyBar]:
    """The bars of a file that has as many rows and bytes and the SHA-256 that its manifest says; else BrokenFile."""
    if len(data) != size:
        raise BrokenFile(f"has {len(data)} bytes, not {size}")
    if sha256(data) != checksum:
        raise BrokenFile("has other bytes than its checksum is of")
    try:
        frame = pl.read_parquet(io.BytesIO(data))
    except pl.exceptions.PolarsError as error:
        raise BrokenFile(f"is no Parquet file: {error}") from error
    if frame.schema != SCHEMA:
        raise BrokenFile(f"has other columns: {', '.join(frame.columns)}")
    if frame.height != rows:
        raise BrokenFile(f"has {frame.height} rows, not {rows}")
    inside = frame.with_columns(pl.col(name).to_physical().cast(pl.Int64) for name in _DECIMALS)
    return [DailyBar(*row) for row in inside.iter_rows()]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _decimal(name: str, digits: int) -> pl.Expr:
    """A scaled integer of up to 18 digits as the decimal that it stands for: 38 digits hold it on the way."""
    whole = pl.col(name).cast(pl.Decimal(38, digits))
    return whole.truediv(10**digits).cast(SCHEMA[name])
