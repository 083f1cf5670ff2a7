"""Lists of reference data: filtered, sorted, cut into pages (rest.md 3, 6.12, 6.14, 6.15)."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from local_dev.vendor.parameters import (
    BadParameterError,
    day_of,
    limit_of,
    number,
    one_of,
    read_cursor,
    write_cursor,
    yes_or_no,
)

LARGEST_LIMIT = 1_000
_RULES: dict[str, Callable[[Any, Any], bool]] = {
    "": lambda have, want: bool(have == want),
    "gt": lambda have, want: bool(have > want),
    "gte": lambda have, want: bool(have >= want),
    "lt": lambda have, want: bool(have < want),
    "lte": lambda have, want: bool(have <= want),
}


class Row(NamedTuple):
    """`fields`: what can be asked for, by parameter; `body`: the JSON object that goes out."""

    fields: Mapping[str, Any]
    body: bytes


class Slice(NamedTuple):
    """One page; `cursor` asks for the next, None on the last."""

    objects: list[bytes]
    cursor: str | None


class Listing:
    """A list. `kinds`: parameter -> text, date, number or yes/no; `search`: looked for in `ticker` and `name`."""

    def __init__(
        self, rows: list[Row], kinds: Mapping[str, str], *, sorts: tuple[str, ...], order: str, limit: int
    ) -> None:
        """The first of `sorts` and `order` and `limit` are what a request gets that does not say."""
        self._rows = rows
        self._kinds = kinds
        self._sorts, self._order, self._limit = sorts, order, limit

    def page(self, query: Mapping[str, str]) -> Slice:
        """Unknown keys are ignored; with a cursor every parameter comes from it. Raises BadParameterError."""
        given = read_cursor(query["cursor"], "after") if "cursor" in query else query
        sort = one_of("sort", given.get("sort", self._sorts[0]), self._sorts)
        descending = one_of("order", given.get("order", self._order), ("asc", "desc")) == "desc"
        limit = limit_of(given.get("limit", str(self._limit)), LARGEST_LIMIT)
        after = number("cursor", given.get("after", "0"))
        conditions, kept = self._conditions(given)
        found = [row for row in self._rows if all(holds(row) for holds in conditions)]
        found.sort(key=lambda row: row.fields[sort], reverse=descending)
        objects = [row.body for row in found[after : after + limit]]
        if after + limit >= len(found):
            return Slice(objects, None)
        kept |= {name: given[name] for name in ("sort", "order", "limit") if name in given}
        return Slice(objects, write_cursor([*kept.items(), ("after", str(after + limit))]))

    def _conditions(self, given: Mapping[str, str]) -> tuple[list[Callable[[Row], bool]], dict[str, str]]:
        """What a row must fulfil, and the parameters that say so."""
        conditions: list[Callable[[Row], bool]] = []
        kept: dict[str, str] = {}
        for name, text in given.items():
            field, _, rule = name.partition(".")
            if field in self._kinds and rule in _RULES:
                conditions.append(_condition(field, _RULES[rule], _value(name, text, self._kinds[field])))
            elif name == "search":
                conditions.append(_search(text.lower()))
            else:
                continue
            kept[name] = text
        return conditions, kept


def _condition(field: str, holds: Callable[[Any, Any], bool], want: object) -> Callable[[Row], bool]:
    return lambda row: field in row.fields and holds(row.fields[field], want)


def _search(text: str) -> Callable[[Row], bool]:
    return lambda row: any(text in str(row.fields.get(name, "")).lower() for name in ("ticker", "name"))


def _value(name: str, text: str, kind: str) -> object:
    if kind == "date":
        return day_of(name, text).isoformat()
    if kind == "yes/no":
        return yes_or_no(name, text)
    if kind == "number":
        try:
            value = Decimal(text)
        except ArithmeticError:
            value = Decimal("NaN")
        if not value.is_finite():
            raise BadParameterError(f"The parameter {name!r} must be a number, was {text!r}")
        return value
    return text
