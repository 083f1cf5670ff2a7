"""API Gateway REQUEST authoriser: the caller's key -> a policy over the whole stage, asked for on every request.

A refusal is an exception named "Unauthorized", which API Gateway turns into 401; any other failure becomes a 500.
"""

import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from serving_layer.auth.keys import Caller, KeyCheck
from shared import settings
from shared.clients.aws import client
from shared.stores.control import ControlStore

_BEARER = "bearer "


class AuthSettings(msgspec.Struct, frozen=True):
    """Environment of the authoriser."""

    control_table: str


class Unauthorized(Exception):
    """Its message is the protocol: exactly the word API Gateway looks for."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


@lru_cache(maxsize=1)
def wire() -> KeyCheck:
    """The check of this process, over the control table."""
    table = settings.read(AuthSettings).control_table
    return KeyCheck(ControlStore(client("dynamodb", read_timeout_s=1.0, attempts=2), table), time.monotonic)


def key_of(event: Mapping[str, Any]) -> str:
    """The key a request carries, as Bearer or `apiKey=`; the header wins; empty when there is none."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    bearer = str(headers.get("authorization") or "")
    if bearer.lower().startswith(_BEARER):
        return bearer[len(_BEARER) :].strip()
    return str((event.get("queryStringParameters") or {}).get("apiKey") or "")


def policy(caller: Caller, method_arn: str) -> dict[str, Any]:
    """Leave to call every method of the stage: which scope a route needs, the route says."""
    stage = "/".join(method_arn.split("/")[:2])
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": f"{stage}/*"}
    return {
        "principalId": caller.key_id,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {"key_id": caller.key_id, "scopes": " ".join(caller.scopes)},
    }


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Raises Unauthorized, alike for every key that opens nothing; StoreUnavailable when the table does not answer."""
    caller = wire().caller(key_of(event))
    if caller is None:
        raise Unauthorized
    return policy(caller, event["methodArn"])
