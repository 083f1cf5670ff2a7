"""What must hold of the session clock: one planner, and what the schedules that it makes may do."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from local_dev.cost.clock import strikes
from shared.bars.sessions import new_york_sessions
from speed_layer.planner.plan import plan
from tests.infrastructure.templates import Templates

SCHEDULE, QUEUE = "AWS::Scheduler::Schedule", "AWS::SQS::Queue"


@pytest.fixture(scope="module")
def full(assemblies: Path) -> Templates:
    return Templates.of(assemblies / "full")


def morning_of(templates: Templates) -> Mapping[str, Any]:
    (only,) = [schedule.properties for schedule in templates.resources(SCHEDULE) if schedule.stack == "Clock"]
    return only


def test_the_planner_is_called_on_every_day_before_its_first_order(templates: Templates) -> None:
    morning = morning_of(templates)
    assert morning["ScheduleExpressionTimezone"] == "America/New_York"
    assert morning["Target"]["Arn"]["Fn::GetAtt"][0] == templates.one("AWS::Lambda::Function", "Planner").id
    found = strikes({**morning, "State": "ENABLED"}, 2026)
    assert len(found) == 365
    for at in found:
        assert all(order.at - at.timestamp() * 1000 >= 10 * 60_000 for order in plan(at.date(), new_york_sessions()))


def test_it_runs_on_aws_only(templates: Templates) -> None:
    assert morning_of(templates)["State"] == {"Fn::If": ["OnAws", "ENABLED", "DISABLED"]}


def test_no_other_schedule_starts_or_stops_a_process(templates: Templates, full: Templates) -> None:
    for held in (templates, full):
        targets = [json.dumps(s.properties["Target"]) for s in held.resources(SCHEDULE)]
        assert len(targets) == 4
        assert not [target for target in targets if "aws-sdk" in target]


def test_what_failed_is_kept_wherever_it_failed(templates: Templates) -> None:
    (queue,) = [resource for resource in templates.resources(QUEUE) if resource.stack == "Clock"]
    arn = {"Fn::GetAtt": [queue.id, "Arn"]}
    function = templates.one("AWS::Lambda::Function", "Planner").properties
    morning = morning_of(templates)["Target"]
    assert function["Environment"]["Variables"]["MISSED_QUEUE"] == arn
    assert function["DeadLetterConfig"] == {"TargetArn": arn}
    assert morning["DeadLetterConfig"] == {"Arn": arn}
    assert 0 < morning["RetryPolicy"]["MaximumEventAgeInSeconds"] <= 3600
    for role in ("PlannerRole", "OrdersRole", "MorningRole"):
        (sends,) = [grant for grant in templates.grants(role) if "sqs:SendMessage" in grant.actions]
        assert sends.targets == [json.dumps(arn)]


def test_it_hands_one_role_on_and_to_schedules_alone(templates: Templates) -> None:
    (passes,) = [grant for grant in templates.grants() if "iam:PassRole" in grant.actions]
    role = templates.one("AWS::IAM::Role", "OrdersRole").id
    assert passes.role.startswith("PlannerRole")
    assert passes.targets == [json.dumps({"Fn::GetAtt": [role, "Arn"]})]
    assert passes.statement["Condition"] == {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}}
    variables = templates.one("AWS::Lambda::Function", "Planner").properties["Environment"]["Variables"]
    assert variables["CLOCK_ROLE"] == {"Fn::GetAtt": [role, "Arn"]}


@pytest.mark.parametrize("role", ["OrdersRole", "MorningRole"])
def test_schedules_of_this_account_alone_assume_their_roles(role: str, templates: Templates) -> None:
    (trust,) = templates.one("AWS::IAM::Role", role).properties["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_orders_change_the_ingester_and_flink_and_nothing_else(templates: Templates, full: Templates) -> None:
    for held in (templates, full):
        granted = {action: grant.targets for grant in held.grants("OrdersRole") for action in grant.actions}
        (service,) = granted.pop("ecs:UpdateService")
        assert f"ExportsOutputRef{held.one('AWS::ECS::Service', 'Ingester').id}" in service
        granted.pop("sqs:SendMessage")
        flink = ["kinesisanalytics:StartApplication", "kinesisanalytics:StopApplication"]
        assert list(granted) == (flink if held is full else [])
        assert all("ExportsOutputRefApplication" in target for targets in granted.values() for target in targets)


def test_flink_is_planned_in_the_profile_full_only(templates: Templates, full: Templates) -> None:
    given = [
        "FLINK_APPLICATION" in held.one("AWS::Lambda::Function", "Planner").properties["Environment"]["Variables"]
        for held in (templates, full)
    ]
    assert given == [False, True]
