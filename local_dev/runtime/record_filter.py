"""Which records of a table's stream a mapping hands on: the part of Lambda's filter rules that names exact values.

A mapping passes a record that any of its patterns fits. A pattern is an object whose every key the record must have; an
array lists the values, any of which will do.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from local_dev.runtime.mapping_settings import UnsupportedMapping


class RecordFilter:
    """`patterns` are JSON texts, as in FilterCriteria; without any every record passes. Raises UnsupportedMapping."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = [_checked(pattern, json.loads(pattern)) for pattern in patterns]

    def passes(self, record: Mapping[str, Any]) -> bool:
        return not self._patterns or any(_fits(pattern, record) for pattern in self._patterns)


def _checked(text: str, pattern: Any) -> Mapping[str, Any]:
    if not isinstance(pattern, dict) or not pattern:
        raise UnsupportedMapping(f"a filter pattern must be an object with keys, was {text}")
    for wanted in pattern.values():
        if isinstance(wanted, dict):
            _checked(text, wanted)
        elif not isinstance(wanted, list) or not all(isinstance(value, str | int | None) for value in wanted):
            raise UnsupportedMapping(f"a filter pattern may only list exact values here, was {text}")
    return pattern


def _fits(pattern: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    return all(name in record and _fits_value(wanted, record[name]) for name, wanted in pattern.items())


def _fits_value(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(value, Mapping) and _fits(wanted, value)
    return value in wanted
