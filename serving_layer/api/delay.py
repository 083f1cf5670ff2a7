"""What a key of the delayed plan may see: what ended 15 minutes ago, by the feed's time."""

from datetime import date

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from serving_layer.api.market import Market
from serving_layer.api.refusals import NOT_ENTITLED, Refused
from serving_layer.auth.keys import LIVE
from shared.bars.windows import new_york_date

DELAY_MS = 15 * 60_000


def seen_until(event: APIGatewayProxyEvent, market: Market) -> int | None:
    """Unix ms; None for keys of other plans, which see all there is. Raises StoreUnavailable."""
    return market.moment().now_ms - DELAY_MS if _is_delayed(event) else None


def check_date(event: APIGatewayProxyEvent, market: Market, day: date) -> None:
    """Raises Refused where the New York date is not over for the caller; StoreUnavailable."""
    seen = seen_until(event, market)
    if seen is not None and day >= new_york_date(seen):
        raise Refused(NOT_ENTITLED)


def check_undelayed(event: APIGatewayProxyEvent) -> None:
    """Raises Refused for a key of the delayed plan."""
    if _is_delayed(event):
        raise Refused(NOT_ENTITLED)


def _is_delayed(event: APIGatewayProxyEvent) -> bool:
    return bool(event.request_context.authorizer.raw_event.get("plan", LIVE) != LIVE)
