"""A request for trades, read from Polygon's path and query (`GET /v3/trades/{ticker}`); unknown keys are ignored.

Filters are Unix nanoseconds, or dates, which stand for New York days. Trades have whole milliseconds, so a range of
them says all that filters can. A cursor carries what a client drops after the first page.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote

from serving_layer.api.cursor import invalid_cursor, seal, unseal
from serving_layer.api.parameters import Query, choice, date_of, limit_of, one, symbol_of, unit_of
from serving_layer.api.refusals import BadRequest
from shared.bars.windows import END_OF_TIME_MS, new_york_midnight_ms
from shared.stores.ticks import Order

DEFAULT_LIMIT = 1_000
MOST_LIMIT = 50_000
NS_PER_MS = 1_000_000
_NS = {"seconds": 10**9, "milliseconds": 10**6, "microseconds": 10**3, "nanoseconds": 1}
_TIME = re.compile(r"[0-9]{1,19}", re.ASCII)


@dataclass(frozen=True, slots=True)
class TradeRequest:
    """Trades of [start, end), Unix ms, that come after `after` in the order asked for."""

    sym: str
    start: int
    end: int
    limit: int
    descending: bool
    after: Order | None = None

    @property
    def span(self) -> tuple[int, int]:
        """Start and end of what is still to be read: trades of the millisecond of `after` are in it."""
        if self.after is None:
            return self.start, self.end
        return (self.start, self.after[0] + 1) if self.descending else (self.after[0], self.end)

    def is_shown(self, order: Order) -> bool:
        """Whether a trade of the span was on a page before."""
        if self.after is None:
            return False
        return order >= self.after if self.descending else order <= self.after

    def path_after(self, last: Order) -> str:
        """Path and query of the page that follows the one with this last trade."""
        spot = _spot(self.sym)
        fields = {"start": self.start, "end": self.end, "limit": self.limit}
        fields["descending"] = int(self.descending)
        position = dict(zip(("t", "q", "x", "trfi", "i"), last, strict=True))
        return f"{spot}?cursor={seal({**fields, **position}, spot)}"


def read_request(ticker: str, query: Query) -> TradeRequest:
    """The request, checked. Raises BadRequest, whose text names the parameter and its rule."""
    sym = symbol_of(ticker)
    cursor = one(query, "cursor")
    if cursor is not None:
        return _continued(sym, cursor)
    choice(query, "sort", "timestamp", ("timestamp",))
    start, end = _span(query)
    limit = limit_of(query, DEFAULT_LIMIT, MOST_LIMIT)
    return TradeRequest(sym, start, end, limit, choice(query, "order", "desc", ("asc", "desc")) == "desc")


def _continued(sym: str, cursor: str) -> TradeRequest:
    """The request behind a `next_url`. Anyone can compute a cursor, so what it says must be possible too."""
    fields = unseal(cursor, _spot(sym))
    try:
        after = (int(fields["t"]), int(fields["q"]), int(fields["x"]), int(fields["trfi"]), fields["i"])
        start, end, limit = int(fields["start"]), int(fields["end"]), int(fields["limit"])
        descending = {"0": False, "1": True}[fields["descending"]]
    except (ValueError, KeyError) as error:
        raise invalid_cursor() from error
    if not (0 <= start <= after[0] < end <= END_OF_TIME_MS and 1 <= limit <= MOST_LIMIT):
        raise invalid_cursor()
    return TradeRequest(sym, start, end, limit, descending, after)


def _spot(sym: str) -> str:
    return f"/v3/trades/{quote(sym, safe='')}"


def _span(query: Query) -> tuple[int, int]:
    """[start, end) in Unix ms of all filters together; empty where they exclude one another."""
    starts, ends = [0], [END_OF_TIME_MS * NS_PER_MS]
    for suffix in ("", ".gte", ".gt", ".lte", ".lt"):
        text = one(query, f"timestamp{suffix}")
        if text is not None:
            first, after = _instant_ns(f"timestamp{suffix}", text)
            starts += {"": [first], ".gte": [first], ".gt": [after]}.get(suffix, [])
            ends += {"": [after], ".lte": [after], ".lt": [first]}.get(suffix, [])
    start, end = (-(-bound // NS_PER_MS) for bound in (max(starts), min(ends)))
    return start, max(start, end)


def _instant_ns(name: str, text: str) -> tuple[int, int]:
    """[first, after) in Unix ns: a New York day, or one nanosecond; the unit of a number is told by its size."""
    rule = f"The parameter '{name}' must be a date as YYYY-MM-DD or a Unix time in nanoseconds"
    day = date_of(rule, text)
    if day is not None:
        midnights = (new_york_midnight_ms(day), new_york_midnight_ms(day + timedelta(days=1)))
        return midnights[0] * NS_PER_MS, midnights[1] * NS_PER_MS
    if not _TIME.fullmatch(text):
        raise BadRequest(rule)
    first = int(text) * _NS[unit_of(int(text))]
    return first, first + 1
