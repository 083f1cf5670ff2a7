"""The planner against a scheduler that keeps what it is told."""

import json
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from shared.bars.sessions import new_york_sessions
from shared.bars.windows import NEW_YORK
from shared.errors import StoreUnavailable
from speed_layer.planner.handler import PlannerSettings, plan_today

ROLE, QUEUE = "arn:aws:iam::123456789012:role/orders", "arn:aws:sqs:us-east-1:123456789012:missed"
LEAN = PlannerSettings(
    schedule_group="orders",
    clock_role=ROLE,
    missed_queue=QUEUE,
    ingester_cluster="speed",
    ingester_service="ingester",
)
FULL = PlannerSettings(**{name: getattr(LEAN, name) for name in LEAN.__struct_fields__} | {"flink_application": "bars"})


@pytest.fixture
def scheduler(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        held = boto3.client("scheduler", region_name="us-east-1")
        held.create_schedule_group(Name="orders")
        yield held


def morning(*date_and_time: int) -> int:
    return int(datetime(*date_and_time, tzinfo=NEW_YORK).timestamp() * 1000)  # type: ignore[arg-type,misc]


def planned(scheduler: Any) -> dict[str, dict[str, Any]]:
    names = [held["Name"] for held in scheduler.list_schedules(GroupName="orders")["Schedules"]]
    return {name: scheduler.get_schedule(GroupName="orders", Name=name) for name in names}


def run(now: int, settings: PlannerSettings, scheduler: Any) -> list[str]:
    made: list[str] = plan_today(now, settings, new_york_sessions(), scheduler)["made"]
    return made


def test_a_half_day_in_full(scheduler: Any) -> None:
    made = run(morning(2026, 11, 27, 3, 15), FULL, scheduler)
    found = planned(scheduler)
    assert sorted(made) == sorted(found)
    assert {name: held["ScheduleExpression"] for name, held in found.items()} == {
        "2026-11-27-ingester-start": "at(2026-11-27T08:30:00)",
        "2026-11-27-flink-start": "at(2026-11-27T08:30:00)",
        "2026-11-27-ingester-stop": "at(2026-11-27T22:20:00)",
        "2026-11-27-flink-stop": "at(2026-11-27T22:30:00)",
    }
    for held in found.values():
        assert held["ScheduleExpressionTimezone"] == "UTC"
        assert held["ActionAfterCompletion"] == "NONE"
        assert held["FlexibleTimeWindow"] == {"Mode": "OFF"}
        assert (held["Target"]["RoleArn"], held["Target"]["DeadLetterConfig"]) == (ROLE, {"Arn": QUEUE})
        assert held["Target"]["RetryPolicy"]["MaximumRetryAttempts"] > 0


def test_what_each_order_does(scheduler: Any) -> None:
    run(morning(2026, 11, 25, 3, 15), FULL, scheduler)
    done = {
        name.removeprefix("2026-11-25-"): (held["Target"]["Arn"], json.loads(held["Target"]["Input"]))
        for name, held in planned(scheduler).items()
    }
    sdk = "arn:aws:scheduler:::aws-sdk"
    service = {"Cluster": "speed", "Service": "ingester"}
    restore = {"ApplicationRestoreConfiguration": {"ApplicationRestoreType": "RESTORE_FROM_LATEST_SNAPSHOT"}}
    assert done == {
        "ingester-start": (f"{sdk}:ecs:updateService", {**service, "DesiredCount": 1}),
        "ingester-stop": (f"{sdk}:ecs:updateService", {**service, "DesiredCount": 0}),
        "flink-start": (
            f"{sdk}:kinesisanalyticsv2:startApplication",
            {"ApplicationName": "bars", "RunConfiguration": restore},
        ),
        "flink-stop": (f"{sdk}:kinesisanalyticsv2:stopApplication", {"ApplicationName": "bars", "Force": False}),
    }


def test_without_flink_only_the_ingester_is_planned(scheduler: Any) -> None:
    assert run(morning(2026, 11, 25, 3, 15), LEAN, scheduler) == [
        "2026-11-25-ingester-start",
        "2026-11-25-ingester-stop",
    ]


@pytest.mark.parametrize("day", [(2026, 11, 26), (2026, 11, 28), (2026, 11, 29)])
def test_on_a_day_without_a_session_an_ingester_that_runs_is_stopped_and_nothing_started(
    day: tuple[int, int, int], scheduler: Any
) -> None:
    (name,) = run(morning(*day, 3, 15), FULL, scheduler)
    (held,) = planned(scheduler).values()
    assert name.endswith("-ingester-stop")
    assert json.loads(held["Target"]["Input"])["DesiredCount"] == 0
    assert held["ScheduleExpression"] == f"at({date(*day)}T08:16:00)"


def test_deployed_for_the_first_time_in_the_evening_the_ingester_is_stopped_till_the_morning(scheduler: Any) -> None:
    assert run(morning(2026, 11, 25, 21, 0), FULL, scheduler) == ["2026-11-25-ingester-stop"]
    assert planned(scheduler)["2026-11-25-ingester-stop"]["ScheduleExpression"] == "at(2026-11-26T02:01:00)"


@pytest.mark.parametrize("at", [(11, 0), (20, 5), (20, 25), (21, 0)])
def test_what_was_started_in_the_morning_is_not_started_again(at: tuple[int, int], scheduler: Any) -> None:
    """Flink refuses to be started while it runs; tried again after its stop it would run all night."""
    run(morning(2026, 11, 25, 3, 15), FULL, scheduler)
    assert run(morning(2026, 11, 25, *at), FULL, scheduler) == []


def test_a_plan_that_is_made_again_changes_nothing(scheduler: Any) -> None:
    run(morning(2026, 11, 25, 3, 15), FULL, scheduler)
    before = {name: held["ScheduleExpression"] for name, held in planned(scheduler).items()}
    assert run(morning(2026, 11, 25, 3, 17), FULL, scheduler) == []
    assert {name: held["ScheduleExpression"] for name, held in planned(scheduler).items()} == before


def test_a_plan_that_broke_off_is_finished_by_the_next_try(scheduler: Any) -> None:
    class Failing:
        left = 2

        def create_schedule(self, **asked: Any) -> Any:
            if not self.left:
                raise ClientError({"Error": {"Code": "ThrottlingException"}}, "CreateSchedule")
            self.left -= 1
            return scheduler.create_schedule(**asked)

    with pytest.raises(StoreUnavailable, match=r"2026-11-25-ingester-stop.*Throttling"):
        run(morning(2026, 11, 25, 3, 15), FULL, Failing())
    assert len(planned(scheduler)) == 2
    assert len(run(morning(2026, 11, 25, 3, 16), FULL, scheduler)) == 2
    assert len(planned(scheduler)) == 4


def test_a_scheduler_that_does_not_answer_fails_the_call() -> None:
    class Away:
        def create_schedule(self, **asked: Any) -> Any:
            raise EndpointConnectionError(endpoint_url=asked["Name"])

    with pytest.raises(StoreUnavailable):
        run(morning(2026, 11, 25, 3, 15), LEAN, Away())


def test_asked_by_hand_in_a_session_it_starts_at_once(scheduler: Any) -> None:
    run(morning(2026, 11, 25, 11, 0), LEAN, scheduler)
    found = {name: held["ScheduleExpression"] for name, held in planned(scheduler).items()}
    assert found == {
        "2026-11-25-ingester-start": "at(2026-11-25T16:01:00)",
        "2026-11-25-ingester-stop": "at(2026-11-26T01:20:00)",
    }
