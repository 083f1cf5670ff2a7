"""`GET /v1/corrections`: rows of history whose values have changed, as they were and as they became."""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from serving_layer.api.access import BARS, check_scope
from serving_layer.api.cursor import invalid_cursor
from serving_layer.api.list_request import Filter, list_reply, ranged, read_request, symbol
from serving_layer.api.parameters import choice, day_named, moment_of
from serving_layer.api.wiring import Services
from shared.stores.corrections import RELATIONS, Condition, Correction

PATH = "/v1/corrections"
RULES = (PATH,)
DEFAULT_LIMIT = 100
_NAMES = ["ticker", "relation", *ranged("date", "known_at"), "order", "limit"]
_COLUMNS = {"ticker": "sym", "relation": "relation", "date": "day", "known_at": "known_at"}
_SIGNS: Mapping[object, str] = {
    operator.eq: "=",
    operator.ge: ">=",
    operator.gt: ">",
    operator.le: "<=",
    operator.lt: "<",
}
_LONGEST_ID = 18


def register(app: APIGatewayRestResolver, wire: Callable[[], Services]) -> None:
    """Put the route on the application."""

    @app.get(PATH)
    def corrections() -> Response[str | bytes]:
        event = app.current_event
        check_scope(event, BARS)
        request = read_request(PATH, event.multi_value_query_string_parameters or {}, _NAMES)
        filters = [
            *request.filters("ticker", symbol)[:1],
            *request.filters("date", day_named),
            *request.filters("known_at", moment_of),
        ]
        relation = choice(request.query, "relation", "", RELATIONS)
        if relation:
            filters.append(Filter("relation", operator.eq, relation))
        limit, descending = request.limit(DEFAULT_LIMIT), request.is_descending("desc")
        found = (
            wire()
            .known_before()
            .corrections(
                _conditions(filters),
                after=None if request.after is None else _id(request.after[0]),
                reverse=descending,
                limit=limit + 1,
            )
        )
        shown = found[:limit]
        last = str(shown[-1].id) if len(found) > limit else None
        following = None if last is None else request.path_after((last, last))
        return list_reply(event, [_row(one) for one in shown], following)


def _conditions(filters: Sequence[Filter]) -> list[Condition]:
    return [Condition(_COLUMNS[one.field], _SIGNS[one.compare], one.bound) for one in filters]


def _id(text: str) -> int:
    """Of the last row of the page before. Anyone can compute a cursor, so what it says must be possible."""
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_ID):
        raise invalid_cursor()
    return int(text)


def _row(one: Correction) -> dict[str, Any]:
    return {
        "id": one.id,
        "relation": one.relation,
        "ticker": one.sym,
        **({} if one.day is None else {"date": one.day}),
        "known_at": one.known_at,
        "source": one.source,
        "old": msgspec.Raw(one.old.encode()),
        "new": msgspec.Raw(one.new.encode()),
    }
