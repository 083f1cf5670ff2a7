"""The emulator's tables made fit for partitions of thousands of items (ministack 1.5.33).

As it comes it reads the text of a condition anew for every item that it looks at: a query over a day of minutes takes
70 ms. Texts are few, so what was read of one is kept; and the one form of key condition that a range is asked for with
is compared directly. Its answers stay the same.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from ministack.services import dynamodb

KEPT_TEXTS = 1_024
KEY_CONDITION = "KeyConditionExpression"
_RANGE = re.compile(r"(#?\w+) = (:\w+) AND (#?\w+) BETWEEN (:\w+) AND (:\w+)")

Values = Mapping[str, Mapping[str, str]]


class _Range(NamedTuple):
    """`pk = value AND sk BETWEEN low AND high`: names of attributes (or their aliases) and of values."""

    pk: str
    value: str
    sk: str
    low: str
    high: str


@lru_cache(maxsize=KEPT_TEXTS)
def _range_of(text: str) -> _Range | None:
    found = _RANGE.fullmatch(text)
    return None if found is None else _Range(*found.groups())


def remembering(read: Callable[[str], list[Any]]) -> Callable[[str], list[Any]]:
    """Reads each text once; everybody gets a list of their own."""
    kept = lru_cache(maxsize=KEPT_TEXTS)(lambda text: tuple(read(text)))
    return lambda text: list(kept(text))


def quick_condition(evaluate: Callable[..., bool]) -> Callable[..., bool]:
    """`evaluate`, but for ranges of keys, which are compared as they are."""

    def condition(
        text: str, item: Values, values: Values, names: Mapping[str, str] | None, slot: str = "ConditionExpression"
    ) -> bool:
        wanted = _range_of(text) if slot == KEY_CONDITION else None
        if wanted is None:
            return evaluate(text, item, values, names, slot)
        pk, sk = ((names or {}).get(name, name) for name in (wanted.pk, wanted.sk))
        if item.get(pk) != values[wanted.value]:
            return False
        own, low, high = item.get(sk), values[wanted.low], values[wanted.high]
        if own is None or not own.keys() == low.keys() == high.keys():
            return False
        return _ordered(low) <= _ordered(own) <= _ordered(high)

    return condition


def _ordered(value: Mapping[str, str]) -> Any:
    """A key's value as keys compare: numbers by size, texts by their UTF-8 bytes."""
    ((kind, text),) = value.items()
    return Decimal(text) if kind == "N" else text.encode()


def install() -> None:
    """Put these in place of the emulator's own."""
    dynamodb._tokenize = remembering(dynamodb._tokenize)
    dynamodb._condition_syntax_error = lru_cache(maxsize=KEPT_TEXTS)(dynamodb._condition_syntax_error)
    dynamodb._evaluate_condition = quick_condition(dynamodb._evaluate_condition)
