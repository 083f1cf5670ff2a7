"""The public entrance: one CloudFront distribution before the API, the dashboard and push. In us-east-1."""

from __future__ import annotations

from typing import Any

import jsii
from aws_cdk import Aws, CfnOutput, Duration, Fn
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from constructs import Construct

from stacks.constructs.bucket import log_bucket, private_bucket
from stacks.constructs.edge_logs import deliver_access_logs
from stacks.constructs.nag import acknowledge
from stacks.constructs.page_headers import page_headers, page_headers_policy
from stacks.constructs.rest_api import STAGE
from stacks.constructs.target import TargetedStack
from stacks.network import BALANCER_PORT
from stacks.push import PushStack
from stacks.serving import ServingStack
from stacks.settings import ROOT, Settings

VIEWER_REQUEST = ROOT / "serving_layer" / "edge" / "viewer_request.js"
PAGES = ("/", "/index.html", "/dashboard/*")
"""Paths of the dashboard. Every other one is the API's, so that an unknown path is answered as Polygon does."""
ERRORS = (400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504)
"""What CloudFront would otherwise remember for ten seconds."""


class EdgeStack(TargetedStack):
    """Nothing of the API is cached yet: keys are checked behind the edge.

    What it needs to know of the other stacks it reads from their outputs in `settings.region`.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        serving: ServingStack,
        push: PushStack | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, id_, **kwargs)
        self._region = settings.region
        self.log_bucket = log_bucket(self, "LogBucket")
        self.page_bucket = private_bucket(
            self,
            "PageBucket",
            server_access_logs_bucket=self.log_bucket,
            server_access_logs_prefix="s3-page/",
        )
        self.distribution = cloudfront.Distribution(
            self,
            "Distribution",
            comment=self.stack_name,
            default_behavior=self._api(serving),
            additional_behaviors={**self._pages(), **(self._stocks(push) if push else {})},
            default_root_object="index.html",
            error_responses=[cloudfront.ErrorResponse(http_status=e, ttl=Duration.seconds(0)) for e in ERRORS],
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            price_class=cloudfront.PriceClass.PRICE_CLASS_100,
        )
        deliver_access_logs(self, self.distribution, self.log_bucket)
        for stack in filter(None, (serving, push)):
            self.add_stack_dependency(stack)
        CfnOutput(self, "Url", value=f"https://{self.distribution.domain_name}", description="API and dashboard.")
        CfnOutput(self, "PageBucketName", value=self.page_bucket.bucket_name, description="Holds the dashboard.")
        self._accept(push)

    def _output_of(self, stack: TargetedStack, output: CfnOutput) -> str:
        return Fn.get_stack_output(stack.stack_name, stack.get_logical_id(output), self._region)

    def _api(self, serving: ServingStack) -> cloudfront.BehaviorOptions:
        """All headers but Host reach the API; that is also the one way by which CloudFront forwards Authorization."""
        function = cloudfront.Function(
            self,
            "ViewerRequest",
            code=cloudfront.FunctionCode.from_file(file_path=str(VIEWER_REQUEST)),
            runtime=cloudfront.FunctionRuntime.JS_2_0,
            function_name=f"{self.stack_name}-viewer-request",
            comment="Tells the API which host the client asked for.",
        )
        return cloudfront.BehaviorOptions(
            origin=origins.HttpOrigin(
                self._output_of(serving, serving.api_host),
                origin_id="api",
                origin_path=f"/{STAGE}",
                protocol_policy=cloudfront.OriginProtocolPolicy.HTTPS_ONLY,
                origin_ssl_protocols=[cloudfront.OriginSslPolicy.TLS_V1_2],
            ),
            viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,  # a redirect would follow a key
            allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,  # alerts are added, changed and removed
            cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
            origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
            function_associations=[
                cloudfront.FunctionAssociation(
                    event_type=cloudfront.FunctionEventType.VIEWER_REQUEST, function=function
                )
            ],
            compress=True,
        )

    def _pages(self) -> dict[str, cloudfront.BehaviorOptions]:
        behavior = cloudfront.BehaviorOptions(
            origin=origins.S3BucketOrigin.with_origin_access_control(self.page_bucket, origin_id="pages"),
            viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
            allowed_methods=cloudfront.AllowedMethods.ALLOW_GET_HEAD,
            cache_policy=cloudfront.CachePolicy.CACHING_OPTIMIZED,
            response_headers_policy=page_headers_policy(self, "PageHeaders", page_headers()),
            compress=True,
        )
        return dict.fromkeys(PAGES, behavior)

    def _stocks(self, push: PushStack) -> dict[str, cloudfront.BehaviorOptions]:
        behavior = cloudfront.BehaviorOptions(
            origin=_PushOrigin(
                self,
                self._output_of(push, push.origin_host),
                self._output_of(push, push.origin_id),
            ),
            viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
            allowed_methods=cloudfront.AllowedMethods.ALLOW_GET_HEAD,
            cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
            origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER,
        )
        return {"/stocks": behavior}

    def _accept(self, push: PushStack | None) -> None:
        acknowledge(
            self.distribution,
            {
                "AwsSolutions::AwsSolutions-CFR1": "Callers may be anywhere: who may read is decided by keys, not by "
                "the country that an address seems to be in.",
                "AwsSolutions::AwsSolutions-CFR2": "The lean profile has no web ACL (a fixed monthly price); stage "
                "throttling and key checks bound what a caller can cost.",
                "AwsSolutions::AwsSolutions-CFR3": "Access logs are delivered by CloudWatch's log delivery, which the "
                "rule does not know: it leaves the query string out, where a key may be.",
                "AwsSolutions::AwsSolutions-CFR4": "There is no domain of our own yet, and with CloudFront's own "
                "certificate the lowest TLS version cannot be chosen.",
            },
        )
        if push:
            acknowledge(
                self.distribution,
                {
                    "AwsSolutions::AwsSolutions-CFR5": "Only push is called without TLS, inside our network by a VPC "
                    "origin: an internal load balancer has no name that a certificate could be for.",
                },
            )


@jsii.implements(cloudfront.IOrigin)
class _PushOrigin:
    """The load balancer by its VPC origin; in the emulator, which has no such thing, an origin that nobody reaches."""

    def __init__(self, stack: EdgeStack, host: str, vpc_origin_id: str) -> None:
        self._stack, self._host, self._vpc_origin_id = stack, host, vpc_origin_id

    def bind(
        self, scope: Construct, *, origin_id: str, distribution_id: str | None = None
    ) -> cloudfront.OriginBindConfig:
        """Called by the CDK."""
        by_vpc = {"VpcOriginId": self._vpc_origin_id}
        plain = {"HTTPPort": BALANCER_PORT, "OriginProtocolPolicy": "http-only"}
        return cloudfront.OriginBindConfig(
            origin_property=cloudfront.CfnDistribution.OriginProperty(
                id=origin_id,
                domain_name=self._host,
                vpc_origin_config=self._stack.on_aws(by_vpc, locally=Aws.NO_VALUE),
                custom_origin_config=self._stack.on_aws(Aws.NO_VALUE, locally=plain),
            )
        )
