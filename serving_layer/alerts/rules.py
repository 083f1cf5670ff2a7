"""`/v1/alerts`: the rules of the caller's key. What is not there and what is another's are answered alike."""

import base64
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Protocol

import msgspec
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from serving_layer.alerts.request import read_body
from serving_layer.api.access import ALERTS, check_scope
from serving_layer.api.cursor import invalid_cursor, seal, unseal
from serving_layer.api.parameters import limit_of, one
from serving_layer.api.refusals import NOT_FOUND, BadRequest, Refusal, Refused
from serving_layer.api.replies import base_url, reply, request_id
from shared.errors import InvalidRecord
from shared.models.alert import Rule, StoredCrossing, StoredRule, rule_form
from shared.stores.alerts import Held

PATH: Final = "/v1/alerts"
RULE: Final = "/v1/alerts/<id>"
MOST_ALERTS: Final = 1_000
"""Rules of one key."""
DEFAULT_LIMIT, MOST_LIMIT = 100, 100
PARALLEL: Final = 8
TOO_MANY: Final = Refusal(409, f"A key may have {MOST_ALERTS} alerts: remove some first.", "TOO_MANY_ALERTS")
CHANGED: Final = Refusal(409, "The alert was changed or removed meanwhile: read it again.", "CONFLICT")

UNREADABLE: Final = Refusal(
    409, "The alert was written by a later release and cannot be read: it can only be removed.", "UNREADABLE"
)


class Store(Protocol):
    """The alerts table (shared/stores/alerts.py); raises StoreUnavailable. `rule` and `state` raise InvalidRecord for
    one that cannot be read, `rules_of` leaves it out."""

    def put_rule(self, stored: StoredRule) -> bool: ...
    def remove_rule(self, owner: str, id_: str, now_s: int) -> bool: ...
    def rule(self, owner: str, id_: str) -> StoredRule | None: ...
    def rules_of(self, owner: str, after: str = "") -> Iterator[StoredRule]: ...
    def state(self, id_: str, version: int) -> Held: ...
    def crossings_of(
        self, owner: str, now_s: int, *, after: str = "", reverse: bool = True
    ) -> Iterator[StoredCrossing]: ...


@dataclass(frozen=True, slots=True)
class Services:
    """`now_ms`: this host's Unix time."""

    store: Store
    now_ms: Callable[[], int]


