"""Which keys may call a route."""

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from serving_layer.api.refusals import NOT_ENTITLED, UNKNOWN_KEY, Refused

BARS, LIVE, ALERTS = "bars:read", "live:read", "alerts:write"


def check_scope(event: APIGatewayProxyEvent, scope: str) -> None:
    """Look at what the authoriser found out about the key. Raises Refused, also for a request that never met it."""
    found = event.request_context.authorizer.raw_event
    if "scopes" not in found:
        raise Refused(UNKNOWN_KEY)
    if scope not in found["scopes"].split():
        raise Refused(NOT_ENTITLED)
