"""API Gateway REQUEST authoriser: the caller's key -> a policy over the whole stage, asked for on every request.

Behind the edge the key has been taken off and its hash comes instead, with the secret that only the edge has: who comes
past the edge is denied (403), whatever his key. Where there is no edge (one machine) the key itself comes.

A refusal is an exception named "Unauthorized", which API Gateway turns into 401; any other failure becomes a 500.
"""

import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from serving_layer.auth.headers import KEY, ORIGIN, PLAN, SCOPES
from serving_layer.auth.keys import Caller, KeyCheck
from serving_layer.auth.origin import OriginSecret
from shared import settings
from shared.clients.aws import client
from shared.stores.control import ControlStore

_BEARER = "bearer "


class AuthSettings(msgspec.Struct, frozen=True):
    """Environment of the authoriser. `origin_secret`: ARN of what the edge shows to us; empty: there is no edge."""

    control_table: str
    origin_secret: str = ""


class Checks(NamedTuple):
    """`edge` None: there is no edge in front of us."""

    keys: KeyCheck
    edge: OriginSecret | None


class Unauthorized(Exception):
    """Its message is the protocol: exactly the word API Gateway looks for."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


@lru_cache(maxsize=1)
def wire() -> Checks:
    """The checks of this process, over the control table and the edge's secret."""
    chosen = settings.read(AuthSettings)
    control = ControlStore(client("dynamodb", read_timeout_s=1.0, attempts=2), chosen.control_table)
    keys, edge = KeyCheck(control, time.monotonic), None
    if chosen.origin_secret:
        secrets = client("secretsmanager", read_timeout_s=1.0, attempts=2)
        edge = OriginSecret(secrets, chosen.origin_secret, time.monotonic)
    return Checks(keys, edge)


def headers_of(event: Mapping[str, Any]) -> dict[str, str]:
    """Those of a request, by lower-case name."""
    return {name.lower(): str(value) for name, value in (event.get("headers") or {}).items()}


def key_of(event: Mapping[str, Any]) -> str:
    """The key a request carries, as Bearer or `apiKey=`; the header wins; empty when there is none."""
    bearer = headers_of(event).get("authorization", "")
    if bearer.lower().startswith(_BEARER):
        return bearer[len(_BEARER) :].strip()
    return str((event.get("queryStringParameters") or {}).get("apiKey") or "")


def policy(caller: Caller, method_arn: str) -> dict[str, Any]:
    """Leave to call every method of the stage: which scope a route needs, the route says."""
    found = {"key_id": caller.key_id, "scopes": " ".join(caller.scopes), "plan": caller.plan}
    return {**_policy("Allow", caller.key_id, method_arn), "context": found}


def _policy(effect: str, principal: str, method_arn: str) -> dict[str, Any]:
    stage = "/".join(method_arn.split("/")[:2])
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": f"{stage}/*"}
    return {
        "principalId": principal,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
    }


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Raises Unauthorized, alike for every key that opens nothing; StoreUnavailable when a store does not answer."""
    checks = wire()
    if checks.edge is None:
        caller = checks.keys.caller(key_of(event))
    else:
        headers = headers_of(event)
        if not checks.edge.admits(headers.get(ORIGIN, "")):
            return _policy("Deny", "past-the-edge", event["methodArn"])
        caller = checks.keys.vouched(headers.get(KEY, ""), headers.get(PLAN, ""), headers.get(SCOPES, ""))
    if caller is None:
        raise Unauthorized
    return policy(caller, event["methodArn"])