def register(app: APIGatewayRestResolver, wire: Callable[[], Services]) -> None:
    """Put the routes on the application."""

    @app.get(PATH)
    def listed() -> Response[str | bytes]:
        return _listed(app.current_event, wire().store)

    @app.post(PATH)
    def added() -> Response[str | bytes]:
        return _added(app.current_event, wire())

    @app.get(RULE)
    def shown(id: str) -> Response[str | bytes]:  # noqa: A002  (the name in the route)
        owner = owner_of(app.current_event)
        return _answer(app.current_event, _held(wire().store, owner, id), wire().store)

    @app.put(RULE)
    def changed(id: str) -> Response[str | bytes]:  # noqa: A002 -- the path names it
        return _changed(app.current_event, wire(), id)

    @app.delete(RULE)
    def removed(id: str) -> Response[str | bytes]:  # noqa: A002 -- the path names it
        owner, services = owner_of(app.current_event), wire()
        if not services.store.remove_rule(owner, id, services.now_ms() // 1000):
            raise Refused(NOT_FOUND)
        return Response(204, headers={"X-Request-Id": request_id(app.current_event), **PRIVATE})


def owner_of(event: APIGatewayProxyEvent) -> str:
    """The id of the caller's key. Raises Refused where it does not have the scope."""
    check_scope(event, ALERTS)
    return str(event.request_context.authorizer.raw_event["key_id"])


def _listed(event: APIGatewayProxyEvent, store: Store) -> Response[str | bytes]:
    """By id. The cursor names the last one shown; whose they are, the key says."""
    owner, query = owner_of(event), event.multi_value_query_string_parameters or {}
    limit, after = limit_of(query, DEFAULT_LIMIT, MOST_LIMIT), ""
    if (cursor := one(query, "cursor")) is not None:
        fields = unseal(cursor, PATH)
        after, text = fields.get("after", ""), fields.get("limit", "")
        if not after or not text.isdecimal() or not 1 <= int(text) <= MOST_LIMIT:
            raise invalid_cursor()
        limit = int(text)
    found = list(islice(store.rules_of(owner, after), limit + 1))
    shown = found[:limit]
    with ThreadPoolExecutor(PARALLEL) as pool:
        results = list(pool.map(lambda stored: _form(stored, store), shown))
    body: dict[str, Any] = {"status": "OK", "request_id": request_id(event), "count": len(shown), "results": results}
    if len(found) > limit:
        cursor = seal({"after": shown[-1].id, "limit": limit}, PATH)
        body["next_url"] = f"{base_url(event)}{PATH}?cursor={cursor}"
    return reply(event, msgspec.json.encode(body), headers=PRIVATE)


PRIVATE: Final = {"Cache-Control": "no-store"}


def _added(event: APIGatewayProxyEvent, services: Services) -> Response[str | bytes]:
    """The same rule again is the same alert: a client that did not get its answer may repeat itself."""
    owner, rule = owner_of(event), _rule_in(event)
    count = 0
    for held in services.store.rules_of(owner):
        count += 1
        if held.rule == rule and _standing(held, services.store)["status"] != "done":
            return _answer(event, held, services.store)
    if count >= MOST_ALERTS:
        raise Refused(TOO_MANY)
    now = services.now_ms()
    stored = StoredRule(secrets.token_hex(12), owner, 1, rule, now, now)
    if not services.store.put_rule(stored):  # its own first try, whose answer was lost
        stored = _held(services.store, owner, stored.id)
    return _answer(event, stored, services.store, code=201)


def _changed(event: APIGatewayProxyEvent, services: Services, id_: str) -> Response[str | bytes]:
    owner, rule = owner_of(event), _rule_in(event)
    held = _held(services.store, owner, id_)
    if held.rule != rule:
        changed = held._replace(rule=rule, version=held.version + 1, changed_ms=services.now_ms())
        if not services.store.put_rule(changed) and services.store.rule(owner, id_) != changed:
            raise Refused(CHANGED)
        held = changed
    return _answer(event, held, services.store)


def _rule_in(event: APIGatewayProxyEvent) -> Rule:
    body = event.body or ""
    try:
        sent = base64.b64decode(body, validate=True) if event.is_base64_encoded else body.encode()
    except ValueError as error:  # surrogates, or no base64
        raise BadRequest("The body must be a JSON object") from error
    return read_body(sent, event.headers.get("content-type", ""))


def _held(store: Store, owner: str, id_: str) -> StoredRule:
    try:
        stored = store.rule(owner, id_)
    except InvalidRecord as error:
        raise Refused(UNREADABLE) from error
    if stored is None:
        raise Refused(NOT_FOUND)
    return stored


def _answer(event: APIGatewayProxyEvent, stored: StoredRule, store: Store, *, code: int = 200) -> Response[str | bytes]:
    body = {"status": "OK", "request_id": request_id(event), "results": _form(stored, store)}
    return reply(event, msgspec.json.encode(body), code=code, headers=PRIVATE)


def _standing(stored: StoredRule, store: Store) -> dict[str, Any]:
    """`done` once a rule that tells once has told; `unreadable` where what is remembered cannot be read."""
    try:
        state = store.state(stored.id, stored.version).state
    except InvalidRecord:
        return {"status": "unreadable", "fired_at": None}
    return {
        "status": "done" if state.done else "active",
        "fired_at": state.fired_ms if state.fired_ms >= 0 else None,
    }


def _form(stored: StoredRule, store: Store) -> dict[str, Any]:
    """A rule and how it stands."""
    return {
        "id": stored.id,
        "version": stored.version,
        **rule_form(stored.rule),
        **_standing(stored, store),
        "created_at": stored.created_ms,
        "changed_at": stored.changed_ms,
    }
