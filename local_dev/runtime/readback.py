"""Reads a Deployment back from the emulator, and switches the emulator's own pollers off.

They know no batching window, bisect, retry limit or on-failure destination and drop reported items (ministack 1.5.33);
local_dev.runtime.poller has Lambda's rules.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from local_dev.runtime.deployment import (
    Authorizer,
    Container,
    Deployment,
    Function,
    GatewayResponse,
    RestApi,
    Route,
    StreamMapping,
)
from local_dev.runtime.emulator_gaps import Clients
from local_dev.runtime.mapping_settings import patterns_of

_FUNCTION_OF_URI = re.compile(r"functions/(arn:[^/]+)/invocations")
JOB_CONTAINER = "JobContainer"
"""Output of the stack that has the jobs (stacks/batch.py)."""
_METHODS = ("ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


def read_deployment(client: Clients) -> Deployment:
    """Raises LookupError unless there is exactly one REST API."""
    return Deployment(
        functions={function.name: function for function in _functions(client("lambda"))},
        mappings=tuple(_mappings(client("lambda"))),
        api=_api(client("apigateway")),
        containers=(*_containers(client("ecs")), *_jobs(client("cloudformation"))),
    )


def _functions(client: Any) -> Iterator[Function]:
    for page in client.get_paginator("list_functions").paginate():
        for item in page["Functions"]:
            yield Function(
                name=item["FunctionName"],
                arn=item["FunctionArn"],
                handler=item["Handler"],
                environment=item.get("Environment", {}).get("Variables", {}),
                timeout_s=item["Timeout"],
                memory_mb=item["MemorySize"],
            )


def _mappings(client: Any) -> Iterator[StreamMapping]:
    for page in client.get_paginator("list_event_source_mappings").paginate():
        for item in page["EventSourceMappings"]:
            if item["State"] != "Disabled":
                client.update_event_source_mapping(UUID=item["UUID"], Enabled=False)
            yield StreamMapping(
                uuid=item["UUID"],
                function=_function_name(item["FunctionArn"]),
                stream_arn=item["EventSourceArn"],
                batch_size=item.get("BatchSize", 100),
                window_s=item.get("MaximumBatchingWindowInSeconds", 0),
                starting_position=item["StartingPosition"],
                bisect=item.get("BisectBatchOnFunctionError", False),
                max_attempts=item.get("MaximumRetryAttempts", -1),
                max_record_age_s=item.get("MaximumRecordAgeInSeconds", -1),
                report_item_failures="ReportBatchItemFailures" in item.get("FunctionResponseTypes", ()),
                on_failure_arn=item.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"),
                patterns=patterns_of(item),
            )


def _api(client: Any) -> RestApi:
    apis = client.get_rest_apis(limit=500)["items"]
    if len(apis) != 1:
        raise LookupError(f"the templates must hold exactly one REST API, they hold {len(apis)}")
    api = apis[0]["id"]
    authorizers = {
        item["id"]: Authorizer(
            function=_function_of(item["authorizerUri"]),
            identity_sources=tuple(part for part in item.get("identitySource", "").split(",") if part),
            ttl_s=item.get("authorizerResultTtlInSeconds", 300),
        )
        for item in client.get_authorizers(restApiId=api, limit=500)["items"]
    }
    resources = client.get_resources(restApiId=api, limit=500, embed=["methods"])["items"]
    return RestApi(
        id=api,
        stage=next((stage["stageName"] for stage in client.get_stages(restApiId=api)["item"]), ""),
        binary_media_types=tuple(apis[0].get("binaryMediaTypes", ())),
        routes=tuple(route for resource in resources for route in _routes(resource, authorizers)),
        responses={
            item["responseType"]: _response(item)
            for item in client.get_gateway_responses(restApiId=api, limit=500)["items"]
            if not item.get("defaultResponse")
        },
    )


def _routes(resource: Mapping[str, Any], authorizers: Mapping[str, Authorizer]) -> Iterator[Route]:
    for method, item in resource.get("resourceMethods", {}).items():
        integration = item["methodIntegration"]
        if method not in _METHODS or integration["type"] != "AWS_PROXY":
            raise LookupError(f"{method} {resource['path']}: only Lambda proxy integrations are served here")
        yield Route(
            method=method,
            path=resource["path"],
            function=_function_of(integration["uri"]),
            timeout_s=integration.get("timeoutInMillis", 29_000) / 1000,
            authorizer=authorizers[item["authorizerId"]] if item.get("authorizationType") == "CUSTOM" else None,
        )


def _response(item: Mapping[str, Any]) -> GatewayResponse:
    prefix = "gatewayresponse.header."
    return GatewayResponse(
        kind=item["responseType"],
        status=int(item["statusCode"]) if item.get("statusCode") else None,
        headers={
            name.removeprefix(prefix): value
            for name, value in item.get("responseParameters", {}).items()
            if name.startswith(prefix)
        },
        template=item.get("responseTemplates", {}).get("application/json", ""),
    )


def _containers(client: Any) -> Iterator[Container]:
    for page in client.get_paginator("list_task_definitions").paginate(status="ACTIVE"):
        for arn in page["taskDefinitionArns"]:
            for item in client.describe_task_definition(taskDefinition=arn)["taskDefinition"]["containerDefinitions"]:
                yield Container(
                    name=item["name"],
                    command=tuple(item.get("command", ())),
                    environment={pair["name"]: pair["value"] for pair in item.get("environment", ())},
                )


def _jobs(client: Any) -> Iterator[Container]:
    """Containers of batch jobs: the emulator makes none, and the templates say in an output what they run."""
    for page in client.get_paginator("describe_stacks").paginate():
        for stack in page["Stacks"]:
            for output in stack.get("Outputs", ()):
                if output["OutputKey"] == JOB_CONTAINER:
                    item = json.loads(output["OutputValue"])
                    yield Container(item["name"], tuple(item["command"]), item["environment"])


def _function_of(uri: str) -> str:
    found = _FUNCTION_OF_URI.search(uri)
    if found is None:
        raise LookupError(f"no Lambda function in the integration address {uri}")
    return _function_name(found.group(1))


def _function_name(arn: str) -> str:
    return arn.split(":function:")[1].partition(":")[0]  # arn:aws:lambda:region:account:function:name[:version]
