"""Splits, dividends and listings in the lake: `reference/{splits,dividends,tickers}/date=YYYY-MM-DD/`.

A date has what the vendor told when it was asked for that trade date: what took effect about then, and what it has
announced. The newest date with an id, or with a listing's symbol, says how it stands. Columns are the fields of the
models, ratios and cash as exact decimals; since when a date's rows are known is in its manifest (date_files.py).
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

import polars as pl

from batch_layer.lake.date_files import DateFiles, Written
from batch_layer.lake.parquet import Schema
from shared.bars.scale import parse_scaled
from shared.errors import InvalidRecord
from shared.models.daily import Dividend, Split, Ticker

DIGITS = 12
"""Decimals of a ratio or an amount of cash: as many as are read of one (batch_layer/fetch/reference.py)."""
PRECISION = 38
_NUMBER = pl.Decimal(PRECISION, DIGITS)
_TIME = pl.Datetime("us", "UTC")
_TEXT, _DATE = pl.String(), pl.Date()
SPLITS: Schema = {"sym": _TEXT, "day": _DATE, "split_from": _NUMBER, "split_to": _NUMBER, "id": _TEXT}
DIVIDENDS: Schema = {
    "sym": _TEXT,
    "day": _DATE,
    "cash": _NUMBER,
    "id": _TEXT,
    "currency": _TEXT,
    "kind": _TEXT,
    "frequency": pl.Int64(),
    **dict.fromkeys(("declared", "recorded", "paid"), _DATE),
}
TICKERS: Schema = {
    **dict.fromkeys(Ticker._fields, _TEXT),
    "active": pl.Boolean(),
    **dict.fromkeys(("updated", "delisted"), _TIME),
}
R = TypeVar("R", Split, Dividend, Ticker)


class ReferenceLake:
    """Raises what DateFiles raises."""

    def __init__(self, s3: Any, bucket: str, code_version: str) -> None:
        def files(kind: str, schema: Schema) -> DateFiles:
            return DateFiles(s3, bucket, code_version, f"reference/{kind}", schema)

        self._splits, self._dividends = files("splits", SPLITS), files("dividends", DIVIDENDS)
        self._tickers = files("tickers", TICKERS)

    def write_splits(self, day: date, splits: Sequence[Split], *, source: str, known_at: datetime) -> Written:
        """All that was told for a date, in any order. Raises also InvalidRecord `number`."""
        return self._splits.write(day, frame_of(splits, SPLITS), source=source, known_at=known_at)

    def write_dividends(self, day: date, dividends: Sequence[Dividend], *, source: str, known_at: datetime) -> Written:
        """The same."""
        return self._dividends.write(day, frame_of(dividends, DIVIDENDS), source=source, known_at=known_at)

    def write_tickers(self, day: date, tickers: Sequence[Ticker], *, source: str, known_at: datetime) -> Written:
        """The same."""
        return self._tickers.write(day, frame_of(tickers, TICKERS), source=source, known_at=known_at)

    def splits(self, day: date) -> list[Split] | None:
        """What was told for a date, by symbol and known since it was; None where it was never written."""
        return _read(self._splits, day, lambda row, known_at: Split(**row, known_at=known_at))

    def dividends(self, day: date) -> list[Dividend] | None:
        """The same."""
        return _read(self._dividends, day, lambda row, known_at: Dividend(**row, known_at=known_at))

    def tickers(self, day: date) -> list[Ticker] | None:
        """The same."""
        return _read(self._tickers, day, lambda row, known_at: Ticker(**row))


def frame_of(rows: Sequence[R], schema: Schema) -> pl.DataFrame:
    """One row each, in an order that follows from them. Raises InvalidRecord `number`."""
    numbers = [name for name, kind in schema.items() if kind == _NUMBER]
    for row in rows:
        for name in numbers:
            _check(name, getattr(row, name))
    columns = {name: [getattr(row, name) for row in rows] for name in schema}
    return pl.DataFrame(columns, schema=dict(schema)).unique().sort(list(schema))


def _check(name: str, value: Decimal) -> None:
    """Raises InvalidRecord for what the file could not hold exactly."""
    try:
        fits = abs(parse_scaled(str(value), DIGITS)) < 10**PRECISION
    except InvalidRecord:
        fits = False
    if not fits:
        raise InvalidRecord("number", f"the lake keeps {DIGITS} decimals of {name}, was {value}")


def _read(files: DateFiles, day: date, make: Callable[[dict[str, Any], datetime], R]) -> list[R] | None:
    manifest, rows = files.manifest(day), files.rows(day)
    if manifest is None or rows is None:
        return None
    return [make(row, manifest.known_at) for row in rows.iter_rows(named=True)]
