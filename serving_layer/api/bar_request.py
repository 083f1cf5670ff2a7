"""A request for bars, read from Polygon's path and query; unknown query keys are ignored.

Times are Unix ms. A cursor carries what a client drops after the first page; with one, every parameter comes from it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote

from serving_layer.api.cursor import Cursor, invalid_cursor
from serving_layer.api.parameters import WHOLE, choice, date_of, limit_of, one, symbol_of, unit_of
from serving_layer.api.refusals import BadRequest
from shared.bars.windows import UNIT_MS, new_york_midnight_ms, snap_range

DEFAULT_LIMIT = 5_000
MOST_LIMIT = 50_000
_NOT_YET = ("second", "day", "week", "month", "quarter", "year")
_MILLIS = re.compile(r"0|[1-9][0-9]{0,29}", re.ASCII)


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
    sym, count = symbol_of(ticker), _multiplier(multiplier)
    _check_timespan(timespan)
    cursor = one(query, "cursor")
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
        limit=limit_of(query, DEFAULT_LIMIT, MOST_LIMIT),
        descending=choice(query, "sort", "asc", ("asc", "desc")) == "desc",
        adjusted=choice(query, "adjusted", "true", ("true", "false")) == "true",
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


def _multiplier(text: str) -> int:
    if not WHOLE.fullmatch(text):
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
    day = date_of(rule, text)
    if day is not None:
        return new_york_midnight_ms(day + timedelta(days=1)) - 1 if name == "to" else new_york_midnight_ms(day)
    if not _MILLIS.fullmatch(text):
        raise BadRequest(rule)
    unit = unit_of(int(text))
    if unit != "milliseconds" and text != "0":
        raise BadRequest(f"{rule}: this number looks like {unit}")
    return int(text)
