"""Proxy events as a REST API of API Gateway sends them (payload format 1.0)."""

import base64
import gzip
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

REQUEST_ID = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
HEADERS = {"Host": "bars.example.com", "User-Agent": "Polygon.io PythonClient/1.16.3", "X-Forwarded-Proto": "https"}
RESOURCE = "/v2/aggs/ticker/{ticker}/range/{multiplier}/{timespan}/{from}/{to}"
AUTHORIZED = {
    "principalId": "0123456789ab",
    "key_id": "0123456789ab",
    "scopes": "bars:read live:read",
    "integrationLatency": 12,
}


class Context:
    """What the resolver asks of a Lambda context."""

    function_name = "api"
    aws_request_id = "d6af9ac6-7b61-11e6-9a41-93e8deadbeef"

    def __init__(self, remaining_ms: int = 10_000) -> None:
        self.remaining_ms = remaining_ms

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms


def proxy_event(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] = HEADERS,
    authorizer: Mapping[str, Any] | None = AUTHORIZED,
) -> dict[str, Any]:
    """The event of a request for a path with a query."""
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    multi: dict[str, list[str]] = {}
    for name, value in pairs:
        multi.setdefault(name, []).append(value)
    return {
        "resource": RESOURCE if "/range/" in parts.path else parts.path,
        "path": parts.path,
        "httpMethod": method,
        "headers": dict(headers),
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": dict(pairs) or None,
        "multiValueQueryStringParameters": multi or None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": _context(parts.path, method, authorizer),
        "body": None,
        "isBase64Encoded": False,
    }


def _context(path: str, method: str, authorizer: Mapping[str, Any] | None) -> dict[str, Any]:
    context: dict[str, Any] = {
        "accountId": "123456789012",
        "apiId": "1234567890",
        "domainName": "1234567890.execute-api.us-east-1.amazonaws.com",
        "domainPrefix": "1234567890",
        "extendedRequestId": "JKJaXmPLvHcESHA=",
        "httpMethod": method,
        "identity": {"sourceIp": "192.0.2.1", "userAgent": "Polygon.io PythonClient/1.16.3", "apiKey": None},
        "path": f"/live{path}",
        "protocol": "HTTP/1.1",
        "requestId": REQUEST_ID,
        "requestTime": "08/Oct/2013:13:30:00 +0000",
        "requestTimeEpoch": 1_381_239_000_000,
        "resourceId": "a1b2c3",
        "resourcePath": path,
        "stage": "live",
    }
    return context if authorizer is None else {**context, "authorizer": dict(authorizer)}


def body_of(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON of an answer, as a client reads it."""
    body = answer["body"].encode()
    if answer["isBase64Encoded"]:
        body = base64.b64decode(body)
    if "gzip" in answer["multiValueHeaders"].get("Content-Encoding", []):
        body = gzip.decompress(body)
    parsed: dict[str, Any] = json.loads(body)
    return parsed
