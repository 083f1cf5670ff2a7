"""The public entrance: one CloudFront distribution before the API, the dashboard and push. In us-east-1."""

from __future__ import annotations

from typing import Any

import jsii
from aws_cdk import Aws, CfnOutput, Duration, Fn
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from constructs import Construct

from serving_layer.auth.headers import ORIGIN
from stacks.constructs.bucket import log_bucket, private_bucket
from stacks.constructs.edge_logs import deliver_access_logs
from stacks.constructs.key_check import KeyCheck
from stacks.constructs.nag import acknowledge
from stacks.constructs.page_headers import page_headers, page_headers_policy
from stacks.constructs.rest_api import STAGE
from stacks.constructs.target import TargetedStack
from stacks.constructs.web_acl import WebAcl
from stacks.network import BALANCER_PORT
from stacks.push import PushStack
from stacks.serving import ServingStack
from stacks.settings import Settings
from stacks.storage import StorageStack

PAGES = ("/", "/index.html", "/dashboard/*")
"""Paths of the dashboard. Every other one is the API's, so that an unknown path is answered as Polygon does."""
ERRORS = (400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504)
"""What CloudFront would otherwise remember for ten seconds."""


class EdgeStack(TargetedStack):
    """Keys are checked before the cache; the API knows the edge by a secret that goes with every request.

    What it needs to know of the other stacks it reads from their outputs in `settings.region`.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        storage: StorageStack,
        serving: ServingStack,
        push: PushStack | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, id_, **kwargs)
        self._settings = settings
        self.log_bucket = log_bucket(self, "LogBucket")
        self.page_bucket = private_bucket(
            self,
            "PageBucket",
            server_access_logs_bucket=self.log_bucket,
            server_access_logs_prefix="s3-page/",
        )
        self.keys = KeyCheck(self, "Keys", name=self.stack_name)
        self.distribution = cloudfront.Distribution(
            self,
            "Distribution",
            comment=self.stack_name,
            **self._domain(),
            web_acl_id=WebAcl(self, "WebAcl", name=self.stack_name).arn if settings.has_web_acl else None,
            default_behavior=self._api(serving, storage),
            additional_behaviors={**self._pages(), **(self._stocks(push) if push else {})},
            default_root_object="index.html",
            error_responses=[cloudfront.ErrorResponse(http_status=e, ttl=Duration.seconds(0)) for e in ERRORS],
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            price_class=cloudfront.PriceClass.PRICE_CLASS_100,
        )
        deliver_access_logs(self, self.distribution, self.log_bucket)
        for stack in filter(None, (storage, serving, push)):
            self.add_stack_dependency(stack)
        host = settings.domain or self.distribution.domain_name
        CfnOutput(self, "Url", value=f"https://{host}", description="API and dashboard.")
        CfnOutput(
            self,
            "DistributionHost",
            value=self.distribution.domain_name,
            description="What a record for a name of one's own must point to.",
        )
        CfnOutput(
            self,
            "KeyStoreArn",
            value=self.keys.store.key_value_store_arn,
            description="Hashes of API keys, written by condvest keys.",
        )
        CfnOutput(self, "PageBucketName", value=self.page_bucket.bucket_name, description="Holds the dashboard.")
        self._accept(push)

    def _output_of(self, stack: TargetedStack, output: CfnOutput) -> str:
        return Fn.get_stack_output(stack.stack_name, stack.get_logical_id(output), self._settings.region)

    def _domain(self) -> dict[str, Any]:
        """Only with a certificate of one's own may the lowest TLS version be chosen."""
        if not self._settings.domain:
            return {}
        return {
            "domain_names": [self._settings.domain],
            "certificate": acm.Certificate.from_certificate_arn(self, "Certificate", self._settings.certificate_arn),
            "minimum_protocol_version": cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
        }

    def _origin_secret(self, storage: StorageStack) -> str:
        """A reference, resolved when the stack is deployed: the value stands in no template."""
        arn = self._output_of(storage, storage.origin_secret_at_the_edge)
        version = self._settings.origin_secret_version
        return f"{{{{resolve:secretsmanager:{arn}:SecretString{':::' + version if version else ''}}}}}"

    def _api(self, serving: ServingStack, storage: StorageStack) -> cloudfront.BehaviorOptions:
        """Answers are kept for as long as they say, by what the function before the cache has written."""
        return cloudfront.BehaviorOptions(
            origin=origins.HttpOrigin(
                self._output_of(serving, serving.api_host),
                origin_id="api",
                origin_path=f"/{STAGE}",
                protocol_policy=cloudfront.OriginProtocolPolicy.HTTPS_ONLY,
                origin_ssl_protocols=[cloudfront.OriginSslPolicy.TLS_V1_2],
                custom_headers={ORIGIN: self._origin_secret(storage)},
            ),
            viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,  # a redirect would follow a key
            allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,  # alerts are added, changed and removed
            cache_policy=self.keys.cache_policy,
            origin_request_policy=self.keys.origin_request_policy,
            function_associations=[self.keys.association],
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
                "AwsSolutions::AwsSolutions-CFR3": "Access logs are delivered by CloudWatch's log delivery, which the "
                "rule does not know: it leaves the query string out, where a key may be.",
            },
        )
        if not self._settings.has_web_acl:
            acknowledge(
                self.distribution,
                {
                    "AwsSolutions::AwsSolutions-CFR2": "The lean profile has no web ACL (a fixed monthly price); keys "
                    "are checked before the cache, and stage throttling bounds what a caller can cost.",
                },
            )
        if not self._settings.domain:
            acknowledge(
                self.distribution,
                {
                    "AwsSolutions::AwsSolutions-CFR4": "No domain of one's own was given, and with CloudFront's own "
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
