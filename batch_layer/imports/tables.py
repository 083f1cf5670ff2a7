"""Files of rows: CSV (also gzip) and Parquet, read row by row with the numbers that people find rows by."""

import codecs
import csv
import gzip
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import polars as pl

from batch_layer.imports.wrong_file import WrongFile

ROWS_AT_ONCE = 65_536
DELIMITERS = ",;\t|"
PARQUET = (".parquet", ".pq")


class Line(NamedTuple):
    """`number`: the line of a text file, counted from 1 with its header, or the row of a Parquet file from 1. `cells`:
    texts, or what the Parquet file has; None where there is nothing."""

    number: int
    cells: Sequence[object]


class Table(Protocol):
    @property
    def columns(self) -> list[str]: ...

    def lines(self) -> Iterator[Line]:
        """Raises WrongFile where the file cannot be read on."""
        ...


def open_table(path: Path) -> Table:
    """By its name. Raises WrongFile for what is no such file."""
    return ParquetTable(path) if path.suffix.lower() in PARQUET else CsvTable(path)


class CsvTable:
    """Comma, semicolon, tab or bar between cells, the first line says what they are. UTF-8; bytes that are none of it
    come as backslashes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        header = next(self._texts(), "")
        self._delimiter = max(DELIMITERS, key=header.count)
        self.columns = [name.strip() for name in next(csv.reader([header], delimiter=self._delimiter), [])]
        if not any(self.columns):
            raise WrongFile(f"{path} is empty")

    def lines(self) -> Iterator[Line]:
        reader = csv.reader(self._texts(), delimiter=self._delimiter)
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                raise WrongFile(f"{self._path} line {reader.line_num}: {error}") from error
            if cells is None:
                return
            if cells and reader.line_num > 1:
                yield Line(reader.line_num, [cell.strip() or None for cell in cells])

    def _texts(self) -> Iterator[str]:
        try:
            zipped = self._path.suffix == ".gz"
            with gzip.open(self._path) if zipped else self._path.open("rb") as file:
                first = True
                for line in file:
                    yield (line.removeprefix(codecs.BOM_UTF8) if first else line).decode(errors="backslashreplace")
                    first = False
        except (OSError, EOFError, zlib.error) as error:
            raise WrongFile(f"{self._path} cannot be read: {error}") from error


class ParquetTable:
    """As many rows at a time as fit in memory whatever the file's size."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self.columns = list(pl.read_parquet_schema(path))
        except (OSError, pl.exceptions.PolarsError) as error:
            raise WrongFile(f"{path} cannot be read: {error}") from error

    def lines(self) -> Iterator[Line]:
        number = 0
        while True:
            try:
                rows = pl.scan_parquet(self._path).slice(number, ROWS_AT_ONCE).collect()
            except (OSError, pl.exceptions.PolarsError) as error:
                raise WrongFile(f"{self._path} cannot be read: {error}") from error
            if rows.is_empty():
                return
            for cells in rows.iter_rows():
                number += 1
                yield Line(number, cells)
