"""`condvest doctor --aws`, with answers that botocore checks against its models of the services."""

import argparse
from functools import lru_cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from local_dev.cli import doctor
from local_dev.cli.account import Account
from local_dev.cli.finding import Finding

ACCOUNT = "123456789012"
CALLER = {"Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:user/ann", "UserId": "AIDA"}
TOPIC = f"arn:aws:sns:eu-west-1:{ACCOUNT}:alarms"
REFUSED = "AccessDeniedException"
Answers = dict[str, Any]
"""`service.operation` -> answer, or the code of an error."""


def quota(service: str, name: str, value: float) -> dict[str, Any]:
    return {"Quotas": [{"ServiceCode": service, "QuotaName": name, "Value": value}]}


def stack(name: str, status: str = "CREATE_COMPLETE", **outputs: str) -> dict[str, Any]:
    held = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
    return {"StackName": name, "StackStatus": status, "CreationTime": "2026-11-26T00:00:00Z", "Outputs": held}


def answers(**changed: Any) -> Answers:
    """Of a deployed account that lacks nothing; `changed` has `__` for the point."""
    summary = {
        "LogicalResourceId": "VendorKey",
        "PhysicalResourceId": "the-secret",
        "ResourceType": "AWS::SecretsManager::Secret",
        "LastUpdatedTimestamp": "2026-11-26T00:00:00Z",
        "ResourceStatus": "CREATE_COMPLETE",
    }
    return {
        "sts.get_caller_identity": CALLER,
        "ssm.get_parameter": {"Parameter": {"Value": "30"}},
        "lambda.get_account_settings": {"AccountLimit": {"ConcurrentExecutions": 1000}},
        "fargate": quota("fargate", "Fargate On-Demand vCPU resource count", 30),
        "kinesisanalytics": quota("kinesisanalytics", "Kinesis Processing Units (KPU)", 64),
        "cloudfront": quota("cloudfront", "Web distributions per AWS account", 200),
        "vpc": quota("vpc", "VPCs per Region", 5),
        "kinesis.describe_limits": {
            "ShardLimit": 500,
            "OpenShardCount": 3,
            "OnDemandStreamCount": 0,
            "OnDemandStreamCountLimit": 50,
        },
        "ec2.describe_vpcs": {"Vpcs": [{"VpcId": "vpc-1"}]},
        "stacks": [stack("condvest-prod-storage"), stack("condvest-prod-monitoring", AlarmTopicArn=TOPIC)],
        "cloudformation.list_stack_resources": {"StackResourceSummaries": [summary]},
        "secretsmanager.describe_secret": {"VersionIdsToStages": {"a" * 32: ["AWSPREVIOUS"], "b" * 32: ["AWSCURRENT"]}},
        "sns.list_subscriptions_by_topic": {"Subscriptions": [{"SubscriptionArn": f"{TOPIC}:1"}]},
        "ce.list_cost_allocation_tags": {
            "CostAllocationTags": [{"TagKey": "project", "Type": "UserDefined", "Status": "Active"}]
        },
        **{name.replace("__", "."): value for name, value in changed.items()},
    }


class Stubbed:
    """Clients that answer from a table. Questions and answers must be what botocore's models allow."""

    def __init__(self, table: Answers) -> None:
        self._table = table
        self.asked: list[str] = []

    def __call__(self, service: str, region: str) -> Any:
        client = _client(service, region)
        stubber = Stubber(client)
        real = type(client)._make_api_call.__get__(client)

        def call(operation: str, parameters: dict[str, Any]) -> Any:
            name = f"{service}.{_snake(operation)}"
            answer = self._answer(name, parameters)
            self.asked.append(name)
            if isinstance(answer, str):
                stubber.add_client_error(_snake(operation), service_error_code=answer, service_message=answer)
            else:
                stubber.add_response(_snake(operation), answer, parameters)
            with stubber:
                return real(operation, parameters)

        client._make_api_call = call
        return client

    def _answer(self, name: str, parameters: dict[str, Any]) -> Any:
        if name == "service-quotas.list_service_quotas":
            return self._table[parameters["ServiceCode"]]
        if name == "cloudformation.describe_stacks":
            found = [s for s in self._table["stacks"] if s["StackName"] == parameters.get("StackName", s["StackName"])]
            if "StackName" in parameters and not found:
                return "does not exist"
            return {"Stacks": found}
        return self._table[name]


@lru_cache
def _client(service: str, region: str) -> Any:
    """Made once: each takes a while."""
    return boto3.client(service, region_name=region, aws_access_key_id="made-up", aws_secret_access_key="made-up")


def _snake(operation: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in operation).lstrip("_")


def findings(table: Answers) -> dict[str, Finding]:
    return {finding.what: finding for finding in Account("prod", "eu-west-1", Stubbed(table)).examine()}


@pytest.fixture(autouse=True)
def _docker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")


