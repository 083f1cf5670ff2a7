"""The REQUEST authoriser: who is asked, and what the answer allows.

No answer is kept: the templates set a time to live of 0, and a longer one would only hide mistakes on one machine.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from local_dev.runtime.deployment import Authorizer
from local_dev.runtime.gateway.request import HttpRequest
from local_dev.runtime.gateway.responses import Refused
from local_dev.runtime.invocation import InvocationResult

_DENIED = "User is not authorized to access this resource"


def check_identity(authorizer: Authorizer, request: HttpRequest) -> None:
    """Raises Refused (401, without a call) when an identity source is missing or empty."""
    query = dict(request.query_pairs)
    for source in authorizer.identity_sources:
        where, _, name = source.strip().removeprefix("method.request.").partition(".")
        value = request.header(name) if where == "header" else query.get(name) if where == "querystring" else source
        if not value:
            raise Refused("UNAUTHORIZED", "Unauthorized")


def authorized(result: InvocationResult, method_arn: str) -> dict[str, str]:
    """`requestContext.authorizer` of the request that may go on. Raises Refused.

    The function says 401 by failing with the message "Unauthorized"; every other failure is the API's own (500).
    """
    if result.error is not None:
        if result.error.message == "Unauthorized":
            raise Refused("UNAUTHORIZED", "Unauthorized")
        raise Refused("AUTHORIZER_FAILURE", None)
    try:
        answer = json.loads(result.payload)
        principal, statements = answer["principalId"], answer["policyDocument"]["Statement"]
        context = {name: _context_value(value) for name, value in (answer.get("context") or {}).items()}
        statements = statements if isinstance(statements, list) else [statements]
        effects = {statement["Effect"] for statement in statements if _covers(statement, method_arn)}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused("AUTHORIZER_CONFIGURATION_ERROR", None) from error
    if not isinstance(principal, str) or not principal:
        raise Refused("AUTHORIZER_CONFIGURATION_ERROR", None)
    if "Deny" in effects:
        raise Refused("ACCESS_DENIED", f"{_DENIED} with an explicit deny")
    if "Allow" not in effects:
        raise Refused("ACCESS_DENIED", _DENIED)
    return {"principalId": principal, **context}


def _context_value(value: Any) -> str:
    """Strings, numbers and booleans only; handed on as strings."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float):
        raise TypeError(f"context values must be a string, number or boolean, was {type(value).__name__}")
    return str(value)


def _covers(statement: Mapping[str, Any], method_arn: str) -> bool:
    return _any_like(statement["Action"], "execute-api:Invoke", re.IGNORECASE) and _any_like(
        statement["Resource"], method_arn, 0
    )


def _any_like(patterns: str | Sequence[str], text: str, flags: int) -> bool:
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
        if re.fullmatch(expression, text, flags | re.DOTALL):
            return True
    return False
