"""A REST API with one explicit method per route, whose own errors have Polygon's shape."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

from aws_cdk import CfnResource, Duration, RemovalPolicy, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_xray as xray
from constructs import Construct, IConstruct

from stacks.constructs.gateway_answers import add_gateway_answers
from stacks.constructs.log_group import log_group
from stacks.constructs.nag import acknowledge

STAGE = "live"
ACCESS_LOG_FIELDS = json.dumps(
    {
        "request_id": "$context.requestId",
        "at_ms": "$context.requestTimeEpoch",
        "ip": "$context.identity.sourceIp",
        "method": "$context.httpMethod",
        "resource": "$context.resourcePath",
        "status": "$context.status",
        "bytes": "$context.responseLength",
        "latency_ms": "$context.responseLatency",
        "integration_ms": "$context.integrationLatency",
        "authorizer_ms": "$context.authorizer.latency",
        "error": "$context.error.responseType",
        "key_id": "$context.authorizer.principalId",
    }
)
"""Of the query string nothing: it may carry the key."""
TRACED_SHARE = 0.02
"""Of the API's calls."""
MOST_OF_A_RULE_NAME = 32
"""Characters."""
_COGNITO = "Callers are programs with opaque keys, checked by our own authoriser; there is no user pool to sign in to."


class PublicApi(Construct):
    """Paths and methods it does not name are answered 404 without running anything."""

    def __init__(self, scope: Construct, id_: str, *, authorizer: lambda_.IFunction, retention_days: int) -> None:
        super().__init__(scope, id_)
        self.api = apigateway.RestApi(
            self,
            "Api",
            rest_api_name=Stack.of(self).stack_name,
            description="Polygon's paths over our own bars.",
            binary_media_types=["*/*"],  # gzip answers leave as bytes; request bodies then arrive as base64
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            cloud_watch_role=True,  # the account-wide role that execution and access logs need
            cloud_watch_role_removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,  # other APIs may use it by then
            deploy_options=apigateway.StageOptions(
                stage_name=STAGE,
                throttling_rate_limit=200,
                throttling_burst_limit=400,
                tracing_enabled=True,  # of few: see _sample
                logging_level=apigateway.MethodLoggingLevel.ERROR,
                data_trace_enabled=False,  # it would log whole requests, with their keys
                access_log_destination=apigateway.LogGroupLogDestination(log_group(self, "AccessLogs", retention_days)),
                access_log_format=apigateway.AccessLogFormat.custom(ACCESS_LOG_FIELDS),
            ),
        )
        self._sample()
        execution = log_group(
            self,
            "ExecutionLogs",
            retention_days,
            # AWS fixes this name and would make the group itself, to be kept for ever.
            name=f"API-Gateway-Execution-Logs_{self.api.rest_api_id}/{STAGE}",
        )
        self.api.deployment_stage.node.add_dependency(execution)
        self.validator = self.api.add_request_validator(
            "Validator", validate_request_body=True, validate_request_parameters=True
        )
        self.authorizer = apigateway.RequestAuthorizer(
            self,
            "Authorizer",
            handler=authorizer,
            identity_sources=[],  # the key comes as a header or as a query value: neither may be required
            results_cache_ttl=Duration.seconds(0),
        )
        self._deployed: list[Construct] = [*add_gateway_answers(self.api)]
        self._accept()

    def get(self, paths: Iterable[str], function: lambda_.IFunction, *, needs_key: bool) -> None:
        """Answer GET on `paths` by `function`; with `needs_key` only to callers whom the authoriser lets in."""
        self.answer(dict.fromkeys(paths, ("GET",)), function, needs_key=needs_key)

    def answer(self, routes: Mapping[str, Iterable[str]], function: lambda_.IFunction, *, needs_key: bool) -> None:
        """Answer these methods of these paths, as `get`."""
        integration = apigateway.LambdaIntegration(
            function,
            proxy=True,
            scope_permission_to_method=False,  # one permission for this API, not one more resource for each route
            timeout=Duration.seconds(15),
        )
        for path, verb in ((path, verb) for path, verbs in routes.items() for verb in verbs):
            method = self.api.root.resource_for_path(path).add_method(
                verb,
                integration,
                request_validator=self.validator,
                authorizer=self.authorizer if needs_key else None,
                authorization_type=apigateway.AuthorizationType.CUSTOM
                if needs_key
                else apigateway.AuthorizationType.NONE,
            )
            self._deployed.append(method)
            _name(method)
            _shorten(method, function)
            acknowledge(method, {"AwsSolutions::AwsSolutions-COG4": _COGNITO})
            if not needs_key:
                acknowledge(
                    method,
                    {
                        "AwsSolutions::AwsSolutions-APIG4": "Open on purpose: monitors and new users ask it before "
                        "they hold a key; it tells counts, not market data."
                    },
                )

        self._deploy_last()

    def _deploy_last(self) -> None:
        """The deployment waits for methods and answers alone: the CDK has it wait for each resource of a path as well,
        for which its methods wait."""
        made = Stack.of(self)
        waits = [made.resolve(_resource(one).logical_id) for one in self._deployed]
        _resource(self.api.latest_deployment).add_override("DependsOn", waits)

    def _sample(self) -> None:
        """Functions behind the API are traced where its stage decided so; by default that would be nearly all calls."""
        name = Stack.of(self).stack_name
        xray.CfnSamplingRule(
            self,
            "Sampling",
            sampling_rule=xray.CfnSamplingRule.SamplingRuleProperty(
                rule_name=name[:MOST_OF_A_RULE_NAME],
                service_type="AWS::ApiGateway::Stage",
                service_name=f"{name}/{STAGE}",
                fixed_rate=TRACED_SHARE,
                reservoir_size=0,
                priority=100,
                version=1,
                host="*",
                http_method="*",
                url_path="*",
                resource_arn="*",
            ),
        )

    def _accept(self) -> None:
        acknowledge(
            self.api.deployment_stage,
            {
                "AwsSolutions::AwsSolutions-APIG3": "The lean profile has no web ACL (a fixed monthly price); stage "
                "throttling and key checks bound what a caller can cost."
            },
        )
        acknowledge(
            self.api,
            {
                "AwsSolutions::AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/"
                "AmazonAPIGatewayPushToCloudWatchLogs]": "API Gateway's documented policy for the one role an account "
                "has for its logs; it belongs to the account, not to us.",
            },
        )


def _name(method: apigateway.Method) -> None:
    """Short logical ids for a method and the resources of its path, made of the path alone.

    Those of the CDK spell the path out in each of its parts, three times over.
    """
    resource = method.resource
    _resource(method).override_logical_id(f"Method{_digest(f'{method.http_method} {resource.path}')}")
    while resource.parent_resource is not None:
        _resource(resource).override_logical_id(f"Path{_digest(resource.path)}")
        resource = resource.parent_resource


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8].upper()


def _shorten(method: apigateway.Method, function: lambda_.IFunction) -> None:
    """Say where `method` leads in half the bytes: a template of many routes must stay within what deploys inline."""
    name = Stack.of(method).get_logical_id(_resource(function))
    path = f":lambda:path/2015-03-31/functions/${{{name}.Arn}}/invocations"
    uri = f"arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}{path}"
    _resource(method).add_property_override("Integration.Uri", {"Fn::Sub": uri})


def _resource(construct: IConstruct | None) -> CfnResource:
    made = construct.node.default_child if construct is not None else None
    if not isinstance(made, CfnResource):
        raise TypeError(f"{construct and construct.node.path}: expected one resource of CloudFormation")
    return made
