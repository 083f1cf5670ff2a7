"""Who may do what. One role per principal; a wildcard only where AWS knows no resource, or below a prefix."""

import json
from collections.abc import Mapping

import pytest

from tests.infrastructure.templates import Templates

WITHOUT_RESOURCE = {
    "batch:DescribeJobs",
    "batch:TerminateJob",
    "dynamodb:ListStreams",
    "ecr:GetAuthorizationToken",
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
PREFIXES = (
    "/_staging/*",
    "/aws/lambda/*",
    "/bars/*",
    "/minutes/*",
    "/quarantine/*",
    "/raw/trades/*",
    "/reference/*",
    "/reports/*",
    "/vendor/*",
)
LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
XRAY = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
READ_STREAM = {
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
}
PUT = {"kinesis:PutRecord", "kinesis:PutRecords"}
READER = LOGS | READ_STREAM | {"s3:PutObject", "s3:ListBucket"}
READ_BARS = {"dynamodb:GetItem", "dynamodb:Query"}
WRITE = {"dynamodb:PutItem", "dynamodb:UpdateItem"}
READ_TABLE_STREAM = {
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
}
LAKE = {"s3:GetObject", "s3:ListBucket", "s3:PutObject"}
DELIVER_LOGS = {action for action in WITHOUT_RESOURCE if action.startswith("logs:")}
NETWORK = {action for action in WITHOUT_RESOURCE if action.startswith("ec2:")}

ALLOWED = {
    "IngesterTaskRole": PUT | READ_STREAM | WRITE | {"dynamodb:GetItem", "elasticache:Connect"},
    "ArchiveRole": READER | {"dynamodb:BatchWriteItem", "dynamodb:PutItem"},
    "LiveRole": READER | READ_BARS | WRITE | PUT | {"s3:GetObject"},
    "PersistRole": READER | READ_BARS | WRITE | PUT,
    "SignalsRole": READER | NETWORK | READ_BARS | WRITE | {"elasticache:Connect"},
    "NotifyRole": LOGS | READ_TABLE_STREAM | {"s3:PutObject", "s3:ListBucket", "sns:Publish"},
    "AnnounceRole": LOGS | READ_TABLE_STREAM | {"s3:PutObject", "s3:ListBucket", "sns:Publish"},
    "PushTaskRole": READ_STREAM | READ_BARS,
    "ApiFunctionRole": LOGS | XRAY | NETWORK | READ_BARS | {"elasticache:Connect", "rds-db:connect"},
    "AlertsFunctionRole": LOGS | XRAY | READ_BARS | WRITE,
    "AuthFunctionRole": LOGS | XRAY | {"dynamodb:GetItem"},
    "FetchRole": LOGS | XRAY | WRITE | LAKE | {"secretsmanager:GetSecretValue"},
    "LoadRole": LOGS | XRAY | NETWORK | WRITE | {"s3:GetObject", "s3:ListBucket", "rds-db:connect"},
    "JobRole": READ_BARS | LAKE | {"s3:DeleteObject", "rds-db:connect"},
    "BackfillRole": LAKE | {"s3:DeleteObject", "rds-db:connect", "secretsmanager:GetSecretValue"},
    "MigrateRole": LOGS | XRAY | NETWORK | {"rds-db:connect"},
    "BootstrapRole": LOGS
    | XRAY
    | {"rds-data:ExecuteStatement", "secretsmanager:GetSecretValue", "lambda:InvokeFunction"},
    "NightlyRole": DELIVER_LOGS
    | XRAY
    | {"xray:GetSamplingRules", "xray:GetSamplingTargets"}
    | {"batch:DescribeJobs", "batch:SubmitJob", "batch:TerminateJob", "lambda:InvokeFunction"}
    | {"events:DescribeRule", "events:PutRule", "events:PutTargets"},
    "WatchRole": LOGS | READ_BARS | WRITE | {"s3:ListBucket"},
    "WatchClockRole": {"lambda:InvokeFunction"},
    "NightlyClockRole": {"states:StartExecution", "sqs:SendMessage"},
    "PlannerRole": LOGS | XRAY | {"scheduler:CreateSchedule", "iam:PassRole", "sqs:SendMessage"},
    "OrdersRole": {"ecs:UpdateService", "sqs:SendMessage"},
    "MorningRole": {"lambda:InvokeFunction", "sqs:SendMessage"},
}


def actions_of(templates: Templates, role: str) -> set[str]:
    return {action for grant in templates.grants(role) for action in grant.actions}


@pytest.mark.parametrize("role", ALLOWED)
def test_a_role_may_do_what_is_listed_here_and_no_more(templates: Templates, role: str) -> None:
    assert actions_of(templates, role) == ALLOWED[role]


def test_no_action_is_a_wildcard(templates: Templates) -> None:
    for grant in templates.grants():
        assert not [action for action in grant.actions if "*" in action], grant


def test_any_resource_is_granted_only_to_actions_that_know_none(templates: Templates) -> None:
    for grant in templates.grants():
        if "*" in grant.targets:
            assert set(grant.actions) <= WITHOUT_RESOURCE, grant


def test_every_other_wildcard_is_below_a_prefix_of_a_bucket_or_in_the_planners_group(templates: Templates) -> None:
    for grant in templates.grants():
        for target in grant.targets:
            if grant.actions == ["scheduler:CreateSchedule"]:
                group = templates.one("AWS::Scheduler::ScheduleGroup").id
                assert target.endswith(json.dumps([":schedule/", {"Ref": group}, "/*"])[1:] + "]}"), target
            elif target != "*" and "*" in target:
                assert any(prefix in target for prefix in PREFIXES), grant
                assert all(action.startswith("s3:") for action in grant.actions), grant


def test_functions_and_tasks_hold_no_managed_policy(templates: Templates) -> None:
    holders = [r for r in templates.resources("AWS::IAM::Role") if "ManagedPolicyArns" in r.properties]
    assert [holder.id.rstrip("0123456789ABCDEF") for holder in holders] == ["PublicApiCloudWatchRole"]


def test_every_function_and_task_has_a_role_that_no_other_has(templates: Templates) -> None:
    roles = [json.dumps(f.properties["Role"]) for f in templates.resources("AWS::Lambda::Function")]
    for task in templates.resources("AWS::ECS::TaskDefinition"):
        roles += [json.dumps(task.properties["TaskRoleArn"]), json.dumps(task.properties["ExecutionRoleArn"])]
    assert len(set(roles)) == len(roles)


def test_nobody_may_delete_data(templates: Templates) -> None:
    """But jobs what they have staged in the lake, once it was moved on."""
    deleting = [
        (grant.role.rstrip("0123456789ABCDEF"), grant.actions, grant.targets)
        for grant in templates.grants()
        if any("Delete" in action and action not in WITHOUT_RESOURCE for action in grant.actions)
    ]
    assert {role for role, _, _ in deleting} == {"JobRole", "BackfillRole"}
    assert all(actions == ["s3:DeleteObject"] for _, actions, _ in deleting)
    assert all('"/_staging/*"' in target for _, _, (target,) in deleting)


CONTROL = {
    "IngesterTaskRole": {"read": {"symbols"}, "write": {"lease", "ingest", "feed", "symbols"}},
    "ArchiveRole": {},
    "LiveRole": {"write": {"late#*"}},
    "PersistRole": {"read": {"late#*"}, "write": {"through"}},
    "SignalsRole": {"read": {"through", "signals"}, "write": {"through", "signals"}},
    "NotifyRole": {},
    "AnnounceRole": {},
    "AlertsFunctionRole": {},
    "PushTaskRole": {"read": {"key", "through"}},
    "ApiFunctionRole": {
        "read": {"feed", "ingest", "symbols", "through", "signals", "settled#1m", "settled#version", "run"}
    },
    "AuthFunctionRole": {"read": {"key"}},
    "FetchRole": {"write": {"run"}},
    "LoadRole": {"write": {"run", "settled#1m", "settled#version"}},
    "JobRole": {"read": {"ingest", "symbols"}},
    "BackfillRole": {},
    "MigrateRole": {},
    "BootstrapRole": {},
    "WatchRole": {"read": {"ingest", "run", "through", "watch"}, "write": {"watch"}},
    "WatchClockRole": {},
    "NightlyRole": {},
    "NightlyClockRole": {},
    "PlannerRole": {},
    "OrdersRole": {},
    "MorningRole": {},
}
"""Who may read and who may write which partitions of the control table."""


ALERTS = {
    "LiveRole": {"read": {"state#*", "reader#live"}, "write": {"state#*", "fired#*", "reader#live"}},
    "SignalsRole": {"read": {"state#*", "reader#signals"}, "write": {"state#*", "fired#*", "reader#signals"}},
    "AlertsFunctionRole": {"read": {"rule#*", "state#*", "fired#*"}, "write": {"rule#*"}},
    "PushTaskRole": {},
}
"""Who may read and who may write which partitions of the alerts table: who evaluates rules changes none."""


def test_the_lists_of_rights_name_every_role_of_ours() -> None:
    assert CONTROL.keys() == ALLOWED.keys()


@pytest.mark.parametrize("role", CONTROL)
@pytest.mark.parametrize(("table", "expected"), [("ControlTable", CONTROL), ("AlertsTable", ALERTS)])
def test_a_role_sees_only_its_own_items_of_the_control_and_alerts_tables(
    templates: Templates, role: str, table: str, expected: Mapping[str, Mapping[str, set[str]]]
) -> None:
    found: dict[str, set[str]] = {}
    for grant in templates.grants(role):
        if any(table in target and "/index/" not in target and "StreamArn" not in target for target in grant.targets):
            (keys,) = grant.statement["Condition"]["ForAllValues:StringLike"].values()
            kinds = {"read" if action in READ_BARS else "write" for action in grant.actions}
            for kind in kinds:
                found.setdefault(kind, set()).update(keys)
    assert found == expected.get(role, {})


@pytest.mark.parametrize(
    ("role", "written"),
    [
        ("ArchiveRole", {"TicksTable"}),
        ("LiveRole", {"BarsTable", "ControlTable", "AlertsTable"}),
        ("PersistRole", {"BarsTable", "ControlTable"}),
        ("SignalsRole", {"SignalsTable", "ControlTable", "AlertsTable"}),
        ("AlertsFunctionRole", {"AlertsTable"}),
        ("NotifyRole", set()),
        ("PushTaskRole", set()),
        ("ApiFunctionRole", set()),
        ("AuthFunctionRole", set()),
        ("FetchRole", {"ControlTable"}),
        ("LoadRole", {"ControlTable"}),
        ("WatchRole", {"ControlTable"}),
        ("JobRole", set()),
        ("BackfillRole", set()),
    ],
)
def test_a_role_writes_only_its_own_tables(templates: Templates, role: str, written: set[str]) -> None:
    writing = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:BatchWriteItem"}
    targets = [t for g in templates.grants(role) if set(g.actions) & writing for t in g.targets]
    tables = {
        table
        for table in ("BarsTable", "TicksTable", "SignalsTable", "ControlTable", "AlertsTable")
        for t in targets
        if table in t
    }
    assert tables == written


def test_notify_and_announce_publish_to_one_topic(templates: Templates) -> None:
    publishers = [grant for grant in templates.grants() if "sns:Publish" in grant.actions]
    assert [grant.role.rstrip("0123456789ABCDEF") for grant in publishers] == ["NotifyRole", "AnnounceRole"]
    for publisher in publishers:
        assert publisher.targets == [json.dumps({"Ref": templates.one("AWS::SNS::Topic", "Signal").id})]


INSIDE = ("ApiFunctionRole", "SignalsRole", "LoadRole", "MigrateRole")


def test_code_inside_the_network_calls_nothing_that_it_cannot_reach(templates: Templates) -> None:
    reachable = {"s3", "dynamodb", "elasticache", "rds-db"}
    by_lambda_itself = {"logs", "xray", "ec2"}
    for role in INSIDE:
        called = actions_of(templates, role) - READ_STREAM  # Lambda reads the stream and hands the records over
        assert {action.split(":")[0] for action in called} <= reachable | by_lambda_itself, role


def test_what_the_gateway_endpoint_lets_through_is_what_code_inside_may_do(templates: Templates) -> None:
    endpoints = [e.properties["PolicyDocument"] for e in templates.resources("AWS::EC2::VPCEndpoint")]
    open_ = {action for policy in endpoints for statement in policy["Statement"] for action in statement["Action"]}
    inside = {action for role in INSIDE for action in actions_of(templates, role)}
    assert {action for action in inside if action.startswith("dynamodb:")} == {
        action for action in open_ if action.startswith("dynamodb:")
    }


def test_secrets_are_read_by_who_uses_them_only(templates: Templates) -> None:
    readers = {
        (grant.role.rstrip("0123456789ABCDEF"), "VendorKey" in target, "database-SecretArn" in target)
        for grant in templates.grants()
        if any(action.startswith("secretsmanager:") for action in grant.actions)
        for target in grant.targets
    }
    assert readers == {
        ("IngesterTaskExecutionRole", True, False),
        ("BackfillRole", True, False),
        ("FetchRole", True, False),
        ("BootstrapRole", False, True),
    }


def test_everybody_connects_to_the_cache_as_a_user_of_their_own(templates: Templates) -> None:
    for role, user in (("ApiFunctionRole", "-api"), ("IngesterTaskRole", "-ingest"), ("SignalsRole", "-signals")):
        (grant,) = [g for g in templates.grants(role) if g.actions == ["elasticache:Connect"]]
        users = [target for target in grant.targets if ":user:" in target]
        assert len(grant.targets) == 2
        assert len(users) == 1
        assert user in users[0]


def test_roles_are_assumed_by_one_service_each(templates: Templates) -> None:
    for role in templates.resources("AWS::IAM::Role"):
        (statement,) = role.properties["AssumeRolePolicyDocument"]["Statement"]
        assert isinstance(statement["Principal"]["Service"], str), role.id
