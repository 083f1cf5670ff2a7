"""`GET /v1/alerts/fired`: the crossings that the caller's rules have found, by the event time of each."""

import re
from collections.abc import Callable
from itertools import islice
from typing import Any, Final

import msgspec
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from serving_layer.alerts.rules import PRIVATE, Services, owner_of
from serving_layer.api.cursor import invalid_cursor, seal, unseal
from serving_layer.api.parameters import choice, limit_of, one
from serving_layer.api.replies import base_url, reply, request_id
from shared.models.alert import crossing_form
from shared.stores.alerts import place_of

PATH: Final = "/v1/alerts/fired"
DEFAULT_LIMIT, MOST_LIMIT = 100, 1_000
_PLACE = re.compile(r"[0-9]{13}#[0-9a-f]{24}", re.ASCII)


def register(app: APIGatewayRestResolver, wire: Callable[[], Services]) -> None:
    """Put the route on the application."""

    @app.get(PATH)
    def fired() -> Response[str | bytes]:
        event = app.current_event
        owner, query, services = owner_of(event), event.multi_value_query_string_parameters or {}, wire()
        limit, after = limit_of(query, DEFAULT_LIMIT, MOST_LIMIT), ""
        order = choice(query, "order", "desc", ("asc", "desc"))
        if (cursor := one(query, "cursor")) is not None:
            limit, order, after = _continued(cursor)
        now_s = services.now_ms() // 1000
        rows = services.store.crossings_of(owner, now_s, after=after, reverse=order == "desc")
        found = list(islice(rows, limit + 1))
        shown = found[:limit]
        body: dict[str, Any] = {"status": "OK", "request_id": request_id(event), "count": len(shown)}
        body["results"] = [crossing_form(stored) for stored in shown]
        if len(found) > limit:
            following = seal({"after": place_of(shown[-1]), "limit": limit, "order": order}, PATH)
            body["next_url"] = f"{base_url(event)}{PATH}?cursor={following}"
        return reply(event, msgspec.json.encode(body), headers=PRIVATE)


def _continued(cursor: str) -> tuple[int, str, str]:
    """(limit, order, place). Anyone can compute a cursor, so what it says must be possible too."""
    fields = unseal(cursor, PATH)
    limit, order, after = (fields.get(name, "") for name in ("limit", "order", "after"))
    if not limit.isdecimal() or not 1 <= int(limit) <= MOST_LIMIT:
        raise invalid_cursor()
    if order not in {"asc", "desc"} or not _PLACE.fullmatch(after):
        raise invalid_cursor()
    return int(limit), order, after
