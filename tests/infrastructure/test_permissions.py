"""What must hold of rights, whoever has them; the whole list is docs/rights.md (test_rights.py)."""

import json

from tests.infrastructure.templates import Templates

READ_STREAM = {
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
}
PUT = {"kinesis:PutRecord", "kinesis:PutRecords"}


def actions_of(templates: Templates, role: str) -> set[str]:
    return {action for grant in templates.grants(role) for action in grant.actions}


def test_every_function_and_task_has_a_role_that_no_other_has(templates: Templates) -> None:
    roles = [json.dumps(f.properties["Role"]) for f in templates.resources("AWS::Lambda::Function")]
    for task in templates.resources("AWS::ECS::TaskDefinition"):
        roles += [json.dumps(task.properties["TaskRoleArn"]), json.dumps(task.properties["ExecutionRoleArn"])]
    assert len(set(roles)) == len(roles)


BY_AWS = ("ec2:", "logs:")
"""Network interfaces of a function and log deliveries of a state machine are made and deleted for us."""


def test_nobody_may_delete_data(templates: Templates) -> None:
    """But jobs what they have staged in the lake, once it was moved on."""
    deleting = [
        (grant.role.rstrip("0123456789ABCDEF"), grant.actions, grant.targets)
        for grant in templates.grants()
        if any("Delete" in action and not action.startswith(BY_AWS) for action in grant.actions)
    ]
    assert {role for role, _, _ in deleting} == {"JobRole", "BackfillRole"}
    assert all(actions == ["s3:DeleteObject"] for _, actions, _ in deleting)
    assert all('"/_staging/*"' in target for _, _, (target,) in deleting)


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
        (
            grant.role.rstrip("0123456789ABCDEF"),
            next(name for name in ("VendorKey", "OriginSecret", "database-SecretArn") if name in target),
        )
        for grant in templates.grants()
        if any(action.startswith("secretsmanager:") for action in grant.actions)
        for target in grant.targets
    }
    assert readers == {
        ("IngesterTaskExecutionRole", "VendorKey"),
        ("BackfillRole", "VendorKey"),
        ("FetchRole", "VendorKey"),
        ("AuthFunctionRole", "OriginSecret"),
        ("BootstrapRole", "database-SecretArn"),
    }


def test_roles_are_assumed_by_one_service_each(templates: Templates) -> None:
    for role in templates.resources("AWS::IAM::Role"):
        (statement,) = role.properties["AssumeRolePolicyDocument"]["Statement"]
        assert isinstance(statement["Principal"]["Service"], str), role.id
