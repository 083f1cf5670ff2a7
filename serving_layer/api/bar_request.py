"""A request for bars, read from Polygon's path and query; unknown query keys are ignored.

Times are Unix ms. A cursor carries what a client drops after the first page; with one, every parameter comes from it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import quote, unquote

from serving_layer.api.cursor import Cursor, invalid_cursor
from serving_layer.api.refusals import BadRequest
from shared.bars.windows import UNIT_MS, new_york_midnight_ms, snap_range
from shared.errors import InvalidRecord
from shared.polygon.trades import check_symbol

DEFAULT_LIMIT = 5_000
MOST_LIMIT = 50_000
_NOT_YET = ("second", "day", "week", "month", "quarter", "year")
_WHOLE = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_MILLIS = re.compile(r"0|[1-9][0-9]{0,29}", re.ASCII)
_YEARS = range(1970, 3000)
_MAGNITUDES = ((10**11, "seconds"), (10**14, "milliseconds"), (10**17, "microseconds"), (10**30, "nanoseconds"))
"""Unix times below these are taken to be in this unit; as milliseconds, 10^11 is in 1973 and 10^14 in 5138."""


@dataclass(frozen=True, slots=True)
class BarRequest:
    """Windows of `width_ms`, counted from `anchor`, in [start, end); `start` and `end` are ends of windows."""

    sym: str
    multiplier: int
    timespan: str
    anchor: int
    start: int
    end: int
    limit: int
    descending: bool
    adjusted: bool

    @property
    def width_ms(self) -> int:
        return UNIT_MS[self.timespan] * self.multiplier

    def path_after(self, position: int) -> str:
        """Path and query of the next page, which starts at `position`: the start of the first window not shown, or,
        descending, the end of the last one."""
        start, end = (self.start, position) if self.descending else (position, self.end)
        spot = _spot(self.sym, self.multiplier, self.timespan, start, end - 1)
        sort = "desc" if self.descending else "asc"
        cursor = Cursor(self.anchor, position, self.limit, sort, self.adjusted).encode(spot)
        return f"/v2/aggs/ticker/{spot}?cursor={cursor}"


def read_request(
    *, ticker: str, multiplier: str, timespan: str, start: str, end: str, query: Mapping[str, Sequence[str]]
) -> BarRequest:
    """The request, checked. Raises BadRequest, whose text names the parameter and its rule."""
    sym, count = _symbol(ticker), _multiplier(multiplier)
    _check_timespan(timespan)
    cursor = _one(query, "cursor")
    if cursor is not None:
        return _continued(sym, count, timespan, start=start, end=end, text=cursor)
    from_ms, to_ms = _time("from", start), _time("to", end)
    if to_ms < from_ms:
        raise BadRequest("The parameter 'to' cannot be a time that occurs before 'from'")
    first, last = snap_range(from_ms, to_ms, count, timespan)
    return BarRequest(
        sym,
        count,
        timespan,
        anchor=first,
        start=first,
        end=last,
        limit=_limit(_one(query, "limit")),
        descending=_choice(query, "sort", "asc", ("asc", "desc")) == "desc",
        adjusted=_choice(query, "adjusted", "true", ("true", "false")) == "true",
    )


def _continued(sym: str, multiplier: int, timespan: str, *, start: str, end: str, text: str) -> BarRequest:
    """The request behind a `next_url`. Anyone can compute a cursor, so what it says must be possible too."""
    cursor = Cursor.decode(text, _spot(sym, multiplier, timespan, start, end))
    if not (_MILLIS.fullmatch(start) and _MILLIS.fullmatch(end)):
        raise invalid_cursor()
    request = BarRequest(
        sym,
        multiplier,
        timespan,
        anchor=cursor.anchor,
        start=int(start),
        end=int(end) + 1,
        limit=cursor.limit,
        descending=cursor.sort == "desc",
        adjusted=cursor.adjusted,
    )
    position = request.end if request.descending else request.start
    off = (request.start - request.anchor) % request.width_ms or (request.end - request.anchor) % request.width_ms
    if cursor.position != position or off or request.end <= request.start or not 1 <= request.limit <= MOST_LIMIT:
        raise invalid_cursor()
    return request


def _spot(sym: str, multiplier: int, timespan: str, start: int | str, end: int | str) -> str:
    """The part of a path that names the bars."""
    return f"{quote(sym, safe='')}/range/{multiplier}/{timespan}/{start}/{end}"


def _symbol(ticker: str) -> str:
    try:
        return check_symbol(unquote(ticker))
    except InvalidRecord as error:
        raise BadRequest("The parameter 'ticker' must be 1 to 16 letters, digits or . - /") from error


def _multiplier(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise BadRequest("The parameter 'multiplier' must be a whole number from 1 to 999999999")
    return int(text)


def _check_timespan(text: str) -> None:
    if text in _NOT_YET:
        raise BadRequest("The parameter 'timespan' must be minute or hour: other timespans are not served yet")
    if text not in UNIT_MS:
        raise BadRequest("The parameter 'timespan' must be minute or hour")


def _time(name: str, text: str) -> int:
    """Unix ms of a date (New York) or of a number: for `to`, the last one of the day."""
    rule = f"The parameter '{name}' must be a date as YYYY-MM-DD or a Unix time in milliseconds"
    if _DATE.fullmatch(text):
        try:
            day = date.fromisoformat(text)
        except ValueError as error:
            raise BadRequest(f"{rule}: there is no such date") from error
        if day.year not in _YEARS:
            raise BadRequest(f"{rule}, of a year from {_YEARS[0]} to {_YEARS[-1]}")
        return new_york_midnight_ms(day + timedelta(days=1)) - 1 if name == "to" else new_york_midnight_ms(day)
    if not _MILLIS.fullmatch(text):
        raise BadRequest(rule)
    unit = next(unit for below, unit in _MAGNITUDES if int(text) < below)
    if unit != "milliseconds" and text != "0":
        raise BadRequest(f"{rule}: this number looks like {unit}")
    return int(text)


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not _WHOLE.fullmatch(text) or int(text) > MOST_LIMIT:
        raise BadRequest(f"The parameter 'limit' must be a whole number from 1 to {MOST_LIMIT}")
    return int(text)


def _choice(query: Mapping[str, Sequence[str]], name: str, default: str, allowed: tuple[str, str]) -> str:
    text = _one(query, name)
    if text is None:
        return default
    if text.lower() not in allowed:
        raise BadRequest(f"The parameter '{name}' must be {allowed[0]} or {allowed[1]}")
    return text.lower()


def _one(query: Mapping[str, Sequence[str]], name: str) -> str | None:
    """The value of a query key. Raises BadRequest where it is given twice: either choice would be a guess."""
    values = query.get(name) or ()
    if len(values) > 1:
        raise BadRequest(f"The parameter '{name}' must be given once")
    return values[0] if values else None
