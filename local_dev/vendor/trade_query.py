"""The parameters of `GET /v3/trades/{ticker}` (rest.md 6.9) and its paging cursor."""

from collections.abc import Mapping
from dataclasses import dataclass

from local_dev.vendor.parameters import NS_PER_MS, limit_of, number, one_of, read_cursor, span_ns, write_cursor

DEFAULT_LIMIT, LARGEST_LIMIT = 1_000, 50_000
EARLIEST_MS, LATEST_MS = 0, 10**13
_FILTERS = ("timestamp", "timestamp.gte", "timestamp.gt", "timestamp.lte", "timestamp.lt")
_KEPT = (*_FILTERS, "order", "limit", "sort")


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
        """The next page's: every filter is in it."""
        return write_cursor([*self.parameters, ("after", str(last_row))])


def parse_query(query: Mapping[str, str]) -> TradeQuery:
    """Unknown keys are ignored; with a cursor every parameter comes from it. Raises BadParameterError."""
    given = read_cursor(query["cursor"], "after") if "cursor" in query else query
    order = one_of("order", given.get("order", "desc"), ("asc", "desc"))
    one_of("sort", given.get("sort", "timestamp"), ("timestamp",))
    limit = limit_of(given.get("limit", str(DEFAULT_LIMIT)), LARGEST_LIMIT)
    first_ms, last_ms = _window(given)
    return TradeQuery(
        first_ms=first_ms,
        last_ms=last_ms,
        descending=order == "desc",
        limit=limit,
        after_row=number("cursor", given["after"]) if "after" in given else None,
        parameters=tuple((key, given[key]) for key in _KEPT if key in given),
    )


def _window(given: Mapping[str, str]) -> tuple[int, int]:
    """Both ends included, in ms: the recorded times are whole milliseconds."""
    first_ms, last_ms = EARLIEST_MS, LATEST_MS
    for name in _FILTERS:
        if name not in given:
            continue
        start_ns, end_ns = span_ns(name, given[name])
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
