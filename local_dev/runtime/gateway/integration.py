"""The answer of a Lambda proxy integration."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any

from local_dev.runtime.gateway.request import is_binary
from local_dev.runtime.gateway.responses import Answer, Refused, malformed_proxy_response
from local_dev.runtime.invocation import InvocationResult

_FIELDS = {"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"}
_REMAPPED = {"connection", "content-length", "date", "server", "www-authenticate"}  # under x-amzn-Remapped-<name>
_DROPPED = {"transfer-encoding"}


def to_answer(result: InvocationResult, accept: str, binary_media_types: Sequence[str]) -> Answer:
    """Raises Refused: 500 when the function could not be reached, 502 when it failed or broke the format."""
    if not result.reached:
        raise Refused("DEFAULT_5XX", "Internal server error", 500)
    if result.error is not None:
        raise malformed_proxy_response()
    try:
        answer = json.loads(result.payload)
        if not isinstance(answer, dict) or not answer.keys() <= _FIELDS:
            raise malformed_proxy_response()
        headers = _headers(answer)
        body = _body(answer, accept, binary_media_types)
        return Answer(_status(answer), tuple(headers), body)
    except (ValueError, TypeError, AttributeError, binascii.Error) as error:
        raise malformed_proxy_response() from error


def _status(answer: Mapping[str, Any]) -> int:
    status = int(answer.get("statusCode") or 200)
    if not 100 <= status <= 599:
        raise ValueError(f"statusCode must be 100 to 599, was {status}")
    return status


def _headers(answer: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Both maps together; a name in both keeps only its multi-value ones. Without a content type it is JSON."""
    multi = answer.get("multiValueHeaders") or {}
    given = {name.lower() for name in multi}
    pairs = [(name, value) for name, value in (answer.get("headers") or {}).items() if name.lower() not in given]
    for name, values in multi.items():
        if not isinstance(values, list):
            raise TypeError(f"multiValueHeaders.{name} must be a list")
        pairs += [(name, value) for value in values]
    sent = [(_name(name), _text(value)) for name, value in pairs if name.lower() not in _DROPPED]
    if not any(name.lower() == "content-type" for name, _ in sent):
        sent.append(("Content-Type", "application/json"))
    return sent


def _name(name: str) -> str:
    return f"x-amzn-Remapped-{name}" if name.lower() in _REMAPPED else name


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float):
        raise TypeError(f"a header value must be a string, number or boolean, was {type(value).__name__}")
    text = str(value)
    if "\r" in text or "\n" in text:
        raise ValueError("a header value must be one line")
    return text


def _body(answer: Mapping[str, Any], accept: str, binary_media_types: Sequence[str]) -> bytes:
    body, encoded = answer.get("body"), answer.get("isBase64Encoded", False)
    if body is None:
        return b""
    if not isinstance(body, str) or not isinstance(encoded, bool):
        raise TypeError("body must be a string and isBase64Encoded a boolean")
    if encoded and is_binary(accept, binary_media_types):
        return base64.b64decode(body, validate=True)
    return body.encode()
