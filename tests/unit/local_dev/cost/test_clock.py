"""When schedules strike, told over whole years and over the changes of the clock."""

from datetime import UTC, datetime
from typing import Any

import pytest

from local_dev.cost.clock import UnknownScheduleError, a_year, strikes


def of(expression: str, **more: Any) -> dict[str, Any]:
    return {"ScheduleExpression": expression, "ScheduleExpressionTimezone": "America/New_York", **more}


def test_a_time_in_new_york_is_another_one_in_utc_after_the_clock_has_changed() -> None:
    found = [at.astimezone(UTC) for at in strikes(of("cron(30 3 ? * MON-FRI *)"), 2026)]
    assert datetime(2026, 3, 6, 8, 30, tzinfo=UTC) in found
    assert datetime(2026, 3, 9, 7, 30, tzinfo=UTC) in found
    assert datetime(2026, 10, 30, 7, 30, tzinfo=UTC) in found
    assert datetime(2026, 11, 2, 8, 30, tzinfo=UTC) in found


@pytest.mark.parametrize(("year", "weekdays"), [(2024, 262), (2025, 261), (2026, 261), (2028, 260)])
def test_weekdays_of_a_year_are_counted(year: int, weekdays: int) -> None:
    assert len(strikes(of("cron(30 3 ? * MON-FRI *)"), year)) == weekdays
    assert len(strikes(of("cron(30 3 ? * 2-6 *)"), year)) == weekdays


@pytest.mark.parametrize(
    ("expression", "count"),
    [
        ("cron(0 0 * * ? *)", 365),
        ("cron(0,30 9-16 ? * MON-FRI *)", 2 * 8 * 261),
        ("cron(0 0 1 * ? *)", 12),
        ("cron(0 0 29 FEB ? *)", 0),
        ("cron(15 20 ? JUL-AUG SAT,SUN *)", 18),
        ("cron(0 0 * * ? 2025)", 0),
        ("rate(1 minute)", 525_600),
        ("rate(12 hours)", 730),
    ],
)
def test_fields_of_an_expression_mean_what_they_say(expression: str, count: int) -> None:
    assert a_year(of(expression), 2026) == count


def test_a_schedule_that_is_switched_off_never_strikes() -> None:
    assert a_year(of("cron(0 0 * * ? *)", State="DISABLED"), 2026) == 0
    assert a_year(of("rate(1 minute)", State="DISABLED"), 2026) == 0


@pytest.mark.parametrize(
    "expression", ["cron(0 0 L * ? *)", "cron(0/5 * ? * * *)", "cron(0 25 ? * * *)", "at(2026-01-01T00:00:00)"]
)
def test_what_cannot_be_told_is_refused(expression: str) -> None:
    with pytest.raises(UnknownScheduleError):
        a_year(of(expression), 2026)
