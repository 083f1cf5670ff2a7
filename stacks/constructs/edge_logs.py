"""Access logs of a distribution without what may hold a key: only the fields named here are written."""

from __future__ import annotations

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

FIELDS = [
    "date",
    "time",
    "x-edge-location",
    "c-ip",
    "cs-method",
    "x-host-header",
    "cs-uri-stem",
    "sc-status",
    "sc-bytes",
    "time-taken",
    "time-to-first-byte",
    "x-edge-result-type",
    "x-edge-detailed-result-type",
    "x-edge-request-id",
    "cs-protocol",
    "cs-protocol-version",
    "ssl-protocol",
    "cs(User-Agent)",
]
"""Neither the query string nor the referrer, which may carry `apiKey=`, nor cookies."""


def deliver_access_logs(scope: Construct, distribution: cloudfront.Distribution, bucket: s3.Bucket) -> None:
    """CloudFront -> `bucket`, as JSON lines below AWSLogs/. Both must be in us-east-1."""
    stack = Stack.of(scope)
    source = logs.CfnDeliverySource(
        scope,
        "LogSource",
        name=f"{stack.stack_name}-access",
        log_type="ACCESS_LOGS",
        resource_arn=distribution.distribution_arn,
    )
    destination = logs.CfnDeliveryDestination(
        scope,
        "LogDestination",
        name=f"{stack.stack_name}-access",
        destination_resource_arn=bucket.bucket_arn,
        output_format="json",
    )
    bucket.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal("delivery.logs.amazonaws.com")],
            actions=["s3:PutObject"],
            resources=[bucket.arn_for_objects(f"AWSLogs/{stack.account}/*")],
            conditions={
                "StringEquals": {"aws:SourceAccount": stack.account, "s3:x-amz-acl": "bucket-owner-full-control"},
                "ArnLike": {
                    "aws:SourceArn": stack.format_arn(
                        service="logs",
                        resource="delivery-source",
                        resource_name=source.name,
                        arn_format=ArnFormat.COLON_RESOURCE_NAME,
                    )
                },
            },
        )
    )
    delivery = logs.CfnDelivery(
        scope,
        "LogDelivery",
        delivery_source_name=source.name,
        delivery_destination_arn=destination.attr_arn,
        record_fields=FIELDS,
    )
    delivery.add_resource_dependency(source)
