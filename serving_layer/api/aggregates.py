"""`GET /v2/aggs/ticker/...`: bars of any number of minutes or hours, as Polygon's custom bars."""

from collections.abc import Callable

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from serving_layer.api.access import BARS, check_scope
from serving_layer.api.bar_request import read_request
from serving_layer.api.pages import read_page
from serving_layer.api.replies import base_url, reply, request_id
from serving_layer.api.wiring import Services
from shared.polygon.answers import aggregates, bar_text, how_many_fit

RULE = "/v2/aggs/ticker/<ticker>/range/<multiplier>/<timespan>/<start>/<end>"
RESERVE_MS = 3_000
"""Left of a function's time, a page ends here: what has been read must still be written out."""


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
        minutes = services.history.minutes(
            request.sym, request.start, request.end, int(services.now_s()), reverse=request.descending
        )
        page = read_page(minutes, request, lambda: context.get_remaining_time_in_millis() < RESERVE_MS)
        texts = [bar_text(bar) for bar in page.bars]
        page.cut(how_many_fit(texts), request)
        body = aggregates(
            request.sym,
            texts[: len(page.bars)],
            query_count=page.query_count,
            adjusted=False,  # bars are stored raw and no split is applied yet, whatever was asked for
            request_id=request_id(event),
            next_url=None if page.position is None else base + request.path_after(page.position),
        )
        return reply(event, body)
