"""What is kept: buckets, secrets, keys."""

from local_dev.cost.assembly import Resource
from local_dev.cost.line import GB, MILLION, Lines, Month
from local_dev.cost.traffic import archived

SERVICE = "S3"
LOG_BUCKET_GB = 1
OBJECTS_A_JOB = 200
"""That the two nights of a date put into the lake and read from it."""
PAGE_GB = 0.01
KEY_CALLS = 500_000
"""A month to a key of our own, by the services that use it."""


def bucket(resource: Resource, month: Month) -> Lines:
    """Raises ValueError for a bucket that the load knows nothing of."""
    if resource.id.startswith("LakeBucket"):
        yield from _lake(resource, month)
    elif resource.id.startswith(("LogBucket", "PageBucket")):
        held = LOG_BUCKET_GB if resource.id.startswith("LogBucket") else PAGE_GB
        yield month.line(resource, SERVICE, "logs and pages", held, "s3_storage")
    else:
        raise ValueError(f"no load known for the bucket {resource.stack} {resource.id}")


def _lake(resource: Resource, month: Month) -> Lines:
    load = month.load
    raw = month.sessions * load.trades_a_day * load.raw_bytes_a_trade / GB
    objects = sum(one.seconds * one.a_second for one in archived(month))
    puts = objects + month.sessions * OBJECTS_A_JOB
    counted = f"raw log of {load.history_months:g} months, files"
    yield month.line(resource, SERVICE, counted, raw * load.history_months + load.lake_gb, "s3_storage")
    yield month.line(resource, SERVICE, "put", puts / MILLION, "s3_puts")
    yield month.line(resource, SERVICE, "read", puts / MILLION, "s3_gets")


def secret(resource: Resource, month: Month) -> Lines:
    yield month.line(resource, "Secrets Manager", "secrets", 1, "secret")


def key(resource: Resource, month: Month) -> Lines:
    yield month.line(resource, "KMS", "keys", 1, "key")
    yield month.line(resource, "KMS", "requests", KEY_CALLS / MILLION, "key_requests")


def zone(resource: Resource, month: Month) -> Lines:
    yield month.line(resource, "Route 53", "hosted zones", 1, "hosted_zone")


PRICED = {
    "AWS::S3::Bucket": bucket,
    "AWS::SecretsManager::Secret": secret,
    "AWS::KMS::Key": key,
    "AWS::Route53::HostedZone": zone,
}