@pytest.fixture(autouse=True)
def images(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A lock of the base image with its digest."""
    lock = tmp_path / "images.json"
    lock.write_text('{"digest": "sha256:0123456789abcdef"}')
    monkeypatch.setattr("local_dev.cli.account.IMAGES", lock)
    return lock


def test_a_base_image_without_a_digest_is_told_how(images: Path) -> None:
    images.write_text('{"digest": ""}')
    found = findings(answers())["base image"]
    assert (found.found, found.remedy) == ("no digest", "make lock-image")


def test_an_account_that_lacks_nothing_is_told_so() -> None:
    found = findings(answers())
    assert [f for f in found.values() if f.remedy] == []
    assert found["credentials"].found == f"account {ACCOUNT}, user/ann"
    assert found["bootstrap eu-west-1"].found == found["bootstrap us-east-1"].found == "version 30"
    assert len(found) == 16


def test_without_credentials_nothing_else_is_asked() -> None:
    stubbed = Stubbed(answers(sts__get_caller_identity="ExpiredToken"))
    (only,) = Account("prod", "eu-west-1", stubbed).examine()
    assert (only.what, only.found, only.fails) == ("credentials", "ExpiredToken", True)
    assert stubbed.asked == ["sts.get_caller_identity"]


@pytest.mark.parametrize(
    ("changed", "what", "remedy"),
    [
        ({"ssm__get_parameter": "ParameterNotFound"}, "bootstrap eu-west-1", "bootstrap aws://ACCOUNT/eu-west-1"),
        ({"ssm__get_parameter": {"Parameter": {"Value": "5"}}}, "bootstrap us-east-1", "aws://ACCOUNT/us-east-1"),
        (
            {"lambda__get_account_settings": {"AccountLimit": {"ConcurrentExecutions": 10}}},
            "functions at once",
            "100 are needed",
        ),
        ({"fargate": quota("fargate", "Fargate On-Demand vCPU resource count", 2)}, "Fargate vCPU", "10 are needed"),
        ({"cloudfront": quota("cloudfront", "Web distributions per AWS account", 0)}, "distributions", "1 are needed"),
        (
            {
                "kinesis__describe_limits": {
                    "ShardLimit": 4,
                    "OpenShardCount": 1,
                    "OnDemandStreamCount": 0,
                    "OnDemandStreamCountLimit": 50,
                }
            },
            "shards",
            "6 are needed",
        ),
        ({"stacks": [stack("condvest-prod-speed", "UPDATE_ROLLBACK_FAILED")]}, "stacks", "condvest-prod-speed: see"),
        (
            {"secretsmanager__describe_secret": {"VersionIdsToStages": {"a" * 32: ["AWSCURRENT"]}}},
            "vendor key",
            "put it into the secret the-secret",
        ),
        (
            {"sns__list_subscriptions_by_topic": {"Subscriptions": [{"SubscriptionArn": "PendingConfirmation"}]}},
            "alarms",
            "confirm the subscription",
        ),
        ({"sns__list_subscriptions_by_topic": {"Subscriptions": []}}, "alarms", f"subscribe to {TOPIC}"),
    ],
)
def test_what_is_missing_is_told_with_what_to_do(changed: Answers, what: str, remedy: str) -> None:
    found = findings(answers(**changed))
    assert found[what].fails
    assert remedy in found[what].remedy


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"ce__list_cost_allocation_tags": {"CostAllocationTags": []}}, "cost tag"),
        ({"kinesisanalytics": quota("kinesisanalytics", "Kinesis Processing Units (KPU)", 1)}, "Flink KPU"),
        ({"ec2__describe_vpcs": {"Vpcs": [{"VpcId": f"vpc-{n}"} for n in range(5)]}}, "VPCs"),
        ({"lambda__get_account_settings": REFUSED}, "functions at once"),
        ({"vpc": {"Quotas": []}}, "VPCs"),
        ({"sns__list_subscriptions_by_topic": REFUSED}, "alarms"),
    ],
)
def test_what_need_not_be_or_cannot_be_read_does_not_fail(changed: Answers, what: str) -> None:
    found = findings(answers(**changed))
    assert found[what].remedy
    assert not any(finding.fails for finding in found.values())


def test_before_the_first_deployment_there_is_nothing_to_check_of_it() -> None:
    found = findings(answers(stacks=[]))
    assert found["stacks"].found == "none deployed yet"
    assert "POLYGON_API_KEY" in found["vendor key"].found
    assert found["alarms"].found == "no topic yet"
    assert not any(finding.fails for finding in found.values())


def test_nothing_is_asked_but_reads() -> None:
    stubbed = Stubbed(answers())
    list(Account("prod", "eu-west-1", stubbed).examine())
    verbs = {name.partition(".")[2].partition("_")[0] for name in stubbed.asked}
    assert verbs == {"get", "list", "describe"}
    assert "secretsmanager.get_secret_value" not in stubbed.asked


def test_a_region_whose_database_cannot_be_told_is_refused() -> None:
    found = {f.what: f for f in Account("prod", "mars-north-1", Stubbed(answers())).examine()}
    assert found["region"].fails


def test_the_command_says_each_and_fails_when_one_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def account(environment: str, region: str | None) -> Account:
        assert (environment, region) == ("prod", "eu-west-1")
        return Account(environment, "eu-west-1", Stubbed(answers(ssm__get_parameter="ParameterNotFound")))

    monkeypatch.setattr(doctor, "account", account)
    assert _run(["--aws", "--environment", "prod", "--region", "eu-west-1"]) == 1
    printed = capsys.readouterr().out
    assert "!!  bootstrap eu-west-1" in printed
    assert '-> make cdk ARGS="bootstrap aws://ACCOUNT/eu-west-1"' in printed


def _run(words: list[str]) -> int:
    parser = argparse.ArgumentParser()
    doctor.add_arguments(parser)
    return doctor.run(parser.parse_args(words))
