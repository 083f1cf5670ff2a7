"""What the API gateway says by itself: its own errors in Polygon's shape, and one JSON line per request."""

from __future__ import annotations

import json

from aws_cdk import aws_apigateway as apigateway

ACCESS_LOG_FIELDS = json.dumps(
    {
        "request_id": "$context.requestId",
        "at_ms": "$context.requestTimeEpoch",
        "ip": "$context.identity.sourceIp",
        "method": "$context.httpMethod",
        "resource": "$context.resourcePath",
        "status": "$context.status",
        "bytes": "$context.responseLength",
        "latency_ms": "$context.responseLatency",
        "integration_ms": "$context.integrationLatency",
        "authorizer_ms": "$context.authorizer.latency",
        "error": "$context.error.responseType",
        "key_id": "$context.authorizer.principalId",
    }
)
"""Of the query string nothing: it may carry the key."""


def _body(status: str, text: str) -> dict[str, str]:
    """Polygon puts the text in `error` or in `message` by status code; clients read one of them: send both."""
    body = json.dumps({"status": status, "request_id": "$context.requestId", "error": text, "message": text})
    return {"application/json": body}


def add_error_answers(api: apigateway.RestApi) -> None:
    """Replace the gateway's own answers; without them an unknown path is a 403 that speaks of tokens."""
    kinds = apigateway.ResponseType
    not_found = _body("NOT_FOUND", "The requested resource was not found.")
    slow_down = _body("ERROR", "You've exceeded the maximum requests per minute, please wait and try again.")
    failed = _body("ERROR", "The request could not be answered. Please try again.")
    answers: tuple[tuple[str, apigateway.ResponseType, str | None, dict[str, str], dict[str, str]], ...] = (
        (
            "Unauthorized",
            kinds.UNAUTHORIZED,
            "401",
            {"WWW-Authenticate": "'Bearer'"},
            _body("ERROR", "Unknown API Key"),
        ),
        ("AccessDenied", kinds.ACCESS_DENIED, "403", {}, _body("NOT_AUTHORIZED", "You are not entitled to this data.")),
        ("UnknownPath", kinds.MISSING_AUTHENTICATION_TOKEN, "404", {}, not_found),
        ("NotFound", kinds.RESOURCE_NOT_FOUND, "404", {}, not_found),
        ("Throttled", kinds.THROTTLED, "429", {"Retry-After": "'1'"}, slow_down),
        ("QuotaExceeded", kinds.QUOTA_EXCEEDED, "429", {"Retry-After": "'60'"}, slow_down),
        ("IntegrationFailure", kinds.INTEGRATION_FAILURE, "503", {"Retry-After": "'1'"}, failed),
        ("IntegrationTimeout", kinds.INTEGRATION_TIMEOUT, "503", {"Retry-After": "'1'"}, failed),
        ("Default4xx", kinds.DEFAULT_4_XX, None, {}, _body("ERROR", "The request is not valid.")),
        ("Default5xx", kinds.DEFAULT_5_XX, None, {}, failed),
    )
    for id_, kind, status, headers, templates in answers:
        api.add_gateway_response(
            id_, type=kind, status_code=status, response_headers=headers or None, templates=templates
        )
