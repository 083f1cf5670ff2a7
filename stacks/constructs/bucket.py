"""A bucket of ours: private, encrypted, TLS 1.2 or newer, without access lists, and it outlives its stack."""

from __future__ import annotations

from typing import Any

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_s3 as s3
from constructs import Construct

KEEP = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
"""Kept when a stack goes, deleted when its first deployment fails; names are generated, so a second try is free."""


def private_bucket(scope: Construct, id_: str, **kwargs: Any) -> s3.Bucket:
    """`kwargs` are the CDK's, for what one bucket has and another has not."""
    return s3.Bucket(
        scope,
        id_,
        encryption=s3.BucketEncryption.S3_MANAGED,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        removal_policy=KEEP,
        **kwargs,
    )


def log_bucket(scope: Construct, id_: str) -> s3.Bucket:
    """Where services write their access logs; each goes after 90 days."""
    return private_bucket(scope, id_, lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(90))])
