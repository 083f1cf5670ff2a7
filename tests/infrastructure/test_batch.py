"""What must hold of the night on AWS: one definition, jobs that nobody reaches, clocks, and the schema's deployment."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest

from batch_layer.backfill.settings import BackfillSettings
from batch_layer.nightly.__main__ import STEPS
from batch_layer.nightly.settings import JobSettings
from batch_layer.nightly.trade_date import asked_for
from shared.bars.sessions import XNYS, sessions_named
from shared.stores.postgres import PostgresSettings
from stacks.settings import ROOT, Settings
from tests.infrastructure.templates import Templates

DEFINITION = json.loads((ROOT / "batch_layer/nightly/definition.asl.json").read_text())


@pytest.fixture
def machine(templates: Templates) -> Mapping[str, Any]:
    return templates.one("AWS::StepFunctions::StateMachine").properties


@pytest.fixture
def job(templates: Templates) -> Mapping[str, Any]:
    return templates.one("AWS::Batch::JobDefinition", "Job").properties


@pytest.fixture
def container(job: Mapping[str, Any]) -> Mapping[str, Any]:
    held: Mapping[str, Any] = job["ContainerProperties"]
    return held


@pytest.fixture
def substitutions(machine: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """What is put in: on AWS, and in the emulator; intrinsics as text."""
    return {
        name: (json.dumps(value["Fn::If"][1]), json.dumps(value["Fn::If"][2]))
        for name, value in machine["DefinitionSubstitutions"].items()
        if value["Fn::If"][0] == "OnAws"
    }


def states(definition: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every state, those inside maps included."""
    for state in definition["States"].values():
        yield state
        if "ItemProcessor" in state:
            yield from states(state["ItemProcessor"])


def test_the_machine_is_the_definition_and_nothing_else(machine: Mapping[str, Any]) -> None:
    assert json.loads(machine["DefinitionString"]) == DEFINITION


def test_everything_that_the_definition_leaves_open_is_put_in(substitutions: Mapping[str, Any]) -> None:
    assert set(re.findall(r"\$\{(\w+)\}", json.dumps(DEFINITION))) == set(substitutions)


def test_on_aws_functions_are_called_and_jobs_waited_for(
    substitutions: Mapping[str, tuple[str, str]], templates: Templates
) -> None:
    on_aws = {name: value for name, (value, _) in substitutions.items()}
    for name, function in (("FetchFunction", "Fetch"), ("LoadFunction", "Load"), ("ApiFunction", "ApiFunction")):
        assert templates.one("AWS::Lambda::Function", function).id in on_aws[name]
    assert ":states:::batch:submitJob.sync" in on_aws["JobResource"]
    assert templates.one("AWS::Batch::JobQueue", "Job").id in on_aws["JobQueue"]
    assert templates.one("AWS::Batch::JobDefinition", "Job").id in on_aws["JobDefinition"]


def test_in_the_emulator_each_of_them_is_an_activity(substitutions: Mapping[str, tuple[str, str]]) -> None:
    locally = {name: value for name, (_, value) in substitutions.items()}
    activities = {name: text.rpartition(":")[2].strip('"]}') for name, text in locally.items() if ":activity:" in text}
    assert activities == {
        "FetchFunction": "nightly-fetch",
        "LoadFunction": "nightly-load",
        "ApiFunction": "nightly-api",
        "JobResource": "nightly-job",
    }


def test_the_machine_may_do_what_its_definition_asks_for(templates: Templates) -> None:
    called = {
        target for g in templates.grants("NightlyRole") if "lambda:InvokeFunction" in g.actions for target in g.targets
    }
    assert len(called) == 3
    for function in ("Fetch", "Load", "ApiFunction"):
        assert any(templates.one("AWS::Lambda::Function", function).id in target for target in called)
    (submit,) = [g for g in templates.grants("NightlyRole") if "batch:SubmitJob" in g.actions]
    assert "JobQueue" in submit.targets[0]
    assert "JobDefinition" in submit.targets[1]


def test_the_machine_logs_every_step_without_what_is_in_it_and_is_traced(machine: Mapping[str, Any]) -> None:
    logging = machine["LoggingConfiguration"]
    assert (logging["Level"], logging["IncludeExecutionData"]) == ("ALL", False)
    assert machine["TracingConfiguration"] == {"Enabled": True}


def test_a_job_outlives_no_step_that_waits_for_it(job: Mapping[str, Any]) -> None:
    waited = {state["TimeoutSeconds"] for state in states(DEFINITION) if state.get("Resource") == "${JobResource}"}
    assert waited == {job["Timeout"]["AttemptDurationSeconds"]}
    assert job["RetryStrategy"]["Attempts"] == 1, "the machine knows whether another try makes sense"


