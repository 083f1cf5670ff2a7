"""API Gateway REST proxy -> rules of alerts. The only function behind the API that writes; its role writes rules alone.

Every request may be repeated: a rule that is there is not added twice, a change to what is so already changes nothing.
"""

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from serving_layer.alerts import fired, rules
from serving_layer.alerts.rules import Services
from serving_layer.api.application import application
from serving_layer.api.refusals import Refusal, Refused
from shared.clients.aws import client
from shared.observability import logger
from shared.settings import read
from shared.stores.alerts import AlertStore

READ_TIMEOUT_S = 2.0
ATTEMPTS = 2
_ALLOWED = {
    fired.PATH: ("GET",),
    rules.PATH: ("GET", "POST"),
    rules.RULE: ("GET", "PUT", "DELETE"),
}
_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE")


class AlertsSettings(msgspec.Struct, frozen=True):
    """Environment of the function."""

    alerts_table: str


def build(services: Callable[[], Services]) -> APIGatewayRestResolver:
    """The application over what `services` gives on first use."""
    app = application(logger("alerts"))
    fired.register(app, services)  # before /v1/alerts/<id>, which would take it
    rules.register(app, services)
    for path, allowed in _ALLOWED.items():
        _refuse_others(app, path, allowed)
    return app


def _refuse_others(app: APIGatewayRestResolver, path: str, allowed: tuple[str, ...]) -> None:
    def wrong_method(**_: str) -> Response[str | bytes]:
        text = f"This resource only answers {', '.join(allowed)}."
        raise Refused(Refusal(405, text, headers={"Allow": ", ".join(allowed)}))

    app.route(path, method=[method for method in _METHODS if method not in allowed])(wrong_method)


@lru_cache(maxsize=1)
def wire() -> Services:
    """From this function's environment. Raises PermanentError naming a setting that is missing."""
    store = AlertStore(client("dynamodb", READ_TIMEOUT_S, ATTEMPTS), read(AlertsSettings).alerts_table)
    return Services(store, lambda: time.time_ns() // 10**6)


app = build(wire)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Never raises: what goes wrong is an answer too."""
    return app.resolve(event, context)
