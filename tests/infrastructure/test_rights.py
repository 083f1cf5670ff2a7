"""Who may do what, of every policy in both profiles: as docs/rights.md lists it, by a pattern only where told here."""

import difflib
import json
import re
from pathlib import Path

import pytest

from stacks.audit.lists import documents
from stacks.audit.reading import Reading
from stacks.audit.rights import Grant, grants
from stacks.settings import ROOT
from stacks.synth import templates

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
"""Actions for which AWS knows no resource, or (batch:TerminateJob) none that is known before the job runs."""
OBJECTS = re.compile(r"(Storage\.(Lake|Log)Bucket|Edge\.(Log|Page)Bucket)(/[\w<>.-]+)*/\*")
"""Objects of a bucket of ours."""
LAKE_PREFIXES = {
    "_staging",
    "aws/lambda",
    "bars",
    "minutes",
    "quarantine",
    "raw/trades",
    "reference",
    "reports",
    "vendor",
}
SCHEDULES = re.compile(r"arn:aws:scheduler:<region>:<account>:schedule/Clock\.Orders/\*")
"""Schedules of one group of ours: their names hold the day."""
OF_THE_ACCOUNT = ("kms:*", "arn:aws:iam::<account>:root")
"""Without it nobody could ever change the policy of the key; roles get nothing by it."""
MANAGED = {"arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"}
"""API Gateway's documented policy for the one role that an account has for its logs."""
CALLS_FOR_ANYBODY = {
    ("apigateway.amazonaws.com", "sts:AssumeRole"),
    ("budgets.amazonaws.com", "kms:Decrypt"),
    ("budgets.amazonaws.com", "kms:GenerateDataKey*"),
    ("cloudwatch.amazonaws.com", "kms:Decrypt"),
    ("cloudwatch.amazonaws.com", "kms:GenerateDataKey*"),
    ("ecs-tasks.amazonaws.com", "sts:AssumeRole"),
    ("kinesisanalytics.amazonaws.com", "sts:AssumeRole"),
    ("lambda.amazonaws.com", "sts:AssumeRole"),
    ("states.amazonaws.com", "sts:AssumeRole"),
}
"""Services that are not asked for whom they call: who makes them assume a role needs iam:PassRole for it in this
account, and what the key seals goes to a topic that does ask."""


@pytest.fixture(scope="session")
def found(profiles: dict[str, Path]) -> dict[str, set[Grant]]:
    return {profile: grants(Reading.of(templates(assembly))) for profile, assembly in profiles.items()}


@pytest.mark.parametrize("page", ["rights.md", "kept.md"])
def test_the_page_says_what_the_templates_say(profiles: dict[str, Path], page: str) -> None:
    made, read = documents(profiles)[page], (ROOT / "docs" / page).read_text()
    changes = "\n".join(difflib.unified_diff(read.splitlines(), made.splitlines(), "read", "made", lineterm="", n=0))
    assert made == read, f"run `make lists`, read what changed and commit it:\n{changes}"


def test_every_pattern_is_one_that_is_allowed_here(found: dict[str, set[Grant]]) -> None:
    assert [(grant, why) for held in found.values() for grant in held if (why := refusal(grant))] == []


def refusal(grant: Grant) -> str:
    """Why a grant must not be; empty when it may."""
    if grant.effect == "Deny":
        return ""
    if grant.action == "managed policy":
        return "" if grant.resource in MANAGED else "a managed policy"
    reasons = (_of_action(grant), _of_principal(grant), _of_resource(grant))
    return next((why for why in reasons if why), "")


def _of_action(grant: Grant) -> str:
    by_name = "*" not in grant.action or (grant.principal, grant.action) in CALLS_FOR_ANYBODY
    if not by_name and (grant.action, grant.principal) != OF_THE_ACCOUNT:
        return "an action by a pattern"
    if grant.action == "iam:PassRole" and ("*" in grant.resource or "iam:passedtoservice" not in _asked(grant)):
        return "a role is passed by its name, to one service"
    return ""


def _of_principal(grant: Grant) -> str:
    if grant.principal.startswith("*"):
        ours = {"aws:principalaccount", "aws:resourceaccount"} <= _asked(grant)
        return "" if ours and " through Network." in grant.principal else "anybody"
    service = grant.principal.endswith(".amazonaws.com")
    if service and (grant.principal, grant.action) not in CALLS_FOR_ANYBODY:
        whose = _asked(grant) & {"aws:sourceaccount", "aws:sourcearn", "sourcearn"}
        return "" if whose else "a service that calls for anybody"
    return ""


