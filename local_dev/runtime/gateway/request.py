"""An HTTP request, and the events API Gateway makes of it (payload format 1.0)."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from local_dev.runtime.deploy import ACCOUNT, REGION
from local_dev.runtime.deployment import RestApi
from local_dev.runtime.gateway.routing import Match

Pairs = Sequence[tuple[str, str]]

_NOT_PASSED_ON = {
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
_IDENTITY = (  # all there without IAM, Cognito or an API key, and null
    "accessKey",
    "accountId",
    "apiKey",
    "apiKeyId",
    "caller",
    "cognitoAuthenticationProvider",
    "cognitoAuthenticationType",
    "cognitoIdentityId",
    "cognitoIdentityPoolId",
    "principalOrgId",
    "user",
    "userArn",
)


@dataclass(frozen=True)
class HttpRequest:
    """As it came in. `path` and `query` are still percent-encoded, `headers` in order with repeats."""

    method: str
    path: str
    query: str
    headers: Pairs
    body: bytes
    source_ip: str
    request_id: str
    trace_id: str
    received_ms: int  # Unix ms

    def header(self, name: str) -> str:
        """The last value, as API Gateway's single-value maps hold it; empty when there is none."""
        return next((value for key, value in reversed(self.headers) if key.lower() == name.lower()), "")

    @property
    def query_pairs(self) -> list[tuple[str, str]]:
        """Decoded, in order; a name without a value has an empty one."""
        return parse_qsl(self.query, keep_blank_values=True)


def forwarded(request: HttpRequest) -> list[tuple[str, str]]:
    """The headers a function sees: hop-by-hop ones gone, where the request came from added."""
    port = request.header("host").partition(":")[2]
    known = ", ".join(part for part in (request.header("x-forwarded-for"), request.source_ip) if part)
    added = {
        "X-Amzn-Trace-Id": request.trace_id,
        "X-Forwarded-For": known,
        "X-Forwarded-Port": port or "80",
        "X-Forwarded-Proto": "http",
    }
    dropped = _NOT_PASSED_ON | {name.lower() for name in added}
    return [(name, value) for name, value in request.headers if name.lower() not in dropped] + list(added.items())


def request_context(request: HttpRequest, match: Match | None, api: RestApi) -> dict[str, Any]:
    """`requestContext` of the events, and what $context means in gateway responses. No stage in the path: as on a
    custom domain, the API is served at the root."""
    host = request.header("host")
    when = datetime.fromtimestamp(request.received_ms / 1000, UTC)
    return {
        "accountId": ACCOUNT,
        "apiId": api.id,
        "domainName": host,
        "domainPrefix": host.partition(".")[0],
        "extendedRequestId": request.request_id,
        "httpMethod": request.method,
        "identity": dict.fromkeys(_IDENTITY)
        | {"sourceIp": request.source_ip, "userAgent": request.header("user-agent") or None},
        "path": request.path,
        "protocol": "HTTP/1.1",
        "requestId": request.request_id,
        "requestTime": when.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "requestTimeEpoch": request.received_ms,
        "resourceId": match.route.path.strip("/").replace("/", "-") if match else "",
        "resourcePath": match.route.path if match else "",
        "stage": api.stage,
    }


def proxy_event(request: HttpRequest, match: Match, api: RestApi, context: Mapping[str, Any]) -> dict[str, Any]:
    body, encoded = _body(request, api.binary_media_types)
    return _request_part(request, match) | {"requestContext": context, "body": body, "isBase64Encoded": encoded}


def authorizer_event(request: HttpRequest, match: Match, api: RestApi, context: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "REQUEST",
        "methodArn": method_arn(request, api),
        **_request_part(request, match),
        "requestContext": context,
    }


def method_arn(request: HttpRequest, api: RestApi) -> str:
    """What an authoriser's policy is about: the request's own path, not the resource's."""
    path = request.path.lstrip("/")
    return f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api.id}/{api.stage}/{request.method}/{path}"


def _request_part(request: HttpRequest, match: Match) -> dict[str, Any]:
    headers, query = forwarded(request), request.query_pairs
    return {
        "resource": match.route.path,
        "path": request.path,
        "httpMethod": request.method,
        "headers": {values[0]: values[1][-1] for values in _grouped(headers).values()},
        "multiValueHeaders": {values[0]: values[1] for values in _grouped(headers).values()},
        "queryStringParameters": dict(query) or None,
        "multiValueQueryStringParameters": _multi(query) or None,
        "pathParameters": dict(match.parameters) or None,
        "stageVariables": None,
    }


def _grouped(headers: Pairs) -> dict[str, tuple[str, list[str]]]:
    """By name without regard to case, under the spelling that came first."""
    found: dict[str, tuple[str, list[str]]] = {}
    for name, value in headers:
        found.setdefault(name.lower(), (name, []))[1].append(value)
    return found


def _multi(pairs: Pairs) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _body(request: HttpRequest, binary_media_types: Sequence[str]) -> tuple[str | None, bool]:
    if not request.body:
        return None, False
    if is_binary(request.header("content-type"), binary_media_types):
        return base64.b64encode(request.body).decode(), True
    return request.body.decode(errors="replace"), False


def is_binary(media_type: str, binary_media_types: Sequence[str]) -> bool:
    """Of a list only the first media type counts, as in API Gateway."""
    first = media_type.partition(",")[0].partition(";")[0].strip().lower()
    return "*/*" in binary_media_types or first in (kind.lower() for kind in binary_media_types)
