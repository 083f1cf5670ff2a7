"""What CloudFormation says of a deployed environment, for those who operate it from outside."""

from typing import Any

from botocore.exceptions import ClientError

VENDOR_KEY = "VendorKey"
"""How its logical id in the stack `storage` begins."""
EDGE_REGION = "us-east-1"
"""Where the edge is, whichever region the other stacks are in."""
BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version"
"""Parameter in Systems Manager that `cdk bootstrap` leaves behind, in each region."""
BOOTSTRAP_VERSION = 6
"""The oldest that our assemblies accept."""


NOTHING = {"REVIEW_IN_PROGRESS", "DELETE_COMPLETE", "ROLLBACK_COMPLETE"}
"""States of a stack that holds no resource."""


def stack_name(environment: str, stack: str) -> str:
    """`condvest-<environment>-<stack>`, as app.py names them."""
    return f"condvest-{environment}-{stack}"


def outputs(cloudformation: Any, stack: str) -> dict[str, str] | None:
    """Outputs of a stack by their keys; None where there is no such stack, or only what is left of one that never was.

    Raises ClientError for anything else.
    """
    try:
        (found,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    if found["StackStatus"] in NOTHING:
        return None
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", ())}


def vendor_secret(cloudformation: Any, storage_stack: str) -> str:
    """Name of the secret that holds the vendor's key. Raises LookupError unless the stack has exactly one such."""
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=storage_stack)
    found = [
        resource["PhysicalResourceId"]
        for page in pages
        for resource in page["StackResourceSummaries"]
        if resource["ResourceType"] == "AWS::SecretsManager::Secret"
        and resource["LogicalResourceId"].startswith(VENDOR_KEY)
    ]
    if len(found) != 1:
        raise LookupError(f"{storage_stack} should have one secret {VENDOR_KEY}, it has {len(found)}")
    return str(found[0])


def was_set(secretsmanager: Any, secret: str) -> bool:
    """Whether somebody has put a value in place of the one that CloudFormation generated. No value is read."""
    stages = secretsmanager.describe_secret(SecretId=secret).get("VersionIdsToStages", {})
    return any("AWSPREVIOUS" in stage for stage in stages.values())


def bootstrap_version(ssm: Any) -> int:
    """Of the CDK's bootstrap stack in the client's region; 0 where there is none."""
    try:
        return int(ssm.get_parameter(Name=BOOTSTRAP)["Parameter"]["Value"])
    except ssm.exceptions.ParameterNotFound:
        return 0


def to_bootstrap(region: str) -> str:
    """The command that does it."""
    return f'make cdk ARGS="bootstrap aws://ACCOUNT/{region}"'
