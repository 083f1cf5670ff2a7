"""`GET /v2/aggs/ticker/...`: bars of any number of minutes or hours, as Polygon's custom bars."""

from collections.abc import Callable

import msgspec
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from serving_layer.api.access import BARS, check_scope
from serving_layer.api.bar_request import BarRequest, read_request
from serving_layer.api.pages import read_page
from serving_layer.api.replies import base_url, reply, request_id
from serving_layer.api.wiring import Services
from shared.polygon.answers import aggregates, bar_text, how_many_fit
from shared.stores.answers import OPEN_S

RULE = "/v2/aggs/ticker/<ticker>/range/<multiplier>/<timespan>/<start>/<end>"
RULES = (RULE,)
RESERVE_MS = 3_000
"""Left of a function's time, a page ends here: what has been read must still be written out."""


_json = msgspec.json.Encoder()


class Kept(msgspec.Struct, array_like=True):
    """What of an answer is not the request's own: bars, minutes read for them, where the next page starts."""

    texts: list[str]
    query_count: int
    position: int | None


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

        def make() -> Kept:
            return read(services, request, lambda: context.get_remaining_time_in_millis() < RESERVE_MS)

        def seconds(page: Kept) -> int:
            longest = services.market.keep_s(request.end)
            return longest if page.texts else min(OPEN_S, longest)

        page = services.answers.remembered(f"{RULE}?{_json.encode(request).decode()}", Kept, make, seconds)
        body = aggregates(
            request.sym,
            page.texts,
            query_count=page.query_count,
            adjusted=False,  # bars are stored raw and no split is applied yet, whatever was asked for
            request_id=request_id(event),
            next_url=None if page.position is None else base + request.path_after(page.position),
        )
        return reply(event, body)


def read(services: Services, request: BarRequest, late: Callable[[], bool]) -> Kept:
    """One page of a request from the tables and the forming minutes. Raises StoreUnavailable."""
    minutes = services.history.minutes(
        request.sym, request.start, request.end, int(services.now_s()), reverse=request.descending
    )
    page = read_page(minutes, request, late)
    texts = [bar_text(bar) for bar in page.bars]
    page.cut(how_many_fit(texts), request)
    return Kept(texts[: len(page.bars)], page.query_count, page.position)
