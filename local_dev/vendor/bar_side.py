"""Bars over REST: custom bars of days and minutes, and the whole market's bars of one day (rest.md 6.1, 6.2)."""

import json
from collections.abc import Iterable
from datetime import timedelta

from aiohttp import web

from local_dev.vendor.adjusting import adjust_row, adjustments
from local_dev.vendor.answers import envelope
from local_dev.vendor.bar_source import BarSource
from local_dev.vendor.parameters import (
    NS_PER_MS,
    BadParameterError,
    day_of,
    limit_of,
    one_of,
    read_cursor,
    span_ns,
    write_cursor,
    yes_or_no,
)
from local_dev.vendor.tables import Action, BarRow
from shared.bars.sessions import SessionTable
from shared.bars.windows import new_york_date, new_york_midnight_ms, snap_range

DEFAULT_LIMIT, LARGEST_LIMIT = 5_000, 50_000
RANGE_PATH = "/v2/aggs/ticker/{ticker}/range/{multiplier}/{timespan}/{first}/{last}"
GROUPED_PATH = "/v2/aggs/grouped/locale/us/market/stocks/{date}"


class BarSide:
    """`sessions` tell when a day ends, which is the time of the whole market's bars. `actions`: splits among them."""

    def __init__(self, bars: BarSource, actions: Iterable[Action], sessions: SessionTable) -> None:
        self._bars = bars
        self._adjustments = adjustments(actions)
        self._sessions = sessions

    async def custom(self, request: web.Request, request_id: str) -> bytes:
        """Bars of one symbol, oldest first unless asked otherwise; `limit` bars a page."""
        given = read_cursor(request.query["cursor"]) if "cursor" in request.query else dict(request.query)
        place, ticker = request.match_info, request.match_info["ticker"]
        timespan = one_of("timespan", place["timespan"], ("day", "minute"))
        if place["multiplier"] != "1":
            raise BadParameterError(f"The parameter 'multiplier' must be 1 here, was {place['multiplier']!r}")
        descending = one_of("sort", given.get("sort", "asc"), ("asc", "desc")) == "desc"
        limit = limit_of(given.get("limit", str(DEFAULT_LIMIT)), LARGEST_LIMIT)
        start, end = _window(timespan, place["first"], place["last"])
        read = self._bars.days if timespan == "day" else self._bars.minutes
        found = await read(ticker, start, end)
        adjusted = yes_or_no("adjusted", given.get("adjusted", "true"))
        shown = found[: -limit - 1 : -1] if descending else found[:limit]
        head: dict[str, object] = {"ticker": ticker, "queryCount": len(shown), "adjusted": adjusted}
        if len(found) > limit:
            following = found[-limit - 1] if descending else found[limit]
            ends = (place["first"], str(following.t_ms)) if descending else (str(following.t_ms), place["last"])
            path = f"/v2/aggs/ticker/{ticker}/range/1/{timespan}/{'/'.join(ends)}"
            kept = {"adjusted": "true", "limit": str(limit), "sort": "asc"} | given
            cursor = write_cursor((name, kept[name]) for name in ("adjusted", "limit", "sort"))
            head["next_url"] = f"{request.scheme}://{request.host}{path}?cursor={cursor}"
        return _answer(head, request_id, [_bar(row, row.t_ms) for row in self._told(ticker, shown, adjusted)])

    async def grouped(self, request: web.Request, request_id: str) -> bytes:
        """The bars of one trade date, of all symbols; their time is the end of the session, and still of that date."""
        day = day_of("date", request.match_info["date"])
        rows = await self._bars.market(day)
        session = self._sessions.day(day)
        t_ms = min(session.regular_close, session.end - 1) if session else new_york_midnight_ms(day)
        adjusted = yes_or_no("adjusted", request.query.get("adjusted", "true"))
        head: dict[str, object] = {"queryCount": len(rows), "adjusted": adjusted}
        bars = [_bar(one, t_ms, symbol) for symbol, row in rows for one in self._told(symbol, [row], adjusted)]
        return _answer(head, request_id, bars)

    def _told(self, ticker: str, rows: list[BarRow], adjusted: bool) -> Iterable[BarRow]:
        """The rows as they were written; adjusted, as far as a split came after them."""
        adjustment = self._adjustments.get(ticker) if adjusted else None
        return rows if adjustment is None else (adjust_row(row, adjustment.factor_at(row.t_ms)) for row in rows)


def _window(timespan: str, first: str, last: str) -> tuple[int, int]:
    """[start, end) in Unix ms: both ends of the request moved outward to whole units."""
    from_ms, to_ms = span_ns("from", first)[0] // NS_PER_MS, (span_ns("to", last)[1] - 1) // NS_PER_MS
    if to_ms < from_ms:
        raise BadParameterError("The parameter 'to' cannot be a time that occurs before 'from'")
    if timespan == "minute":
        return snap_range(from_ms, to_ms, 1, "minute")
    try:
        after = new_york_date(to_ms) + timedelta(days=1)
        return new_york_midnight_ms(new_york_date(from_ms)), new_york_midnight_ms(after)
    except (OverflowError, ValueError) as error:
        raise BadParameterError("The parameters 'from' and 'to' must be dates of any market") from error


def _bar(row: BarRow, t_ms: int, ticker: str | None = None) -> bytes:
    name = "" if ticker is None else f'"T":{json.dumps(ticker)},'
    count = "" if row.count == "0" else f',"n":{row.count}'
    vwap = f',"vw":{row.vwap}' if row.vwap else ""
    prices = f'"o":{row.open},"c":{row.close},"h":{row.high},"l":{row.low}'
    return f'{{{name}"v":{row.volume}{vwap},{prices},"t":{t_ms}{count}}}'.encode()


def _answer(head: dict[str, object], request_id: str, bars: Iterable[bytes]) -> bytes:
    """Nothing found is said by counts of 0 and no `results`, as the vendor says it."""
    bars = list(bars)
    counts = {"resultsCount": len(bars), "status": "OK", "request_id": request_id, "count": len(bars)}
    return envelope(head | counts, "results", bars) if bars else json.dumps(head | counts).encode()
