"""Rows as one Parquet file, and rows back from a file that is what was said of it. Numbers are exact decimals."""

import io
from collections.abc import Mapping

import polars as pl

from batch_layer.lake.manifest import BrokenFile, sha256

Schema = Mapping[str, pl.DataType]
"""Column -> type, in the order of the file."""


def encode(rows: pl.DataFrame) -> bytes:
    """The file: equal rows give equal bytes from one version of the writer."""
    file = io.BytesIO()
    rows.write_parquet(file)
    return file.getvalue()


def decode(data: bytes, rows: int, size: int, checksum: str, schema: Schema) -> pl.DataFrame:
    """The rows of a file with as many rows and bytes, the SHA-256 and the columns that are said; else BrokenFile."""
    if len(data) != size:
        raise BrokenFile(f"has {len(data)} bytes, not {size}")
    if sha256(data) != checksum:
        raise BrokenFile("has other bytes than its checksum is of")
    try:
        frame = pl.read_parquet(io.BytesIO(data))
    except pl.exceptions.PolarsError as error:
        raise BrokenFile(f"is no Parquet file: {error}") from error
    if frame.schema != schema:
        raise BrokenFile(f"has other columns: {', '.join(frame.columns)}")
    if frame.height != rows:
        raise BrokenFile(f"has {frame.height} rows, not {rows}")
    return frame


def decimal(name: str, precision: int, digits: int) -> pl.Expr:
    """A column of scaled integers as the decimals that they stand for. On the way a number takes `digits` more than it
    has, of 38."""
    return pl.col(name).cast(pl.Decimal(38, digits)).truediv(10**digits).cast(pl.Decimal(precision, digits))
