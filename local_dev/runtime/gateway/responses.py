"""Gateway responses: how API Gateway answers instead of a function."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local_dev.runtime.deployment import GatewayResponse

# The documented status of each kind; DEFAULT_4XX and DEFAULT_5XX take the one the refusal comes with.
STATUS = {
    "ACCESS_DENIED": 403,
    "AUTHORIZER_CONFIGURATION_ERROR": 500,
    "AUTHORIZER_FAILURE": 500,
    "INTEGRATION_FAILURE": 504,
    "INTEGRATION_TIMEOUT": 504,
    "MISSING_AUTHENTICATION_TOKEN": 403,
    "REQUEST_TOO_LARGE": 413,
    "UNAUTHORIZED": 401,
}
_ERROR_TYPES = {
    "ACCESS_DENIED": "AccessDeniedException",
    "MISSING_AUTHENTICATION_TOKEN": "MissingAuthenticationTokenException",
    "REQUEST_TOO_LARGE": "RequestTooLargeException",
    "UNAUTHORIZED": "UnauthorizedException",
}
_DEFAULT_TEMPLATE = '{"message":$context.error.messageString}'
_TERM = re.compile(r"\$context\.([A-Za-z0-9_]+(?:\.[A-Za-z0-9_-]+)*)")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Refused(Exception):
    """The request gets a gateway response of this kind. `status` where the kind has none of its own."""

    def __init__(self, kind: str, message: str | None, status: int = 500) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind, self.message, self.status = kind, message, STATUS.get(kind, status)


def malformed_proxy_response() -> Refused:
    """What clients see of a function that failed, or whose answer is not a proxy response: 502."""
    return Refused("DEFAULT_5XX", "Internal server error", 502)


def render(refused: Refused, configured: Mapping[str, GatewayResponse], context: Mapping[str, Any]) -> Answer:
    """The template's response of this kind, else the template's default for 4xx or 5xx, else API Gateway's own."""
    response = configured.get(refused.kind) or configured.get(f"DEFAULT_{refused.status // 100}XX")
    status = response.status if response and response.status else refused.status
    terms = {
        **context,
        "status": str(status),
        "error": {
            "message": refused.message or "",
            "messageString": json.dumps(refused.message),
            "responseType": refused.kind,
        },
    }
    headers = {
        "Content-Type": "application/json",
        "x-amzn-ErrorType": _ERROR_TYPES.get(refused.kind, "InternalServerErrorException"),
    }
    for name, value in (response.headers if response else {}).items():
        headers[name] = _parameter(value, terms)
    template = (response.template if response else "") or _DEFAULT_TEMPLATE
    body = _TERM.sub(lambda term: _lookup(term[1], terms), template)
    return Answer(status, tuple(headers.items()), body.encode())


def _parameter(expression: str, terms: Mapping[str, Any]) -> str:
    """A header's value: 'a constant in quotes' or context.a.name."""
    if expression.startswith("'"):
        return expression.strip("'")
    return _lookup(expression.removeprefix("context."), terms)


def _lookup(name: str, terms: Mapping[str, Any]) -> str:
    value: Any = terms
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return "" if value is None else str(value)