def test_a_function_outlives_no_step_that_waits_for_it(templates: Templates) -> None:
    for resource, function in (("${FetchFunction}", "Fetch"), ("${LoadFunction}", "Load")):
        longest = max(state["TimeoutSeconds"] for state in states(DEFINITION) if state.get("Resource") == resource)
        assert templates.one("AWS::Lambda::Function", function).properties["Timeout"] <= longest


def test_the_container_runs_the_steps_that_the_machine_names(container: Mapping[str, Any]) -> None:
    assert container["Command"][:3] == ["python", "-m", "batch_layer.nightly"]
    named = [
        re.findall(r"'([^']*)'", state["Parameters"]["ContainerOverrides"]["Command.$"])
        for state in states(DEFINITION)
        if state.get("Resource") == "${JobResource}"
    ]
    assert named
    assert all(words[:3] == container["Command"][:3] and words[3] in STEPS for words in named)


def test_a_job_runs_on_arm64_without_a_secret(container: Mapping[str, Any], job: Mapping[str, Any]) -> None:
    assert container["RuntimePlatform"] == {"CpuArchitecture": "ARM64", "OperatingSystemFamily": "LINUX"}
    assert "Secrets" not in container
    assert job["PlatformCapabilities"] == ["FARGATE"]


def test_jobs_run_in_public_subnets_without_a_way_in_and_few_at_a_time(
    templates: Templates, container: Mapping[str, Any]
) -> None:
    fleet = templates.one("AWS::Batch::ComputeEnvironment", "Job").properties["ComputeResources"]
    assert fleet["Type"] == "FARGATE", "Spot has no ARM64"
    assert all("public" in json.dumps(subnet) for subnet in fleet["Subnets"])
    assert "JobGroup" in json.dumps(fleet["SecurityGroupIds"])
    assert container["NetworkConfiguration"] == {"AssignPublicIp": "ENABLED"}
    needed = {one["Type"]: int(one["Value"]) for one in container["ResourceRequirements"]}
    assert needed["VCPU"] <= fleet["MaxvCpus"] <= 2 * needed["VCPU"]


def test_every_variable_is_one_that_a_job_reads(container: Mapping[str, Any]) -> None:
    given = {pair["Name"] for pair in container["Environment"]}
    fields = [field for kind in (JobSettings, PostgresSettings) for field in msgspec.structs.fields(kind)]
    assert {field.name.upper() for field in fields if field.required} <= given
    assert given - {field.name.upper() for field in fields} == {"LOG_LEVEL", "METRICS_NAMESPACE", "AWS_DEFAULT_REGION"}


def test_what_is_said_of_a_job_where_there_are_none_is_what_it_has(
    templates: Templates, container: Mapping[str, Any]
) -> None:
    parts = templates.bodies["Batch"]["Outputs"]["JobContainer"]["Value"]["Fn::Join"][1]
    said = json.loads("".join(part if isinstance(part, str) else "x" for part in parts))
    assert said["command"] == container["Command"]
    assert set(said["environment"]) == {pair["Name"] for pair in container["Environment"]} - {
        "LOG_LEVEL",
        "METRICS_NAMESPACE",
        "AWS_DEFAULT_REGION",
    }


@pytest.fixture
def backfill(templates: Templates) -> Mapping[str, Any]:
    return templates.one("AWS::Batch::JobDefinition", "Backfill").properties


def test_a_backfill_takes_its_dates_as_parameters(backfill: Mapping[str, Any]) -> None:
    command, parameters = backfill["ContainerProperties"]["Command"], backfill["Parameters"]
    assert command[:3] == ["python", "-m", "batch_layer.backfill"]
    assert [word.removeprefix("Ref::") for word in command[3:]] == list(parameters)
    assert all(date.fromisoformat(value) for value in parameters.values())


def test_every_variable_is_one_that_a_backfill_reads(backfill: Mapping[str, Any]) -> None:
    given = {pair["Name"] for pair in backfill["ContainerProperties"]["Environment"]}
    fields = [field for kind in (BackfillSettings, PostgresSettings) for field in msgspec.structs.fields(kind)]
    assert {field.name.upper() for field in fields if field.required} <= given
    assert given - {field.name.upper() for field in fields} == {"LOG_LEVEL", "AWS_DEFAULT_REGION"}


