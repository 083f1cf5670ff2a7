"""What API Gateway answers by itself, in Polygon's shape: same text in `error` and in `message`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from aws_cdk import aws_apigateway as apigateway

_FAILED = "The request could not be answered. Please try again."
SLOW_DOWN = "You've exceeded the maximum requests per minute, please wait and try again."
_NOT_FOUND = "The requested resource was not found."


@dataclass(frozen=True, slots=True)
class _Answer:
    id: str
    kind: apigateway.ResponseType
    code: str | None
    """None keeps the code of the single error: the answer is a default for a whole class."""
    status: str
    text: str
    headers: dict[str, str] = field(default_factory=dict)


def _answers() -> tuple[_Answer, ...]:
    kind = apigateway.ResponseType
    soon = {"Retry-After": "'1'"}
    return (
        _Answer("Unauthorized", kind.UNAUTHORIZED, "401", "ERROR", "Unknown API Key", {"WWW-Authenticate": "'Bearer'"}),
        _Answer("AccessDenied", kind.ACCESS_DENIED, "403", "NOT_AUTHORIZED", "You are not entitled to this data."),
        # Without this an unknown path is a 403 that speaks of authentication tokens.
        _Answer("UnknownPath", kind.MISSING_AUTHENTICATION_TOKEN, "404", "NOT_FOUND", _NOT_FOUND),
        _Answer("NotFound", kind.RESOURCE_NOT_FOUND, "404", "NOT_FOUND", _NOT_FOUND),
        _Answer("Throttled", kind.THROTTLED, "429", "ERROR", SLOW_DOWN, soon),
        _Answer("QuotaExceeded", kind.QUOTA_EXCEEDED, "429", "ERROR", SLOW_DOWN, {"Retry-After": "'60'"}),
        _Answer("IntegrationFailure", kind.INTEGRATION_FAILURE, "503", "ERROR", _FAILED, soon),
        _Answer("IntegrationTimeout", kind.INTEGRATION_TIMEOUT, "503", "ERROR", _FAILED, soon),
        _Answer("AuthorizerFailure", kind.AUTHORIZER_FAILURE, "503", "ERROR", _FAILED, soon),
        _Answer("AuthorizerConfiguration", kind.AUTHORIZER_CONFIGURATION_ERROR, "503", "ERROR", _FAILED, soon),
        _Answer("Default4xx", kind.DEFAULT_4_XX, None, "ERROR", "The request is not valid."),
        _Answer("Default5xx", kind.DEFAULT_5_XX, None, "ERROR", _FAILED),
    )


def error_body(status: str, text: str, request_id: str) -> str:
    """JSON of an error. Clients read the text from one of two fields, so both carry it."""
    body = {"status": status, "request_id": request_id, "error": text, "message": text}
    return json.dumps(body, separators=(",", ":"))


def add_gateway_answers(api: apigateway.RestApi) -> Iterator[apigateway.GatewayResponse]:
    """Replace the gateway's own answers.

    None is for anybody else who asks at the same moment: a key's own errors are among them.
    """
    for answer in _answers():
        yield api.add_gateway_response(
            answer.id,
            type=answer.kind,
            status_code=answer.code,
            response_headers={"Cache-Control": "'no-store'", **answer.headers},
            templates={"application/json": error_body(answer.status, answer.text, "$context.requestId")},
        )
