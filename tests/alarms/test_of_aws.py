"""Alarms on what AWS measures. The code that emits is AWS's, so only the rule is driven here, by values as AWS gives
them; that the metrics are there by these names is in tests/infrastructure/test_monitoring.py.
"""

from dataclasses import dataclass

import pytest

from shared.metrics import MAY_RUN, SESSION_OPEN
from stacks.alarms import ALARMS, OURS, READERS, Alarm, Source
from tests.fakes.cloudwatch import ALARM, OK, Metrics, changes

BEGAN = 1_381_239_000
BY_NAME = {alarm.name: alarm for alarm in ALARMS}


@dataclass(frozen=True)
class Course:
    """Values a minute while it is well, at its bound (which is well too), and in the fault; None: AWS sends nothing."""

    well: float | None
    bound: float
    fault: float


COURSES = {
    **{f"{reader}-behind": Course(None, 180_000, 180_001) for reader in READERS},
    "stream-throttled": Course(None, 0, 3),
    "flink-behind": Course(300, 60_000, 60_001),
    "flink-out-of-hours": Course(None, 0, 2),
    "order-missed": Course(0, 0, 1),
    "night-failed": Course(None, 0, 1),
    "night-not-started": Course(0, 0, 1),
    "charges": Course(40, 260, 261),
    "api-errors": Course(None, 1, 3),
    "api-slow": Course(120, 3_000, 3_001),
    "cache-full": Course(10_000_000, 900_000_000, 900_000_001),
    "cache-throttled": Course(0, 20, 21),
    "database-busy": Course(12, 90, 91),
    "push-unhealthy": Course(0, 0, 1),
}


TOTALS = ("flink-late-drops", "flink-checkpoints")


def test_every_metric_of_aws_is_driven_here() -> None:
    assert {alarm.name for alarm in ALARMS if alarm.source.namespace != OURS} == {*COURSES, *TOTALS}


@pytest.mark.parametrize("name", TOTALS)
def test_a_total_is_told_when_it_grows_and_not_again_while_it_stands(name: str) -> None:
    """Of a day of Flink: from its start it counts up, and the next day it starts from 0 again."""
    alarm, metrics = BY_NAME[name], Metrics()
    assert alarm.when == "growing"
    start = at = BEGAN - BEGAN % alarm.period_s
    for value in (0, 0, 3, 3, 3, 3, 3, 3):
        _put(alarm, metrics, at, at + alarm.period_s, value)
        at += alarm.period_s
    tomorrow = start + 86_400
    for n in range(4):
        _put(alarm, metrics, tomorrow + n * alarm.period_s, tomorrow + (n + 1) * alarm.period_s, 0)
    assert changes(alarm, metrics, start, tomorrow + 4 * alarm.period_s) == [ALARM, OK]


@pytest.mark.parametrize("name", COURSES)
def test_it_fires_above_its_bound_and_clears(name: str) -> None:
    alarm, course = BY_NAME[name], COURSES[name]
    length = 8 * alarm.period_s
    metrics, at = Metrics(), BEGAN - BEGAN % alarm.period_s
    start = at
    for value in (course.well, course.bound, course.well, course.fault, course.well, course.well):
        _put(alarm, metrics, at, at + length, value)
        at += length
    assert changes(alarm, metrics, start, at) == [ALARM, OK]
    quiet = Metrics()
    assert changes(alarm, quiet, start, at) == [], "nothing is measured where nothing runs"


@pytest.mark.parametrize("name", [name for name in COURSES if BY_NAME[name].when in {"in session", "out of hours"}])
def test_outside_its_hours_it_is_quiet(name: str) -> None:
    alarm, metrics = BY_NAME[name], Metrics()
    start = BEGAN - BEGAN % alarm.period_s
    _put(alarm, metrics, start, start + 20 * alarm.period_s, COURSES[name].fault, looked_at=False)
    assert changes(alarm, metrics, start, start + 20 * alarm.period_s) == []


def test_a_single_spike_of_errors_or_latency_wakes_nobody() -> None:
    """A database that wakes up makes one: 15 to 30 s."""
    for name in ("api-errors", "api-slow"):
        alarm, metrics = BY_NAME[name], Metrics()
        start = BEGAN - BEGAN % alarm.period_s
        _put(alarm, metrics, start, start + 6 * alarm.period_s, 0)
        for second in range(30):
            metrics.put(alarm.source, start + alarm.period_s + second, COURSES[name].fault * 10)
        assert changes(alarm, metrics, start, start + 6 * alarm.period_s) == []


def _put(alarm: Alarm, metrics: Metrics, start: int, end: int, value: float | None, *, looked_at: bool = True) -> None:
    gate = {"in session": (SESSION_OPEN, looked_at), "out of hours": (MAY_RUN, not looked_at)}.get(alarm.when)
    for at in range(start, end, 60):
        if value is not None:
            metrics.put(alarm.source, at, value)
        if gate is not None:
            metrics.put(Source.of(gate[0]), at, int(gate[1]))
