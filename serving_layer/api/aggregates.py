"""`GET /v2/aggs/ticker/...`: bars of any number of minutes, hours, days and longer, as Polygon's custom bars."""

from collections.abc import Callable
from datetime import date

import msgspec
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from serving_layer.api.access import BARS, check_scope
from serving_layer.api.bar_request import BarRequest, read_request
from serving_layer.api.bar_texts import text_of_days, text_of_minutes
from serving_layer.api.delay import seen_until
from serving_layer.api.holes import marked
from serving_layer.api.pages import Page, read_page
from serving_layer.api.refusals import BadRequest
from serving_layer.api.replies import base_url, reply, request_id
from serving_layer.api.short_days import short_days
from serving_layer.api.wiring import Services
from shared.bars.windows import new_york_date, new_york_midnight_ms
from shared.polygon.answers import aggregates
from shared.stores.answers import OPEN_S

RULE = "/v2/aggs/ticker/<ticker>/range/<multiplier>/<timespan>/<start>/<end>"
RULES = (RULE,)
RESERVE_MS = 3_000
"""Left of a function's time, a page ends here: what has been read must still be written out."""


_json = msgspec.json.Encoder()


class Kept(msgspec.Struct, array_like=True):
    """What of an answer is not the request's own: bars, minutes or days read for them, and the window that the next
    page starts with (Unix ms)."""

    texts: list[str]
    query_count: int
    rest: int | None


def register(app: APIGatewayRestResolver, wire: Callable[[], Services]) -> None:
    """Put the route on the application."""

    @app.get(RULE)
    def bars(ticker: str, multiplier: str, timespan: str, start: str, end: str) -> Response[str | bytes]:
        event = app.current_event
        check_scope(event, BARS)
        request = read_request(
            ticker=ticker,
            multiplier=multiplier,
            timespan=timespan,
            start=start,
            end=end,
            query=event.multi_value_query_string_parameters or {},
        )
        base = base_url(event)
        services, context = wire(), app.lambda_context
        seen = seen_until(event, services.market)
        if seen is not None:
            request = request.ended_by(seen)
        if request.by_days and services.daily is None:
            raise BadRequest("The parameter 'timespan' must be minute or hour: other timespans are not served yet")

        def make() -> Kept:
            return read(services, request, lambda: context.get_remaining_time_in_millis() < RESERVE_MS)

        def seconds(page: Kept) -> int:
            longest = services.market.keep_named_s(request.end)
            return longest if page.texts else min(OPEN_S, longest)

        page, shared_s = services.answers.remembered(
            services.market.named(f"{RULE}?{_json.encode(request).decode()}"), Kept, make, seconds
        )
        body = aggregates(
            request.sym,
            page.texts,
            query_count=page.query_count,
            adjusted=services.adjusts(wanted=request.adjusted),
            request_id=request_id(event),
            next_url=None if page.rest is None else base + request.path_from(page.rest),
        )
        return reply(event, body, shared_s=shared_s)


def read(services: Services, request: BarRequest, late: Callable[[], bool]) -> Kept:
    """One page of a request. Raises StoreUnavailable."""
    if request.by_days:
        page = read_days(services, request, late)
        rest = None if page.rest is None else new_york_midnight_ms(page.rest)
        return Kept(page.texts, page.query_count, rest)
    minutes = read_minutes(services, request, late)
    return Kept(minutes.texts, minutes.query_count, minutes.rest)


def read_minutes(services: Services, request: BarRequest, late: Callable[[], bool]) -> Page[int]:
    """From the tables and the forming minutes."""
    adjustment = services.adjustment(request.sym, request.as_of, wanted=request.adjusted)
    minutes = services.history.minutes(
        request.sym, request.start, request.end, int(services.now_s()), reverse=request.descending, as_of=request.as_of
    )
    anchor, width = request.anchor, request.width_ms
    text = text_of_minutes(request, adjustment)
    if holes := services.holes.within(request.start, request.end, request.as_of):
        text = marked(text, lambda window: any(hole.start < window + width and window < hole.end for hole in holes))
    return read_page(minutes, lambda t: t - (t - anchor) % width, text, request.limit, late)


def read_days(services: Services, request: BarRequest, late: Callable[[], bool]) -> Page[date]:
    """From the stored days, and minutes for those that are not stored yet."""
    adjustment = services.adjustment(request.sym, request.as_of, wanted=request.adjusted)
    days = services.stored().dates.read(
        request.sym,
        new_york_date(request.start),
        new_york_date(request.end),
        reverse=request.descending,
        most=request.limit + 1,
        as_of=request.as_of,
    )
    text = text_of_days(request, adjustment)
    if short := short_days(services, request.sym, request.start, request.end, request.as_of):
        after = request.days.after
        text = marked(text, lambda window: any(window <= day < after(window) for day in short))
    return read_page(days, request.days.floor, text, request.limit, late)
