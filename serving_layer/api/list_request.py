"""A request for a page of a list of the reference routes, and its answer: filters, order, where the page begins.

A filter compares one field: `name=` for equal, `name.gte=` and the like for ranges. A cursor carries every parameter
of the first page; with one, the others in the query do not count. Parameters without a value are as if not given.
"""

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from serving_layer.api.cursor import invalid_cursor, seal, unseal
from serving_layer.api.parameters import Query, choice, limit_of, one, symbol_of
from serving_layer.api.refusals import BadRequest
from serving_layer.api.replies import base_url, reply, request_id
from shared.polygon.reference_answers import listing

MOST_LIMIT = 1_000
SUFFIXES: Mapping[str, Callable[[Any, Any], bool]] = {
    "": operator.eq,
    ".gte": operator.ge,
    ".gt": operator.gt,
    ".lte": operator.le,
    ".lt": operator.lt,
}
_AMOUNT = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?", re.ASCII)
R = TypeVar("R")

Key = tuple[str, str]
"""Where a row stands in its list: what is sorted by, then what tells it from its equals."""


class Filter(NamedTuple):
    """A rule for one field of a row."""

    field: str
    compare: Callable[[Any, Any], bool]
    bound: Any

    @property
    def is_equality(self) -> bool:
        return self.compare is operator.eq

    def admits(self, value: Any) -> bool:
        return value is not None and self.compare(value, self.bound)


@dataclass(frozen=True, slots=True)
class ListRequest:
    """`asked`: parameters of the first page as they were given. `after`: the last row of the page before."""

    path: str
    asked: Mapping[str, str]
    after: Key | None

    @property
    def query(self) -> Query:
        return {name: [value] for name, value in self.asked.items()}

    def limit(self, default: int) -> int:
        return limit_of(self.query, default, MOST_LIMIT)

    def is_descending(self, default: str) -> bool:
        return choice(self.query, "order", default, ("asc", "desc")) == "desc"

    def filters(self, name: str, read: Callable[[str, str], Any]) -> list[Filter]:
        """All rules for a field; `read` makes a value of a parameter's name and text."""
        texts = ((name + suffix, compare) for suffix, compare in SUFFIXES.items())
        return [
            Filter(name, compare, read(parameter, self.asked[parameter]))
            for parameter, compare in texts
            if parameter in self.asked
        ]

    def path_after(self, last: Key) -> str:
        """Path and query of the page that follows the one with this last row."""
        cursor = seal({**self.asked, "ap": last[0], "as": last[1]}, self.path)
        return f"{self.path}?cursor={cursor}"


def read_request(path: str, query: Query, names: Iterable[str]) -> ListRequest:
    """`names`: the parameters that a route knows. Raises BadRequest."""
    cursor = one(query, "cursor")
    if cursor is None:
        given = ((name, one(query, name)) for name in names)
        return ListRequest(path, {name: text for name, text in given if text}, None)
    fields = unseal(cursor, path)
    try:
        after = (fields.pop("ap"), fields.pop("as"))
    except KeyError as error:
        raise invalid_cursor() from error
    if not fields.keys() <= set(names):
        raise invalid_cursor()
    return ListRequest(path, fields, after)


def ranged(*names: str) -> list[str]:
    """The parameters of fields that may be compared."""
    return [name + suffix for name in names for suffix in SUFFIXES]


def page_of(
    rows: Iterable[R], key: Callable[[R], Key], request: ListRequest, limit: int, *, descending: bool
) -> tuple[Sequence[R], str | None]:
    """The rows of a page in order, and path and query of the next one where others follow."""
    after = request.after
    if after is not None:
        rows = (row for row in rows if (key(row) < after if descending else key(row) > after))
    ordered = sorted(rows, key=key, reverse=descending)
    shown = ordered[:limit]
    return shown, request.path_after(key(shown[-1])) if len(ordered) > limit else None


def symbol(name: str, text: str) -> str:
    """A ticker."""
    try:
        return symbol_of(text)
    except BadRequest as error:
        raise BadRequest(f"The parameter '{name}' must be 1 to 16 letters, digits or . - /") from error


def amount(name: str, text: str) -> Decimal:
    """A decimal number."""
    if not _AMOUNT.fullmatch(text):
        raise BadRequest(f"The parameter '{name}' must be a decimal number")
    return Decimal(text)


def list_reply(
    event: APIGatewayProxyEvent, rows: list[dict[str, object]], following: str | None
) -> Response[str | bytes]:
    """A page of rows. `following`: path and query of the next one."""
    next_url = None if following is None else base_url(event) + following
    return reply(event, listing(rows, request_id=request_id(event), next_url=next_url))
