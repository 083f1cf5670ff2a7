"""What is read of deployed stacks, with answers that botocore checks."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from shared.clients.stacks import outputs, vendor_secret, was_set

WHEN = "2026-11-26T00:00:00Z"


def stubbed(service: str) -> tuple[Any, Stubber]:
    client = boto3.client(
        service, region_name="us-east-1", aws_access_key_id="made-up", aws_secret_access_key="made-up"
    )
    stubber = Stubber(client)
    stubber.activate()
    return client, stubber


def described(status: str) -> Any:
    client, stubber = stubbed("cloudformation")
    held = [{"OutputKey": "Url", "OutputValue": "https://example.com"}]
    stack = {"StackName": "one", "StackStatus": status, "CreationTime": WHEN, "Outputs": held}
    stubber.add_response("describe_stacks", {"Stacks": [stack]}, {"StackName": "one"})
    return client


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_IN_PROGRESS"])
def test_a_stack_that_is_there_has_outputs(status: str) -> None:
    assert outputs(described(status), "one") == {"Url": "https://example.com"}


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS", "DELETE_COMPLETE"])
def test_the_remains_of_a_stack_are_none(status: str) -> None:
    assert outputs(described(status), "one") is None


def test_no_stack_is_none_and_a_refusal_is_raised() -> None:
    client, stubber = stubbed("cloudformation")
    stubber.add_client_error("describe_stacks", "ValidationError", "Stack with id one does not exist")
    assert outputs(client, "one") is None
    stubber.add_client_error("describe_stacks", "AccessDenied", "not for you")
    with pytest.raises(ClientError, match="not for you"):
        outputs(client, "one")


@pytest.mark.parametrize(("count", "words"), [(0, "it has 0"), (2, "it has 2")])
def test_a_stack_without_exactly_one_secret_of_the_vendors_key_is_not_ours(count: int, words: str) -> None:
    client, stubber = stubbed("cloudformation")
    one = {
        "ResourceStatus": "CREATE_COMPLETE",
        "LastUpdatedTimestamp": WHEN,
        "ResourceType": "AWS::SecretsManager::Secret",
    }
    found = [{**one, "LogicalResourceId": f"VendorKey{n}", "PhysicalResourceId": f"s{n}"} for n in range(count)]
    found.append({**one, "LogicalResourceId": "AnotherSecret", "PhysicalResourceId": "another"})
    stubber.add_response("list_stack_resources", {"StackResourceSummaries": found})
    with pytest.raises(LookupError, match=words):
        vendor_secret(client, "one")


@pytest.mark.parametrize(
    ("stages", "there"),
    [
        ({"a" * 32: ["AWSCURRENT"]}, False),
        ({"a" * 32: ["AWSPREVIOUS"], "b" * 32: ["AWSCURRENT"]}, True),
        ({}, False),
    ],
)
def test_a_secret_was_set_when_another_value_was_before(stages: dict[str, list[str]], there: bool) -> None:
    client, stubber = stubbed("secretsmanager")
    stubber.add_response("describe_secret", {"VersionIdsToStages": stages}, {"SecretId": "s"})
    assert was_set(client, "s") is there
