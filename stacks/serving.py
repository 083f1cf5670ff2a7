"""Answers: the REST API with one explicit method per route, its authoriser, and the function behind it."""

from __future__ import annotations

from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_apigateway as apigateway
from constructs import Construct

from stacks.constructs.assets import Assets
from stacks.constructs.function import ServiceFunction
from stacks.constructs.log_group import log_group
from stacks.constructs.rest_api import ACCESS_LOG_FIELDS, add_error_answers
from stacks.constructs.rights import read_items
from stacks.constructs.target import TargetedStack
from stacks.network import NetworkStack
from stacks.settings import Settings
from stacks.speed import SpeedStack
from stacks.storage import StorageStack

STAGE = "live"
OPEN_ROUTES = {"/v1/health": ("GET",)}
"""Answered without a key."""
KEY_ROUTES = {"/v2/aggs/ticker/{ticker}/range/{multiplier}/{timespan}/{from}/{to}": ("GET",)}
"""Answered to holders of a key only."""


class ServingStack(TargetedStack):
    """Polygon's paths over our data."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        assets: Assets,
        network: NetworkStack,
        storage: StorageStack,
        speed: SpeedStack,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, id_, **kwargs)
        self.add_stack_dependency(speed)  # imports the cache's endpoint by name
        days = settings.log_retention_days
        self.api_function = ServiceFunction(
            self,
            "ApiFunction",
            assets=assets,
            name="api",
            description="REST routes of the platform, read only.",
            environment={
                "BARS_TABLE": storage.bars_table.table_name,
                "CONTROL_TABLE": storage.control_table.table_name,
                **speed.cache.environment(self, "api"),
            },
            permissions=[
                read_items(storage.bars_table),
                read_items(storage.control_table),
                speed.cache.connect("api"),
            ],
            retention_days=days,
            memory_mb=1024,
            timeout=Duration.seconds(10),
            vpc=network.vpc,
            security_group=network.api_group,
        )
        self.auth_function = ServiceFunction(
            self,
            "AuthFunction",
            assets=assets,
            name="auth",
            description="Checks the caller's key against its stored hash.",
            environment={"CONTROL_TABLE": storage.control_table.table_name},
            permissions=[read_items(storage.control_table, "key")],
            retention_days=days,
            memory_mb=512,
            timeout=Duration.seconds(5),
        )
        self.api = self._rest_api(days)
        self._routes()
        add_error_answers(self.api)

    def _rest_api(self, days: int) -> apigateway.RestApi:
        access = log_group(self, "AccessLogs", days)
        return apigateway.RestApi(
            self,
            "Api",
            description="Polygon's paths over our own bars.",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            deploy_options=apigateway.StageOptions(
                stage_name=STAGE,
                throttling_rate_limit=200,
                throttling_burst_limit=400,
                tracing_enabled=True,
                metrics_enabled=True,
                logging_level=apigateway.MethodLoggingLevel.ERROR,
                data_trace_enabled=False,
                access_log_destination=apigateway.LogGroupLogDestination(access),
                access_log_format=apigateway.AccessLogFormat.custom(ACCESS_LOG_FIELDS),
            ),
        )

    def _routes(self) -> None:
        integration = apigateway.LambdaIntegration(self.api_function.function, proxy=True, allow_test_invoke=False)
        authorizer = apigateway.RequestAuthorizer(
            self,
            "Authorizer",
            handler=self.auth_function.function,
            identity_sources=[],  # the key comes as a header or as a query value: neither may be required
            results_cache_ttl=Duration.seconds(0),
        )
        for routes, options in (
            (OPEN_ROUTES, {"authorization_type": apigateway.AuthorizationType.NONE}),
            (KEY_ROUTES, {"authorization_type": apigateway.AuthorizationType.CUSTOM, "authorizer": authorizer}),
        ):
            for path, methods in routes.items():
                resource = self.api.root.resource_for_path(path)
                for method in methods:
                    resource.add_method(method, integration, **options)
