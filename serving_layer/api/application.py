"""What every function behind the API answers alike: refusals, unknown paths, stores that are away, failures."""

import logging
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from serving_layer.api.refusals import DATABASE_AWAY, FAILED, NOT_FOUND, UNAVAILABLE, Refused
from serving_layer.api.replies import refuse, request_id
from shared.errors import StoreUnavailable
from shared.observability import event as log_event
from shared.stores.postgres import DatabaseUnavailable


def application(log: logging.Logger) -> APIGatewayRestResolver:
    """An application without routes; what goes wrong in one is an answer, and a line in `log`."""
    app = APIGatewayRestResolver(serializer=_as_it_is)

    def refused(error: Refused) -> Response[str | bytes]:
        return refuse(app.current_event, error.refusal)

    def not_found(_: NotFoundError) -> Response[str | bytes]:
        return refuse(app.current_event, NOT_FOUND)

    def unavailable(error: StoreUnavailable) -> Response[str | bytes]:
        log_event(log, logging.WARNING, str(error), request_id=request_id(app.current_event))
        return refuse(app.current_event, DATABASE_AWAY if isinstance(error, DatabaseUnavailable) else UNAVAILABLE)

    def failed(error: Exception) -> Response[str | bytes]:
        fields = {"request_id": request_id(app.current_event)}
        log.error("a request failed", exc_info=error, extra={"fields": fields})
        return refuse(app.current_event, FAILED)

    app.exception_handler(Refused)(refused)
    app.exception_handler(NotFoundError)(not_found)
    app.exception_handler(StoreUnavailable)(unavailable)
    app.exception_handler(Exception)(failed)
    return app


def _as_it_is(body: Any) -> Any:
    """Every body is JSON already, perhaps compressed."""
    return body
