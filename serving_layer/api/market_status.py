"""`GET /v1/marketstatus/now` and `GET /v1/marketstatus/upcoming`, by the feed's clock."""

from collections.abc import Callable

import msgspec
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from serving_layer.api.access import BARS, check_scope
from serving_layer.api.replies import reply
from serving_layer.api.wiring import Services
from shared.polygon.market_answers import market_now, upcoming

NOW = "/v1/marketstatus/now"
UPCOMING = "/v1/marketstatus/upcoming"
RULES = (NOW, UPCOMING)


def register(app: APIGatewayRestResolver, wire: Callable[[], Services]) -> None:
    """Put the routes on the application."""

    @app.get(NOW)
    def status() -> Response[str | bytes]:
        event = app.current_event
        check_scope(event, BARS)
        market = wire().market
        return reply(event, msgspec.json.encode(market_now(market.sessions, market.moment().now_ms)))

    @app.get(UPCOMING)
    def holidays() -> Response[str | bytes]:
        event = app.current_event
        check_scope(event, BARS)
        market = wire().market
        return reply(event, msgspec.json.encode(upcoming(market.sessions, market.moment().now_ms)))