def test_backfills_side_by_side_ask_no_more_than_the_key_may(templates: Templates, backfill: Mapping[str, Any]) -> None:
    """Whatever waits in their queue: a night's jobs have their own."""
    variables = {pair["Name"]: pair["Value"] for pair in backfill["ContainerProperties"]["Environment"]}
    fleet = templates.one("AWS::Batch::ComputeEnvironment", "Backfill").properties["ComputeResources"]
    needed = {one["Type"]: one["Value"] for one in backfill["ContainerProperties"]["ResourceRequirements"]}
    at_once = fleet["MaxvCpus"] // int(needed["VCPU"])
    assert 0 < int(variables["CALLS_A_MINUTE"]) * at_once <= Settings().vendor_calls_a_minute
    queues = templates.resources("AWS::Batch::JobQueue")
    assert len({json.dumps(queue.properties["ComputeEnvironmentOrder"]) for queue in queues}) == len(queues) == 2


def schedules(templates: Templates) -> list[Mapping[str, Any]]:
    """Of the night."""
    found = templates.resources("AWS::Scheduler::Schedule")
    return [schedule.properties for schedule in found if schedule.stack == "Batch"]


def test_a_night_is_started_after_the_post_market_and_once_more_in_the_morning(templates: Templates) -> None:
    started = {s["ScheduleExpression"]: json.loads(s["Target"]["Input"]) for s in schedules(templates)}
    at = "<aws.scheduler.scheduled-time>"
    assert started == {
        "cron(15 20 ? * MON-FRI *)": {"at": at, "back": 0},
        "cron(30 6 ? * TUE-SAT *)": {"at": at, "back": 1},
    }
    assert {s["ScheduleExpressionTimezone"] for s in schedules(templates)} == {"America/New_York"}


def test_both_clocks_mean_the_trade_date_whose_post_market_has_just_ended(templates: Templates) -> None:
    """Friday evening and Saturday morning of New York, as the scheduler writes the time."""
    sessions = sessions_named(XNYS)
    times = {"cron(15 20 ? * MON-FRI *)": "2026-03-07T01:15:00Z", "cron(30 6 ? * TUE-SAT *)": "2026-03-07T11:30:00Z"}
    for schedule in schedules(templates):
        asked = schedule["Target"]["Input"].replace(
            "<aws.scheduler.scheduled-time>", times[schedule["ScheduleExpression"]]
        )
        assert asked_for(json.loads(asked), sessions) == datetime(2026, 3, 6, tzinfo=UTC).date()


def test_the_clocks_run_on_aws_only(templates: Templates) -> None:
    assert {json.dumps(s["State"]) for s in schedules(templates)} == {'{"Fn::If": ["OnAws", "ENABLED", "DISABLED"]}'}


def test_a_start_that_fails_is_tried_again_and_then_kept(templates: Templates) -> None:
    queue = templates.one("AWS::SQS::Queue", "NightlyMissed")
    for schedule in schedules(templates):
        target = schedule["Target"]
        assert target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0] == queue.id
        assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0
        assert 0 < target["RetryPolicy"]["MaximumEventAgeInSeconds"] <= 3600
    assert queue.properties["SqsManagedSseEnabled"] is True
    (policy,) = templates.one("AWS::SQS::QueuePolicy", "NightlyMissed").properties["PolicyDocument"]["Statement"]
    assert (policy["Effect"], policy["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_the_clocks_role_starts_one_machine_for_this_account_only(templates: Templates) -> None:
    (starts,) = [g for g in templates.grants("ClockRole") if "states:StartExecution" in g.actions]
    assert starts.targets == [json.dumps({"Ref": templates.one("AWS::StepFunctions::StateMachine").id})]
    (trust,) = templates.one("AWS::IAM::Role", "NightlyClockRole").properties["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_a_changed_schema_is_brought_up_to_date_by_the_deployment(templates: Templates) -> None:
    resource = templates.one("Custom::DatabaseSchema")
    assert "Bootstrap" in json.dumps(resource.properties["ServiceToken"])
    assert re.fullmatch(r"[0-9a-f]{64}", resource.properties["Digest"])
    bootstrap = templates.one("AWS::Lambda::Function", "Bootstrap").properties
    migrate = templates.one("AWS::Lambda::Function", "Migrate")
    assert migrate.id in resource.body["DependsOn"]
    assert bootstrap["Environment"]["Variables"]["MIGRATE_FUNCTION"] == {"Ref": migrate.id}
    assert migrate.properties["Timeout"] < bootstrap["Timeout"] < int(resource.properties["ServiceTimeout"])


def test_who_makes_the_roles_is_outside_and_who_makes_the_schema_inside(templates: Templates) -> None:
    inside = {
        name: "VpcConfig" in templates.one("AWS::Lambda::Function", name).properties
        for name in ("Bootstrap", "Fetch", "Load", "Migrate")
    }
    assert inside == {"Bootstrap": False, "Fetch": False, "Load": True, "Migrate": True}
