"""`GET /v2/last/trade/{ticker}`: the last trade there is, from the cache, else from the ticks."""

from collections.abc import Callable

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from serving_layer.api.access import LIVE, check_scope
from serving_layer.api.parameters import symbol_of
from serving_layer.api.refusals import TICKER_NOT_FOUND, Refused
from serving_layer.api.replies import reply, request_id
from serving_layer.api.wiring import Services
from shared.frames import TradeRow
from shared.polygon.trade_answers import last_trade, last_trade_text, row_of

RULE = "/v2/last/trade/<ticker>"
RULES = (RULE,)


def register(app: APIGatewayRestResolver, wire: Callable[[], Services]) -> None:
    """Put the route on the application."""

    @app.get(RULE)
    def last(ticker: str) -> Response[str | bytes]:
        event = app.current_event
        check_scope(event, LIVE)
        sym = symbol_of(ticker)
        row = newest(wire(), sym)
        if row is None:
            raise Refused(TICKER_NOT_FOUND)
        return reply(event, last_trade(last_trade_text(sym, row), request_id=request_id(event)))


def newest(services: Services, sym: str) -> TradeRow | None:
    """None when the symbol has not traded for as long as ticks are kept. Raises StoreUnavailable."""
    cached = services.cache.last_trade(sym)
    return services.ticks.newest(sym, int(services.now_s())) if cached is None else row_of(cached)
