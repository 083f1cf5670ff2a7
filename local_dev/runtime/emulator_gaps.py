"""Where the emulator (ministack 1.5.33) departs from CloudFormation, put right after a deploy."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Clients = Callable[[str], Any]


def close_gaps(client: Clients, stack: str, resources: Mapping[str, Mapping[str, Any]]) -> None:
    def physical(logical: str) -> str:
        found = client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId=logical)
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    for logical, properties in _of_type(resources, "AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"):
        if "TimeToLiveSpecification" in properties:
            _time_to_live(client("dynamodb"), physical(logical), properties["TimeToLiveSpecification"]["AttributeName"])
    for logical, properties in _of_type(resources, "AWS::ApiGateway::Authorizer"):
        if not properties.get("IdentitySource"):
            _no_identity_source(client("apigateway"), physical(properties["RestApiId"]["Ref"]), physical(logical))


def _time_to_live(client: Any, table: str, attribute: str) -> None:
    """TimeToLiveSpecification is ignored in a template."""
    if client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]["TimeToLiveStatus"] == "DISABLED":
        client.update_time_to_live(
            TableName=table, TimeToLiveSpecification={"AttributeName": attribute, "Enabled": True}
        )


def _no_identity_source(client: Any, api: str, authorizer: str) -> None:
    """An authoriser without identity sources gets the Authorization header for one."""
    client.update_authorizer(
        restApiId=api,
        authorizerId=authorizer,
        patchOperations=[{"op": "replace", "path": "/identitySource", "value": ""}],
    )


def _of_type(resources: Mapping[str, Mapping[str, Any]], *types: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for logical, resource in resources.items():
        if resource["Type"] in types:
            yield logical, resource.get("Properties", {})
