"""API Gateway REST proxy -> JSON in Polygon's shape. Read only, so any request may be repeated."""

import logging
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
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
from serving_layer.api.refusals import DATABASE_AWAY, FAILED, NOT_FOUND, UNAVAILABLE, WRONG_METHOD, Refused
from serving_layer.api.replies import refuse, request_id
from serving_layer.api.wiring import Services, wire
from shared.errors import StoreUnavailable
from shared.observability import event as log_event
from shared.observability import logger
from shared.stores.postgres import DatabaseUnavailable

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
_log = logger("api")


def build(services: Callable[[], Services]) -> APIGatewayRestResolver:
    """The application over what `services` gives on first use."""
    app = APIGatewayRestResolver(serializer=_as_it_is)
    for group in _GROUPS:
        group.register(app, services)
        for rule in group.RULES:
            app.route(rule, method=_OTHER_METHODS)(_wrong_method)

    def refused(error: Refused) -> Response[str | bytes]:
        return refuse(app.current_event, error.refusal)

    def not_found(_: NotFoundError) -> Response[str | bytes]:
        return refuse(app.current_event, NOT_FOUND)

    def unavailable(error: StoreUnavailable) -> Response[str | bytes]:
        log_event(_log, logging.WARNING, str(error), request_id=request_id(app.current_event))
        return refuse(app.current_event, DATABASE_AWAY if isinstance(error, DatabaseUnavailable) else UNAVAILABLE)

    def failed(error: Exception) -> Response[str | bytes]:
        fields = {"request_id": request_id(app.current_event)}
        _log.error("a request failed", exc_info=error, extra={"fields": fields})
        return refuse(app.current_event, FAILED)

    app.exception_handler(Refused)(refused)
    app.exception_handler(NotFoundError)(not_found)
    app.exception_handler(StoreUnavailable)(unavailable)
    app.exception_handler(Exception)(failed)
    return app


def _as_it_is(body: Any) -> Any:
    """Every body is JSON already, perhaps compressed."""
    return body


def _wrong_method(**_: str) -> Response[str | bytes]:
    raise Refused(WRONG_METHOD)


app = build(wire)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Never raises: what goes wrong is an answer too."""
    return app.resolve(event, context)
