"""What the API is asked first once a trade date is settled, as requests of API Gateway to its function."""

from collections.abc import Iterable, Iterator
from datetime import date
from heapq import nlargest
from typing import Any
from urllib.parse import quote

from shared.models.daily import DailyBar

MOST_SYMBOLS = 20
_SCOPES = "bars:read"


def requests(day: date, bars: Iterable[DailyBar]) -> Iterator[dict[str, Any]]:
    """Minutes of the date, of the symbols that were traded most."""
    for bar in nlargest(MOST_SYMBOLS, bars, key=lambda bar: bar.volume):
        yield _get(f"/v2/aggs/ticker/{quote(bar.sym, safe='')}/range/1/minute/{day}/{day}")


def _get(path: str) -> dict[str, Any]:
    return {
        "httpMethod": "GET",
        "resource": path,
        "path": path,
        "headers": {},
        "multiValueHeaders": {},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {"requestId": "nightly", "authorizer": {"scopes": _SCOPES}},
        "body": None,
        "isBase64Encoded": False,
    }
