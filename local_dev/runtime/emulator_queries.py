"""Queries of the emulator (ministack 1.5.33) made fit for partitions of thousands of items.

As it comes, a query parses its key condition, and its projection, once more for each item of the partition: a chart's
worth of minutes stalls every other caller for seconds. Its answers stay the same.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from ministack.services import dynamodb

Item = Mapping[str, Mapping[str, Any]]
Fits = Callable[[Item], bool]

KEY_CONDITION = "KeyConditionExpression"
_REFERENCE = r"(#?[A-Za-z_][A-Za-z0-9_]*)"
_VALUE = r"(:[A-Za-z0-9_]+)"
_TERM = re.compile(rf"{_REFERENCE} (?:(=|<|<=|>|>=) {_VALUE}|BETWEEN {_VALUE} AND {_VALUE})")
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_PLAIN_PROJECTION = re.compile(r"#[A-Za-z0-9_]+(?:, #[A-Za-z0-9_]+)*")

_evaluate, _project, _sort_key = dynamodb._evaluate_condition, dynamodb._project_item, dynamodb._sort_key_value


class _Asked(NamedTuple):
    """A query's key condition; known again by identity, as one query's items are looked at one after the other."""

    expression: str
    values: Mapping[str, Any]
    fits: Fits | None


class KeyConditions:
    """Stands in for the emulator's evaluation of expressions."""

    def __init__(self) -> None:
        self._asked: _Asked | None = None

    def __call__(self, expression: str, item: Item, values: Any, names: Any, slot: str = "ConditionExpression") -> bool:
        if slot != KEY_CONDITION:
            return bool(_evaluate(expression, item, values, names, slot))
        asked = self._asked
        if asked is None or asked.expression is not expression or asked.values is not values:
            asked = self._asked = _Asked(expression, values, key_condition(expression, values, names))
            return bool(_evaluate(expression, item, values, names, slot))  # and says what is wrong with it
        return asked.fits(item) if asked.fits else bool(_evaluate(expression, item, values, names, slot))


def key_condition(expression: str, values: Mapping[str, Any], names: Mapping[str, str]) -> Fits | None:
    """What a key condition asks of an item's keys; None for one that is not as plain as ours are."""
    terms = re.split(r" AND (?=#?[A-Za-z_][A-Za-z0-9_]* (?:[<>=]|BETWEEN))", expression)
    fits, *narrower = (_term(term, values, names) for term in terms)
    for term in narrower:
        fits = _both(term, fits) if term and fits else None
    return fits


def _both(first: Fits, second: Fits) -> Fits:
    return lambda item: first(item) and second(item)


def _term(text: str, values: Mapping[str, Any], names: Mapping[str, str]) -> Fits | None:
    match = _TERM.fullmatch(text)
    if match is None:
        return None
    reference, operator, value, low, high = match.groups()
    name = names.get(reference, reference)
    if operator:
        compare, bound = _COMPARE[operator], _key(values[value])
        return lambda item: compare(_key(item[name]), bound)
    least, most = _key(values[low]), _key(values[high])
    return lambda item: least <= _key(item[name]) <= most


def _key(attribute: Mapping[str, Any]) -> Any:
    """A key as DynamoDB orders it: numbers by value, strings by their UTF-8 bytes, which is the order of their
    characters too."""
    if "N" in attribute:
        return _number(attribute["N"])
    return attribute["S"]


def _number(text: str) -> Any:
    return int(text) if text.isdigit() else Decimal(text)


def sort_key(attribute: Mapping[str, Any] | None, kind: str) -> Any:
    """What the emulator sorts a partition by, with whole numbers as such."""
    if kind == "N" and attribute is not None and attribute.get("N", "").isdigit():
        return int(attribute["N"])
    return _sort_key(attribute, kind)


def project(item: Item, projection: str, names: Mapping[str, str]) -> Any:
    """The attributes that a list of #names gives; anything else is left to the emulator."""
    references = projection.split(", ") if _PLAIN_PROJECTION.fullmatch(projection or "") else []
    wanted = {names[reference] for reference in references if reference in names}
    if not references or len(wanted) < len(references):
        return _project(item, projection, names)
    return {name: item[name] for name in wanted if name in item}


def install() -> None:
    """Put these in place of the emulator's own."""
    dynamodb._evaluate_condition = KeyConditions()
    dynamodb._project_item = project
    dynamodb._sort_key_value = sort_key
