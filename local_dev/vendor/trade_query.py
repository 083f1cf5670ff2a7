"""The parameters of `GET /v3/trades/{ticker}` (rest.md 6.9) and its paging cursor."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import parse_qsl, urlencode

from local_dev.vendor.schedule import NEW_YORK

DEFAULT_LIMIT, LARGEST_LIMIT = 1_000, 50_000
NS_PER_MS = 1_000_000
EARLIEST_MS, LATEST_MS = 0, 10**13
_FILTERS = ("timestamp", "timestamp.gte", "timestamp.gt", "timestamp.lte", "timestamp.lt")
_KEPT = (*_FILTERS, "order", "limit", "sort")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_NUMBER = re.compile(r"\d{1,19}")


class BadParameterError(ValueError):
    """A parameter that cannot be used; the message goes to the client."""


@dataclass(frozen=True, slots=True)
class TradeQuery:
    """Trades with first_ms <= t <= last_ms; `after_row` is the last row of the page before."""

    first_ms: int
    last_ms: int
    descending: bool
    limit: int
    after_row: int | None
    parameters: tuple[tuple[str, str], ...]

    def next_cursor(self, last_row: int) -> str:
        """URL-safe base64 without padding of a query string that holds every filter."""
        text = urlencode([*self.parameters, ("after", str(last_row))])
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def parse_query(query: Mapping[str, str]) -> TradeQuery:
    """Unknown keys are ignored; with a cursor every parameter comes from it. Raises BadParameterError."""
    given = _from_cursor(query["cursor"]) if "cursor" in query else query
    order = given.get("order", "desc")
    if order not in {"asc", "desc"}:
        raise BadParameterError(f"The parameter 'order' must be asc or desc, was {order!r}")
    if given.get("sort", "timestamp") != "timestamp":
        raise BadParameterError(f"The parameter 'sort' must be timestamp, was {given['sort']!r}")
    limit = _number("limit", given.get("limit", str(DEFAULT_LIMIT)))
    if not 1 <= limit <= LARGEST_LIMIT:
        raise BadParameterError(f"The parameter 'limit' must be from 1 to {LARGEST_LIMIT}, was {limit}")
    first_ms, last_ms = _window(given)
    return TradeQuery(
        first_ms=first_ms,
        last_ms=last_ms,
        descending=order == "desc",
        limit=limit,
        after_row=_number("cursor", given["after"]) if "after" in given else None,
        parameters=tuple((key, given[key]) for key in _KEPT if key in given),
    )


def _from_cursor(cursor: str) -> dict[str, str]:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        values = dict(parse_qsl(text, strict_parsing=True))
    except (binascii.Error, ValueError) as error:
        raise BadParameterError("The parameter 'cursor' is not valid") from error
    if "after" not in values:
        raise BadParameterError("The parameter 'cursor' is not valid")
    return values


def _window(given: Mapping[str, str]) -> tuple[int, int]:
    """Both ends included, in ms: the recorded times are whole milliseconds."""
    first_ms, last_ms = EARLIEST_MS, LATEST_MS
    for name in _FILTERS:
        if name not in given:
            continue
        start_ns, end_ns = _span_ns(name, given[name])
        rule = name.partition(".")[2]
        if rule in {"", "gte"}:
            first_ms = max(first_ms, -(-start_ns // NS_PER_MS))
        if rule == "gt":
            first_ms = max(first_ms, (end_ns - 1) // NS_PER_MS + 1)
        if rule in {"", "lte"}:
            last_ms = min(last_ms, (end_ns - 1) // NS_PER_MS)
        if rule == "lt":
            last_ms = min(last_ms, (start_ns - 1) // NS_PER_MS)
    return first_ms, last_ms


def _span_ns(name: str, text: str) -> tuple[int, int]:
    """[start, end) in ns: one New York day for a date, one ns for a Unix time (unit told by its size)."""
    if _NUMBER.fullmatch(text):
        number = int(text)
        unit_ns = next(
            (unit for limit, unit in ((10**11, 10**9), (10**14, 10**6), (10**17, 10**3)) if number < limit), 1
        )
        return number * unit_ns, number * unit_ns + 1
    if _DATE.fullmatch(text):
        try:
            day = date.fromisoformat(text)
            return _midnight_ns(day), _midnight_ns(day + timedelta(days=1))
        except (ValueError, OverflowError):
            pass  # a date that is not in the calendar: the same answer as for any other text
    raise BadParameterError(f"The parameter {name!r} must be a date (YYYY-MM-DD) or a Unix time in ns, was {text!r}")


def _midnight_ns(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=NEW_YORK).timestamp()) * 1_000_000_000


def _number(name: str, text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise BadParameterError(f"The parameter {name!r} must be a whole number, was {text!r}")
    return int(text)
