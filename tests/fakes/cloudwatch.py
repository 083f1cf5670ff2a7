"""CloudWatch, as its documentation says it works: metrics of log lines in embedded metric format, and states of alarms.

An alarm looks at more periods than it evaluates. With enough values among them it takes the newest and does not ask
how silence is meant; with too few, what is missing is filled in as the alarm says. A metric of several values in a
period has them all in its statistic; a math expression has a value only where each of its metrics has one.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from botocore.session import get_session

from shared.metrics import Metric
from stacks.alarms import OURS, Alarm, Source, Statistic

NAMESPACE = "condvest-test"
ALSO_LOOKED_AT = 2
"""Periods before those that are evaluated: the documentation's examples look at five for three."""
MOST_DIMENSIONS = 30
MINUTE = 60
ALARM, OK, INSUFFICIENT = "ALARM", "OK", "INSUFFICIENT_DATA"
BUDGET = 260.0

Key = tuple[str, str, frozenset[tuple[str, str]]]


class Metrics:
    """Values by metric and minute: the shortest period that an alarm of ours has."""

    def __init__(self) -> None:
        self._values: dict[Key, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))

    def read(self, lines: str) -> int:
        """Take what is in embedded metric format among the lines of a log; how many lines that were."""
        documents = [json.loads(line) for line in lines.splitlines() if line.startswith("{")]
        found = [document for document in documents if "_aws" in document]
        for document in found:
            self._take(document)
        return len(found)

    def put(self, source: Source, at_s: float, value: float) -> None:
        """A value of a metric that AWS measures."""
        self._values[_key(source)][int(at_s) // MINUTE].append(value)

    def value(self, source: Source, statistic: Statistic, start_s: int, period_s: int) -> float | None:
        """Of [start, start + period), whole minutes; None without any."""
        by_minute = self._values.get(_key(source), {})
        minutes = range(start_s // MINUTE, (start_s + period_s) // MINUTE)
        held = [value for minute in minutes for value in by_minute.get(minute, ())]
        return _STATISTICS[statistic](sorted(held)) if held else None

    def total(self, metric: Metric) -> float:
        """Of all values of one of our metrics."""
        return sum(sum(values) for values in self._values.get(_key(Source.of(metric)), {}).values())

    def _take(self, document: Mapping[str, Any]) -> None:
        at_s = document["_aws"]["Timestamp"] // 1000
        for directive in document["_aws"]["CloudWatchMetrics"]:
            for names in directive["Dimensions"]:
                assert len(names) <= MOST_DIMENSIONS
                dimensions = {name: document[name] for name in names}
                assert all(isinstance(value, str) and value for value in dimensions.values())
                for metric in directive["Metrics"]:
                    assert metric["Unit"] in _UNITS
                    value = document[metric["Name"]]
                    assert isinstance(value, int | float)
                    assert not isinstance(value, bool)
                    source = Source(directive["Namespace"], metric["Name"], dimensions)
                    self.put(source, at_s, value)


def state(alarm: Alarm, metrics: Metrics, at_s: int) -> str:
    """After the last whole period before `at_s` (Unix s)."""
    end = at_s - at_s % alarm.period_s
    starts = range(end - (alarm.periods + ALSO_LOOKED_AT) * alarm.period_s, end, alarm.period_s)
    return judged(alarm, [_point(alarm, metrics, start) for start in starts])


def judged(alarm: Alarm, points: list[float | None]) -> str:
    """By the values of the periods that are looked at, the oldest first; None where there is none."""
    real = [_breaks(alarm, point) for point in points if point is not None]
    if len(real) >= alarm.periods:
        broken = sum(real[-alarm.periods :])
    else:
        broken = sum(real) + (alarm.periods - len(real)) * (alarm.missing == "breaching")
    return ALARM if broken >= alarm.points else OK


def states(alarm: Alarm, metrics: Metrics, start_s: int, end_s: int) -> Iterator[tuple[int, str]]:
    """(second, state) at every end of a period in [start, end]."""
    first = start_s - start_s % alarm.period_s + alarm.period_s
    for at in range(first, end_s + 1, alarm.period_s):
        yield at, state(alarm, metrics, at)


def changes(alarm: Alarm, metrics: Metrics, start_s: int, end_s: int) -> list[str]:
    """The states that somebody is told of, in order, after a start that is well."""
    told = [OK, *(state for _, state in states(alarm, metrics, start_s, end_s))]
    return [after for before, after in pairwise(told) if before != after]


def fired_at(alarm: Alarm, metrics: Metrics, start_s: int, end_s: int) -> list[int]:
    """Seconds at which it is in ALARM."""
    return [at for at, state in states(alarm, metrics, start_s, end_s) if state == ALARM]


def _point(alarm: Alarm, metrics: Metrics, start_s: int) -> float | None:
    value = metrics.value(alarm.source, alarm.statistic, start_s, alarm.period_s)
    if value is None or alarm.expression == "m":
        return value
    if alarm.gate is None:
        assert alarm.expression == "DIFF(m)"
        before = metrics.value(alarm.source, alarm.statistic, start_s - alarm.period_s, alarm.period_s)
        return None if before is None else value - before
    gate = metrics.value(alarm.gate, "Maximum", start_s, alarm.period_s)
    if gate is None:
        return None
    looked_at = {"IF(g > 0, m, 0)": gate > 0, "IF(g < 1, m, 0)": gate < 1}[alarm.expression]
    return value if looked_at else 0.0


def _breaks(alarm: Alarm, value: float) -> bool:
    threshold = BUDGET if alarm.threshold == "{budget}" else alarm.threshold
    return {
        "GreaterThanThreshold": value > threshold,
        "GreaterThanOrEqualToThreshold": value >= threshold,
        "LessThanThreshold": value < threshold,
    }[alarm.comparison]


def _key(source: Source) -> Key:
    namespace = NAMESPACE if source.namespace == OURS else source.namespace
    return namespace, source.name, frozenset(source.dimensions.items())


_STATISTICS: dict[Statistic, Callable[[list[float]], float]] = {
    "Sum": sum,
    "Maximum": max,
    "Average": lambda held: sum(held) / len(held),
    "SampleCount": len,
    "p99": lambda held: held[min(len(held) - 1, int(0.99 * len(held)))],
}
_UNITS = frozenset(get_session().get_service_model("cloudwatch").shape_for("StandardUnit").enum)
