"""Rows of a file as bars, each checked by itself; one that breaks a rule is told with its line and the reason."""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Literal, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from batch_layer.fetch.rows import Texts, daily_bar
from batch_layer.fetch.units import Refused
from batch_layer.imports.mapping import Places
from batch_layer.imports.tables import Line, Table
from batch_layer.imports.times import day_of, minute_of
from shared.bars.sessions import SessionTable
from shared.bars.windows import new_york_date
from shared.errors import InvalidRecord
from shared.models.bar import MinuteBar
from shared.models.daily import DailyBar

Kind = Literal["daily", "minute"]
Bar = DailyBar | MinuteBar
B = TypeVar("B", bound=Bar)


class Asked(NamedTuple):
    """How a file is to be read. `symbol`: of all rows, where the file has no column for it; `zone`: of its times;
    `today`: later days are no history."""

    places: Places
    symbol: str | None
    zone: ZoneInfo
    today: date


class Wrong(NamedTuple):
    """A row that breaks a rule, for the quarantine, and the line it is in."""

    number: int
    refused: Refused


class Rows:
    """Makes bars of single rows, exactly what was written. Raises InvalidRecord."""

    def __init__(self, asked: Asked, sessions: SessionTable) -> None:
        self._asked, self._sessions = asked, sessions
        self._wrong_days: dict[date, tuple[str, str] | None] = {}

    def daily(self, line: Line) -> DailyBar:
        return self._bar(line, day_of(line.cells[self._asked.places.ts], self._asked.zone))

    def minute(self, line: Line) -> MinuteBar:
        t = minute_of(line.cells[self._asked.places.ts], self._asked.zone)
        sym, _, *numbers = self._bar(line, new_york_date(t))
        return MinuteBar(sym, t, *numbers)  # type: ignore[arg-type]  # no price is None: `_bar` refuses that

    def _bar(self, line: Line, day: date) -> DailyBar:
        places, cells = self._asked.places, line.cells
        opened, high, low, closed, volume = (
            _text(cells[place]) for place in (places.open, places.high, places.low, places.close, places.volume)
        )
        vwap, count = _optional(cells, places.vwap), _optional(cells, places.count)
        sym = self._asked.symbol if places.sym is None else _text(cells[places.sym])
        bar = daily_bar(sym or "", day, Texts(opened, high, low, closed, volume, vwap, count))
        if not bar.low <= bar.open <= bar.high or not bar.low <= bar.close <= bar.high:  # type: ignore[operator]  # as above
            raise InvalidRecord("range", f"open {opened} and close {closed} must be from low {low} to high {high}")
        self._check(day)
        return bar

    def _check(self, day: date) -> None:
        """Raises InvalidRecord `future`, `no_session`. What was found of a day is remembered."""
        if day not in self._wrong_days:
            self._wrong_days[day] = self._wrong(day)
        if wrong := self._wrong_days[day]:
            raise InvalidRecord(*wrong)

    def _wrong(self, day: date) -> tuple[str, str] | None:
        if day > self._asked.today:
            return "future", f"{day} is still to come"
        if day >= self._sessions.first and self._sessions.day(day) is None:
            return "no_session", f"{day} is no trade date"
        return None


def read(table: Table, make: Callable[[Line], B], name: str) -> Iterator[B | Wrong]:
    """The bars of a table in its order, made of its lines one by one, and the rows that break a rule.

    A bar that is there again is taken once; of two that differ the first is taken. `name`: how the file is called in
    what is set aside. Raises WrongFile.
    """
    seen: dict[tuple[str, date | int], tuple[int, int]] = {}
    columns = table.columns
    for line in table.lines():
        try:
            if len(line.cells) != len(columns):
                raise InvalidRecord("shape", f"has {len(line.cells)} cells where {len(columns)} are named")
            bar = make(line)
            values, first = seen.setdefault((bar[0], bar[1]), (hash(bar), line.number))
            if values != hash(bar):
                raise InvalidRecord("duplicate", f"differs from line {first}, which is the same bar")
        except InvalidRecord as error:
            told = {"file": name, "line": line.number, "why": str(error), "row": _named(columns, line.cells)}
            raw = json.dumps(told, default=str).encode()
            yield Wrong(line.number, Refused(raw, error.reason, str(error)))
        else:
            if first == line.number:
                yield bar


def _named(columns: Sequence[str], cells: Sequence[object]) -> dict[str, object]:
    """Cells by their columns; more cells than columns stand together under the name ""."""
    named = dict(zip(columns, cells, strict=False))
    return {**named, "": list(cells[len(columns) :])} if len(cells) > len(columns) else named


def _text(cell: object) -> str:
    return "" if cell is None else str(cell)


def _optional(cells: Sequence[object], place: int | None) -> str | None:
    """What is not told is nothing, or in Parquet no number."""
    cell = None if place is None else cells[place]
    return None if cell is None or (isinstance(cell, float) and math.isnan(cell)) else str(cell)
