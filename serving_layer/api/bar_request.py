"""A request for bars, read from Polygon's path and query; unknown query keys are ignored.

Times are Unix ms. A cursor carries what a client drops after the first page; with one, every parameter comes from it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import quote

from serving_layer.api.cursor import Cursor, invalid_cursor
from serving_layer.api.parameters import (
    WHOLE,
    adjusted_of,
    as_of_of,
    choice,
    date_of,
    limit_of,
    one,
    symbol_of,
    unit_of,
)
from serving_layer.api.refusals import BadRequest
from shared.bars.calendar_windows import CALENDAR_UNITS, CalendarWindows, snap_dates
from shared.bars.windows import UNIT_MS, new_york_date, new_york_midnight_ms, snap_range

DEFAULT_LIMIT = 5_000
MOST_LIMIT = 50_000
_NOT_YET = ("second",)
_MILLIS = re.compile(r"0|[1-9][0-9]{0,29}", re.ASCII)
_POSITION = re.compile(r"0|-?[1-9][0-9]{0,29}", re.ASCII)
"""The week that holds the first of 1970 begins before it."""
_TIMESPANS = f"The parameter 'timespan' must be {', '.join([*UNIT_MS, *CALENDAR_UNITS[:-1]])} or {CALENDAR_UNITS[-1]}"
_CALENDAR_MS = range(-(10**11), 253_402_300_800_000)
"""Unix ms that a calendar of four digits has dates for."""


@dataclass(frozen=True, slots=True)
class BarRequest:
    """Windows of `multiplier` timespans, counted from `anchor`, in [start, end); `start` and `end` are ends of windows.

    All three in Unix ms: New York midnights where the timespan is a day or longer (`by_days`).
    """

    sym: str
    multiplier: int
    timespan: str
    anchor: int
    start: int
    end: int
    limit: int
    descending: bool
    adjusted: bool
    as_of: datetime | None = None

    @property
    def by_days(self) -> bool:
        return self.timespan in CALENDAR_UNITS

    @property
    def width_ms(self) -> int:
        """Of windows of minutes and hours."""
        return UNIT_MS[self.timespan] * self.multiplier

    @property
    def days(self) -> CalendarWindows:
        """Windows of days and longer."""
        return CalendarWindows(self.timespan, self.multiplier, new_york_date(self.anchor))

    def after(self, window: int) -> int:
        """End of the window that starts at a time."""
        if self.by_days:
            return new_york_midnight_ms(self.days.after(new_york_date(window)))
        return window + self.width_ms

    def floor(self, t: int) -> int:
        """Start of the window that holds a time."""
        if self.by_days:
            return new_york_midnight_ms(self.days.floor(new_york_date(t)))
        return t - (t - self.anchor) % self.width_ms

    def ended_by(self, t: int) -> "BarRequest":
        """Of these windows those that end by a time (Unix ms)."""
        return replace(self, end=max(self.start, min(self.end, self.floor(t))))

    def path_from(self, window: int) -> str:
        """Path and query of the next page: of the one whose first window starts at a time."""
        return self.path_after(self.after(window) if self.descending else window)

    def path_after(self, position: int) -> str:
        """Path and query of the next page, which starts at `position`: the start of the first window not shown, or,
        descending, the end of the last one."""
        start, end = (self.start, position) if self.descending else (position, self.end)
        spot = _spot(self.sym, self.multiplier, self.timespan, start, end - 1)
        sort = "desc" if self.descending else "asc"
        as_of = "" if self.as_of is None else self.as_of.isoformat()
        cursor = Cursor(self.anchor, position, self.limit, sort, self.adjusted, as_of).encode(spot)
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
    first, last = _whole_windows(from_ms, to_ms, count, timespan)
    return BarRequest(
        sym,
        count,
        timespan,
        anchor=first,
        start=first,
        end=last,
        limit=limit_of(query, DEFAULT_LIMIT, MOST_LIMIT),
        descending=choice(query, "sort", "asc", ("asc", "desc")) == "desc",
        adjusted=adjusted_of(query),
        as_of=as_of_of(query),
    )


def _whole_windows(from_ms: int, to_ms: int, multiplier: int, timespan: str) -> tuple[int, int]:
    """[start, end) of a request, as Polygon widens it."""
    if timespan in UNIT_MS:
        return snap_range(from_ms, to_ms, multiplier, timespan)
    first, last = snap_dates(new_york_date(from_ms), new_york_date(to_ms), multiplier, timespan)
    return new_york_midnight_ms(first), new_york_midnight_ms(last)


def _continued(sym: str, multiplier: int, timespan: str, *, start: str, end: str, text: str) -> BarRequest:
    """The request behind a `next_url`. Anyone can compute a cursor, so what it says must be possible too."""
    cursor = Cursor.decode(text, _spot(sym, multiplier, timespan, start, end))
    if not (_POSITION.fullmatch(start) and _POSITION.fullmatch(end)):
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
        as_of=as_of_of({"as_of": [cursor.as_of]}) if cursor.as_of else None,
    )
    position = request.end if request.descending else request.start
    if cursor.position != position or not 1 <= request.limit <= MOST_LIMIT or not _is_whole(request):
        raise invalid_cursor()
    return request


def _is_whole(request: BarRequest) -> bool:
    """Whether its range is one of windows, at least one."""
    if request.end <= request.start:
        return False
    if request.by_days and not all(t in _CALENDAR_MS for t in (request.anchor, request.start, request.end - 1)):
        return False
    return (
        request.floor(request.start) == request.start and request.after(request.floor(request.end - 1)) == request.end
    )


def _spot(sym: str, multiplier: int, timespan: str, start: int | str, end: int | str) -> str:
    """The part of a path that names the bars."""
    return f"{quote(sym, safe='')}/range/{multiplier}/{timespan}/{start}/{end}"


def _multiplier(text: str) -> int:
    if not WHOLE.fullmatch(text):
        raise BadRequest("The parameter 'multiplier' must be a whole number from 1 to 999999999")
    return int(text)


def _check_timespan(text: str) -> None:
    if text in _NOT_YET:
        raise BadRequest(f"{_TIMESPANS}: other timespans are not served yet")
    if text not in UNIT_MS and text not in CALENDAR_UNITS:
        raise BadRequest(_TIMESPANS)


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
