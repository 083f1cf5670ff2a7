"""API Gateway REST proxy -> JSON in Polygon's shape. Read only, so any request may be repeated."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from serving_layer.api import (
    aggregates,
    completeness,
    corporate_actions,
    corrections,
    day_bars,
    grouped,
    health,
    last_trade,
    market_status,
    signals,
    snapshots,
    tickers,
    trades,
)
from serving_layer.api.application import application
from serving_layer.api.refusals import WRONG_METHOD, Refused
from serving_layer.api.wiring import Services, wire
from shared.observability import logger

_OTHER_METHODS = ["DELETE", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"]
_GROUPS = (
    aggregates,
    day_bars,
    grouped,
    trades,
    last_trade,
    snapshots,
    corporate_actions,
    tickers,
    market_status,
    signals,
    corrections,
    completeness,
    health,
)


def build(services: Callable[[], Services]) -> APIGatewayRestResolver:
    """The application over what `services` gives on first use."""
    app = application(logger("api"))
    for group in _GROUPS:
        group.register(app, services)
        for rule in group.RULES:
            app.route(rule, method=_OTHER_METHODS)(_wrong_method)
    return app


def _wrong_method(**_: str) -> Response[str | bytes]:
    raise Refused(WRONG_METHOD)


app = build(wire)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Never raises: what goes wrong is an answer too."""
    return app.resolve(event, context)
