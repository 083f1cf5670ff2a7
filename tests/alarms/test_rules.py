"""The rules of alarms, against the tables of CloudWatch's documentation ("Configuring how CloudWatch alarms treat
missing data"): five periods looked at, three evaluated; `0` is well, `X` breaks the threshold, `-` is missing.
"""

from dataclasses import replace

import pytest

from stacks.alarms import ALARMS, Missing, Source
from tests.fakes.cloudwatch import ALARM, OK, Metrics, judged, state

ANY = replace(ALARMS[0], comparison="GreaterThanThreshold", threshold=0, periods=3, points=3, when="always")
POINTS = {"0": 0.0, "X": 1.0, "-": None}


@pytest.mark.parametrize(
    ("points", "shown", "breaching", "not_breaching"),
    [
        (3, "0-X-X", OK, OK),
        (3, "----0", OK, OK),
        (3, "-----", ALARM, OK),
        (3, "0XX-X", ALARM, ALARM),
        (3, "--X--", ALARM, OK),
        (2, "0-X-X", ALARM, ALARM),
        (2, "00X0X", ALARM, ALARM),
        (2, "0-X--", ALARM, OK),
        (2, "----0", ALARM, OK),
        (2, "----X", ALARM, OK),
    ],
)
def test_missing_values_count_as_the_alarm_says_only_where_too_few_are_there(
    points: int, shown: str, breaching: str, not_breaching: str
) -> None:
    values = [POINTS[one] for one in shown]
    expected: dict[Missing, str] = {"breaching": breaching, "notBreaching": not_breaching}
    for missing, verdict in expected.items():
        assert judged(replace(ANY, points=points, missing=missing), values) == verdict


@pytest.mark.parametrize(
    ("statistic", "value"), [("Sum", 10), ("Maximum", 4), ("Average", 2.5), ("SampleCount", 4), ("p99", 4)]
)
def test_a_statistic_is_over_the_values_of_its_period(statistic: str, value: float) -> None:
    metrics, source = Metrics(), Source("AWS/Any", "Any", {"of": "it"})
    for second, one in ((60, 1), (61, 2), (100, 3), (119, 4), (120, 100), (59, 100)):
        metrics.put(source, second, one)
    assert metrics.value(source, statistic, 60, 60) == value  # type: ignore[arg-type]
    assert metrics.value(source, statistic, 180, 60) is None  # type: ignore[arg-type]
    assert metrics.value(replace(source, dimensions={"of": "another"}), "Sum", 60, 60) is None


def test_a_metric_that_is_looked_at_in_session_only_counts_as_0_else_and_is_missing_where_nobody_knows() -> None:
    alarm = replace(ANY, when="in session", periods=1, points=1, period_s=60)
    assert alarm.gate is not None
    metrics = Metrics()
    for minute, is_open in ((1, 1), (2, 0)):
        metrics.put(alarm.gate, minute * 60, is_open)
    for minute in (1, 2, 3):
        metrics.put(alarm.source, minute * 60, 5)
    assert [state(alarm, metrics, minute * 60 + 60) for minute in (1, 2)] == [ALARM, OK]
    unknown = Metrics()
    unknown.put(alarm.source, 180, 5)
    assert state(alarm, unknown, 240) == OK
