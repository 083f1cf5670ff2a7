"""Who may do what. One role per principal; a wildcard only where AWS knows no resource, or below a prefix."""

import json

import pytest

from tests.infrastructure.templates import Templates

WITHOUT_RESOURCE = {
    "ecr:GetAuthorizationToken",
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
PREFIXES = ("/aws/lambda/*", "/quarantine/*", "/raw/trades/*")
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
READER = LOGS | XRAY | READ_STREAM | {"s3:PutObject", "s3:ListBucket"}
READ_BARS = {"dynamodb:GetItem", "dynamodb:Query"}
WRITE = {"dynamodb:PutItem", "dynamodb:UpdateItem"}
NETWORK = {action for action in WITHOUT_RESOURCE if action.startswith("ec2:")}

ALLOWED = {
    "IngesterTaskRole": PUT | READ_STREAM | WRITE | {"elasticache:Connect"},
    "ArchiveRole": READER,
    "LiveRole": READER | READ_BARS | WRITE | PUT | {"s3:GetObject"},
    "PersistRole": READER | READ_BARS | WRITE | PUT,
    "ApiFunctionRole": LOGS | XRAY | NETWORK | READ_BARS | {"elasticache:Connect"},
    "AuthFunctionRole": LOGS | XRAY | {"dynamodb:GetItem"},
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


def test_every_other_wildcard_is_below_a_prefix_of_a_bucket(templates: Templates) -> None:
    for grant in templates.grants():
        for target in grant.targets:
            if target != "*" and "*" in target:
                assert any(prefix in target for prefix in PREFIXES), grant
                assert all(action.startswith("s3:") for action in grant.actions), grant


def test_functions_and_tasks_hold_no_managed_policy(templates: Templates) -> None:
    holders = [r for r in templates.resources("AWS::IAM::Role") if "ManagedPolicyArns" in r.properties]
    assert [holder.id.rstrip("0123456789ABCDEF") for holder in holders] == ["PublicApiCloudWatchRole"]


def test_every_function_and_task_has_a_role_that_no_other_has(templates: Templates) -> None:
    roles = [json.dumps(f.properties["Role"]) for f in templates.resources("AWS::Lambda::Function")]
    task = templates.one("AWS::ECS::TaskDefinition").properties
    roles += [json.dumps(task["TaskRoleArn"]), json.dumps(task["ExecutionRoleArn"])]
    assert len(set(roles)) == len(roles)


def test_nobody_may_delete_data(templates: Templates) -> None:
    for grant in templates.grants():
        assert not [a for a in grant.actions if "Delete" in a and a not in WITHOUT_RESOURCE], grant


@pytest.mark.parametrize(
    ("role", "partitions"),
    [
        ("IngesterTaskRole", ["lease", "ingest", "feed"]),
        ("LiveRole", ["late#*"]),
        ("PersistRole", ["late#*"]),
        ("ApiFunctionRole", ["feed", "ingest"]),
        ("AuthFunctionRole", ["key"]),
    ],
)
def test_a_role_sees_only_its_own_items_of_the_control_table(
    templates: Templates, role: str, partitions: list[str]
) -> None:
    grants = [g for g in templates.grants(role) if any("ControlTable" in target for target in g.targets)]
    assert grants
    for grant in grants:
        assert grant.statement["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": partitions}}


def test_code_inside_the_network_calls_nothing_that_it_cannot_reach(templates: Templates) -> None:
    reachable = {"s3", "dynamodb", "elasticache"}
    by_lambda_itself = {"logs", "xray", "ec2"}
    services = {action.split(":")[0] for action in actions_of(templates, "ApiFunctionRole")}
    assert services <= reachable | by_lambda_itself


def test_the_api_connects_to_the_cache_as_its_own_user(templates: Templates) -> None:
    for role, user in (("ApiFunctionRole", "-api"), ("IngesterTaskRole", "-ingest")):
        (grant,) = [g for g in templates.grants(role) if g.actions == ["elasticache:Connect"]]
        users = [target for target in grant.targets if ":user:" in target]
        assert len(grant.targets) == 2
        assert len(users) == 1
        assert user in users[0]


def test_roles_are_assumed_by_one_service_each(templates: Templates) -> None:
    for role in templates.resources("AWS::IAM::Role"):
        (statement,) = role.properties["AssumeRolePolicyDocument"]["Statement"]
        assert isinstance(statement["Principal"]["Service"], str), role.id