def _of_resource(grant: Grant) -> str:
    if grant.resource == "*":
        known = " through Network." in grant.principal or grant.action in WITHOUT_RESOURCE
        return "" if known else "any resource"
    by_day = grant.action == "scheduler:CreateSchedule" and SCHEDULES.fullmatch(grant.resource)
    if "*" not in grant.resource or by_day:
        return ""
    if not OBJECTS.fullmatch(grant.resource) or not grant.action.startswith("s3:"):
        return "resources by a pattern"
    prefix = grant.resource.partition("/")[2].removesuffix("*").removesuffix("/")
    return "" if "Lake" not in grant.resource or prefix in LAKE_PREFIXES else "a prefix of the lake that is new"


def _asked(grant: Grant) -> set[str]:
    """Keys of its conditions."""
    conditions = json.loads(grant.condition or "{}")
    return {key.lower() for name, held in conditions.items() for key in (held if isinstance(held, dict) else [name])}


OURS = '{"StringEquals":{"aws:SourceAccount":"<account>"}}'


@pytest.mark.parametrize(
    ("principal", "resource", "action", "condition", "why"),
    [
        ("Speed.LiveRole", "Storage.BarsTable", "dynamodb:*", "", "an action by a pattern"),
        ("Speed.LiveRole", "*", "dynamodb:PutItem", "", "any resource"),
        ("Speed.LiveRole", "Storage.LakeBucket/*", "s3:GetObject", "", "a prefix of the lake that is new"),
        ("Speed.LiveRole", "Storage.LakeBucket/keys/*", "s3:GetObject", "", "a prefix of the lake that is new"),
        ("Speed.LiveRole", "arn:aws:s3:::*", "s3:GetObject", "", "resources by a pattern"),
        ("Speed.LiveRole", "Storage.BarsTable/index/*", "dynamodb:Query", "", "resources by a pattern"),
        ("Speed.LiveRole", "arn:aws:iam::aws:policy/AdministratorAccess", "managed policy", "", "a managed policy"),
        ("Speed.PlanRole", "*", "iam:PassRole", "", "a role is passed by its name, to one service"),
        ("Speed.PlanRole", "Speed.RunRole", "iam:PassRole", "", "a role is passed by its name, to one service"),
        ("*", "Storage.LakeBucket", "s3:ListBucket", "", "anybody"),
        ("* through Network.VpcS3Endpoint", "*", "s3:GetObject", "", "anybody"),
        ("sns.amazonaws.com", "Speed.LiveFunction", "lambda:InvokeFunction", "", "a service that calls for anybody"),
        ("scheduler.amazonaws.com", "Speed.RunRole", "sts:AssumeRole", "", "a service that calls for anybody"),
        ("scheduler.amazonaws.com", "Speed.RunRole", "sts:AssumeRole", OURS, ""),
        ("Speed.LiveRole", "*", "xray:PutTraceSegments", "", ""),
    ],
)
def test_what_must_not_be_granted_would_be_found(
    principal: str, resource: str, action: str, condition: str, why: str
) -> None:
    assert refusal(Grant(principal, resource, action, "Allow", condition)) == why


def test_the_list_of_actions_without_a_resource_names_what_is_used(found: dict[str, set[Grant]]) -> None:
    used = {grant.action for held in found.values() for grant in held if grant.resource == "*"}
    assert used >= WITHOUT_RESOURCE


def test_tables_of_many_owners_are_granted_by_partition(found: dict[str, set[Grant]]) -> None:
    for held in found.values():
        shared = [g for g in held if g.resource in {"Storage.ControlTable", "Storage.AlertsTable"}]
        mine = [g for g in shared if " through " not in g.principal]
        assert mine
        assert [g for g in mine if "dynamodb:LeadingKeys" not in g.condition] == []


@pytest.mark.parametrize("as_a_list", [True, False])
def test_a_policy_where_nobody_looks_stops_the_audit(as_a_list: bool) -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}
    text = {"Statement": [statement] if as_a_list else statement}
    hidden = {"Type": "AWS::ECR::Repository", "Properties": {"RepositoryPolicyText": text}}
    reading = Reading({"Any": {"Resources": {"Images0123ABCD": hidden}}})
    with pytest.raises(ValueError, match=r"Any\.Images: a policy in RepositoryPolicyText of AWS::ECR::Repository"):
        grants(reading)


def test_a_statement_of_a_web_acl_is_no_right() -> None:
    rules = [{"Name": "Any", "Statement": {"RateBasedStatement": {"Limit": 100}}}]
    acl = {"Type": "AWS::WAFv2::WebACL", "Properties": {"Rules": rules}}
    assert grants(Reading({"Any": {"Resources": {"Acl": acl}}})) == set()


def test_a_statement_by_exclusion_stops_the_audit() -> None:
    statement = {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}
    policy = {"PolicyDocument": {"Statement": [statement]}, "Roles": [{"Ref": "Role"}]}
    resources = {"Role": {"Type": "AWS::IAM::Role"}, "P": {"Type": "AWS::IAM::Policy", "Properties": policy}}
    with pytest.raises(ValueError, match="NotAction"):
        grants(Reading({"Any": {"Resources": resources}}))
