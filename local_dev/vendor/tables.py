"""What lies beside the trades of a data folder: `daily/` and `minute/` bars, `corporate_actions.csv`, `tickers.csv`.

Numbers stay the text they were written as, so that what goes out is what the source said.
"""

import csv
import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import NamedTuple

from local_dev.vendor.errors import WrongInputError
from shared.bars.windows import new_york_date

BAR_COLUMNS = ("ticker", "volume", "open", "close", "high", "low", "window_start", "transactions")
ACTION_COLUMNS = ("ticker", "ex_date", "split_from", "split_to", "cash_amount")
NS_PER_MS = 1_000_000
_JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"\d{1,19}", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class BarRow(NamedTuple):
    """A bar; `t_ms` = start of its window, Unix ms. The numbers are JSON texts; `count` "0" and `vwap` "" mean not
    known."""

    t_ms: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    count: str  # type: ignore[assignment]  # the name of the contract; tuple.count is of no use here
    vwap: str = ""


class Action(NamedTuple):
    """A split (`split_from` shares became `split_to`) or a dividend (`cash`), with the other texts empty."""

    ticker: str
    day: str
    split_from: str
    split_to: str
    cash: str


@dataclass(frozen=True, slots=True)
class Tables:
    """Bars by symbol, oldest first; daily bars by trade date and symbol; fields of tickers by symbol."""

    daily: dict[str, list[BarRow]] = field(default_factory=dict)
    minute: dict[str, list[BarRow]] = field(default_factory=dict)
    grouped: dict[date, list[tuple[str, BarRow]]] = field(default_factory=dict)
    actions: list[Action] = field(default_factory=list)
    tickers: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def symbols(self) -> list[str]:
        return sorted({*self.daily, *self.minute, *self.tickers})


def load_tables(path: Path) -> Tables:
    """The tables of a folder; none of a file, or of a folder without. Raises WrongInputError naming file and line."""
    daily, minute = _bars(path / "daily"), _bars(path / "minute")
    grouped: dict[date, list[tuple[str, BarRow]]] = {}
    for symbol in sorted(daily):
        for row in daily[symbol]:
            grouped.setdefault(new_york_date(row.t_ms), []).append((symbol, row))
    return Tables(daily, minute, grouped, _actions(path / "corporate_actions.csv"), _tickers(path / "tickers.csv"))


def _bars(folder: Path) -> dict[str, list[BarRow]]:
    bars: dict[str, list[BarRow]] = {}
    files = sorted(file for file in folder.iterdir() if ".csv" in file.suffixes) if folder.is_dir() else []
    for file in files:
        for where, row in _rows(file, BAR_COLUMNS):
            _check(where, "window_start", row["window_start"], _WHOLE)
            for name in BAR_COLUMNS[1:]:
                _check(where, name, row[name], _JSON_NUMBER)
            texts = (row[name] for name in ("open", "high", "low", "close", "volume", "transactions"))
            bars.setdefault(row["ticker"], []).append(BarRow(int(row["window_start"]) // NS_PER_MS, *texts))
    for rows in bars.values():
        rows.sort(key=lambda row: row.t_ms)
    return bars


def _actions(file: Path) -> list[Action]:
    actions = []
    for where, row in _rows(file, ACTION_COLUMNS):
        _check(where, "ex_date", row["ex_date"], _DATE)
        is_split = bool(row["split_from"])
        for name in ("split_from", "split_to") if is_split else ("cash_amount",):
            _check(where, name, row[name], _JSON_NUMBER)
        actions.append(Action(*(row[name] for name in ACTION_COLUMNS)))
    return actions


def _tickers(file: Path) -> dict[str, dict[str, str]]:
    """Whatever columns the file has: they go out under their names, empty ones left out."""
    return {row["ticker"]: {name: text for name, text in row.items() if text} for _, row in _rows(file, ("ticker",))}


def _rows(file: Path, columns: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    """(file and line, values by column name) of a CSV file with a header, gzip by its name; none without the file."""
    if not file.is_file():
        return
    try:
        data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        lines = data.decode().splitlines()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise WrongInputError(f"{file} cannot be read: {error}") from error
    reader = csv.DictReader(lines, restval="")
    missing = [name for name in columns if name not in (reader.fieldnames or [])]
    if missing:
        raise WrongInputError(f"{file} has no column {', '.join(missing)}")
    for row in reader:
        yield f"{file} line {reader.line_num}", row


def _check(where: str, name: str, text: str, pattern: re.Pattern[str]) -> None:
    if not pattern.fullmatch(text):
        raise WrongInputError(f"{where}: {name} cannot be {text!r}")
