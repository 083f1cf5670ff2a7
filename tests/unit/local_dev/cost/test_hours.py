"""Hours of the market and of what clocks start and stop, against counts made another way."""

from datetime import date, datetime, timedelta
from typing import Any

import exchange_calendars
import pytest

from local_dev.cost.hours import hours_a_month, market, running
from shared.bars.sessions import new_york_sessions
from tests.unit.local_dev.cost.templates import assembly, clock, schedule

START, STOP = "kinesisanalyticsv2:startApplication", "kinesisanalyticsv2:stopApplication"
APPLICATION = {"Type": "AWS::KinesisAnalyticsV2::Application", "Properties": {}}


@pytest.mark.parametrize("year", [2020, 2024, 2026, 2029])
def test_hours_of_the_market_are_those_of_an_independent_calendar(year: int) -> None:
    days = exchange_calendars.get_calendar("XNYS", end="2030-01-01").schedule.loc[f"{year}-01-01" : f"{year}-12-31"]
    regular = (days["close"] - days["open"]).dt.total_seconds().sum() / 3600
    found = market(new_york_sessions(), year)
    assert found.sessions == len(days)
    assert found.regular_hours == pytest.approx(regular)
    assert found.extended_hours == pytest.approx(len(days) * 9.5)  # five and a half before, four after, half days too


def test_a_year_that_the_session_table_does_not_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="year must be between"):
        market(new_york_sessions(), 2031)


def spans(**schedules: dict[str, Any]) -> list[tuple[datetime, datetime]]:
    held = assembly(flink={"Application": APPLICATION, **schedules})
    (application,) = held.of("AWS::KinesisAnalyticsV2::Application")
    return [(span.start, span.end) for span in running(held, application, 2026)]


def test_what_no_clock_names_runs_the_whole_year() -> None:
    other = schedule("0 4 ? * MON-FRI *", START, {"Ref": "Another"})
    (span,) = spans(Start=other)
    assert span[1] - span[0] == timedelta(days=365)


def test_a_run_over_the_night_of_a_clock_change_is_an_hour_longer_or_shorter() -> None:
    """From Saturday evening to Sunday evening."""
    start = schedule("0 20 ? * SAT *", START, {"Ref": "Application"})
    stop = schedule("0 20 ? * SUN *", STOP, {"Ref": "Application"})
    hours = {start.date(): (end - start) / timedelta(hours=1) for start, end in spans(Start=start, Stop=stop)}
    assert hours[date(2026, 3, 8)] == 23
    assert hours[date(2026, 11, 1)] == 25
    assert sorted(hours.values())[1:-1] == [24.0] * 50


def test_the_last_start_of_a_year_lasts_until_its_end() -> None:
    (span,) = spans(Start=schedule("0 0 1 JUL ? *", START, {"Ref": "Application"}, zone="UTC"))
    assert span[1] - span[0] == timedelta(days=184)


def test_a_stop_without_a_start_is_refused() -> None:
    with pytest.raises(ValueError, match="stopped by a clock and started by none"):
        spans(Stop=schedule("0 20 ? * SUN *", STOP, {"Ref": "Application"}))


def test_a_service_is_stopped_by_the_count_that_a_schedule_sets() -> None:
    orders = {
        f"Clock{count}": {
            **(made := schedule(cron, "ecs:updateService", {"Ref": "IngesterService"})),
            "Properties": {
                **made["Properties"],
                "Target": {
                    "Arn": "arn:aws:scheduler:::aws-sdk:ecs:updateService",
                    "Input": {
                        "Fn::Join": ["", ['{"Service": "', {"Ref": "IngesterService"}, f'", "DesiredCount": {count}}}']]
                    },
                },
            },
        }
        for count, cron in ((1, "0 8 ? * MON-FRI *"), (0, "0 18 ? * MON-FRI *"))
    }
    held = assembly(speed=orders)
    assert hours_a_month(running(held, held.ingester(), 2026)) == pytest.approx(261 * 10 / 12)


SESSIONS_2026, HALF_DAYS_2026 = 251, 2
DAY_AND_NIGHT = [timedelta(days=365)]


def lengths(kind: str, **options: Any) -> list[timedelta]:
    """Of the runs of a year, as a planner makes them."""
    held = assembly(flink={"Application": APPLICATION}, clock=clock(**options))
    (process,) = held.of(kind)
    return [span.end - span.start for span in running(held, process, 2026)]


@pytest.mark.parametrize(
    ("kind", "day"),
    [
        ("AWS::ECS::Service", timedelta(hours=16, minutes=50)),
        ("AWS::KinesisAnalyticsV2::Application", timedelta(hours=17)),
    ],
)
def test_what_a_planner_starts_and_stops_runs_its_sessions(kind: str, day: timedelta) -> None:
    found = lengths(kind)
    half = day - timedelta(hours=3)
    assert (found.count(day), found.count(half)) == (SESSIONS_2026 - HALF_DAYS_2026, HALF_DAYS_2026)
    assert len(found) == SESSIONS_2026


def test_a_planner_that_nobody_calls_or_that_does_not_know_of_a_process_plans_nothing() -> None:
    assert lengths("AWS::ECS::Service", state="DISABLED") == DAY_AND_NIGHT
    assert lengths("AWS::KinesisAnalyticsV2::Application", flink=False) == DAY_AND_NIGHT


def test_a_planner_that_is_called_late_starts_late() -> None:
    (longest, *_) = sorted(set(lengths("AWS::ECS::Service", cron="20 6 ? * * *")), reverse=True)
    assert longest == timedelta(hours=13, minutes=59)
