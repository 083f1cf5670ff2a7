"""Minutes in the lake: `bars/timeframe=1m/date=YYYY-MM-DD/`, a trade date a file (date_files.py says how).

Columns: `sym`, `t` (start of the minute, UTC), `open high low close` (USD, 9 decimals; null where the minute is not
shown), `volume` (shares, 6), `vwap` (USD, 4), `count`, and `partial`: the minute exactly, as the tables keep it, to
merge on from. Rows are in order of symbol and time. The same minutes go to lines (minute_lines.py): no Parquet needed.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

import polars as pl

from batch_layer.lake.date_files import DateFiles, Written
from batch_layer.lake.manifest import Manifest
from batch_layer.lake.minute_lines import MinuteLines
from batch_layer.lake.parquet import decimal
from shared.bars.algebra import present
from shared.bars.scale import PRICE_DIGITS, SIZE_DIGITS
from shared.bars.windows import MINUTE_MS, new_york_midnight_ms
from shared.frames import decode_partial, encode_partial
from shared.models.bar import Minute
from shared.polygon.numbers import VWAP_DIGITS

PREFIX = "bars/timeframe=1m"
CHUNK = 50_000
"""Rows that are Python objects at a time."""

_PRICES = ("open", "high", "low", "close")
_DECIMALS = {**dict.fromkeys(_PRICES, (18, PRICE_DIGITS)), "volume": (38, SIZE_DIGITS), "vwap": (18, VWAP_DIGITS)}
SCHEMA = {
    "sym": pl.String(),
    "t": pl.Datetime("ms", "UTC"),
    **{name: pl.Decimal(*places) for name, places in _DECIMALS.items()},
    "count": pl.Int64(),
    "partial": pl.String(),
}
_INSIDE = SCHEMA | {"t": pl.Int64()} | dict.fromkeys(_DECIMALS, pl.Int128())


class MinuteLake:
    """Raises what DateFiles raises."""

    def __init__(self, s3: Any, bucket: str, code_version: str) -> None:
        self._files = DateFiles(s3, bucket, code_version, PREFIX, SCHEMA)
        self._lines = MinuteLines(s3, bucket)

    def minutes(self, day: date) -> Iterator[Minute] | None:
        """The minutes of a trade date by symbol and time, None where it was never written."""
        rows = self._files.rows(day)
        return None if rows is None else minutes_of(rows)

    def manifest(self, day: date) -> Manifest | None:
        """None where the date was never written."""
        return self._files.manifest(day)

    def write(self, day: date, minutes: Iterable[Minute], *, source: str, known_at: datetime) -> Written:
        """All minutes of a trade date, in any order; its lines follow the file. Equal minutes again change nothing.

        Raises also what `frame_of` raises.
        """
        rows = frame_of(day, minutes)
        written = self._files.write(day, rows, source=source, known_at=known_at)
        if written.changed or not self._lines.belong_to(day, written.manifest):
            self._lines.write(day, self.minutes(day) or (), written.manifest)
        return written


def frame_of(day: date, minutes: Iterable[Minute]) -> pl.DataFrame:
    """The rows. ValueError for minutes that are not of the day, or one that comes twice."""
    start, end = new_york_midnight_ms(day), new_york_midnight_ms(day + timedelta(days=1))
    chunks, coming = [pl.DataFrame(schema=_INSIDE)], map(_row, minutes)
    while rows := list(islice(coming, CHUNK)):
        chunks.append(pl.DataFrame(rows, schema=_INSIDE, orient="row"))
    frame = pl.concat(chunks).sort("sym", "t")
    t = pl.col("t")
    if not frame.select((t.is_between(start, end, closed="left") & (t % MINUTE_MS == 0)).all()).item():
        raise ValueError(f"must be minutes of {day}")
    if frame.select(pl.struct("sym", "t").is_duplicated().any()).item():
        raise ValueError("must be one a symbol and minute")
    return frame.with_columns(t.cast(SCHEMA["t"]), *(decimal(name, *places) for name, places in _DECIMALS.items()))


def minutes_of(rows: pl.DataFrame) -> Iterator[Minute]:
    """The inverse, in the rows' order."""
    for sym, t, text in rows.select("sym", pl.col("t").to_physical(), "partial").iter_rows():
        yield Minute(sym, t, decode_partial(text))


def _row(minute: Minute) -> tuple[str | int | None, ...]:
    sym, t, partial = minute
    bar = present(t, partial)
    prices = (None,) * 4 if bar is None else bar[1:5]
    vwap = None if bar is None else bar.vwap
    return (sym, t, *prices, partial.volume, vwap, partial.count, encode_partial(partial))
