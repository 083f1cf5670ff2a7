"""`GET /v3/trades/{ticker}`: trades of the last days, page by page, as Polygon's."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from serving_layer.api.access import LIVE, check_scope
from serving_layer.api.aggregates import RESERVE_MS
from serving_layer.api.replies import base_url, reply, request_id
from serving_layer.api.trade_request import TradeRequest, read_request
from serving_layer.api.wiring import Services
from shared.frames import TradeRow
from shared.polygon.answers import BODY_LIMIT
from shared.polygon.trade_answers import size_in_answer, trade_text
from shared.polygon.trade_answers import trades as envelope
from shared.stores.ticks import Order, order_of

RULE = "/v3/trades/<ticker>"
RULES = (RULE,)
_LOOK_EVERY = 1_000
"""Trades between two looks at the clock."""


def register(app: APIGatewayRestResolver, wire: Callable[[], Services]) -> None:
    """Put the route on the application."""

    @app.get(RULE)
    def trades(ticker: str) -> Response[str | bytes]:
        event = app.current_event
        check_scope(event, LIVE)
        request = read_request(ticker, event.multi_value_query_string_parameters or {})
        base = base_url(event)
        services, context = wire(), app.lambda_context
        rows = services.ticks.trades(request.sym, *request.span, int(services.now_s()), reverse=request.descending)
        page = read_page(rows, request, lambda: context.get_remaining_time_in_millis() < RESERVE_MS)
        body = envelope(
            page.texts,
            request_id=request_id(event),
            next_url=None if page.last is None else base + request.path_after(page.last),
        )
        return reply(event, body)


@dataclass(slots=True)
class Page:
    """Trades in the order asked for; `last` is the last of them where others follow."""

    texts: list[str] = field(default_factory=list)
    last: Order | None = None


def read_page(
    rows: Iterable[TradeRow], request: TradeRequest, late: Callable[[], bool] = lambda: False, most: int = BODY_LIMIT
) -> Page:
    """The first page of the request's span: ended by its limit, by `most` bytes, or by `late`, never before a trade."""
    page, size, last = Page(), 0, None
    for row in rows:
        order = order_of(row)
        if request.is_shown(order):
            continue
        text = trade_text(row)
        size += size_in_answer(text)
        full = len(page.texts) == request.limit or size > most
        if last is not None and (full or (len(page.texts) % _LOOK_EVERY == 0 and late())):
            page.last = last
            break
        page.texts.append(text)
        last = order
    return page
