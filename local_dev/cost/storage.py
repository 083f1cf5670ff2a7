"""What is kept: buckets, secrets, keys."""

import math

from local_dev.cost.assembly import Resource, number
from local_dev.cost.line import DAYS, GB, HOURS, MILLION, Lines, Month
from local_dev.cost.traffic import archived
from speed_layer.watch.handler import LISTED_EVERY

SERVICE = "S3"
LOG_BUCKET_GB = 1
OBJECTS_A_JOB = 200
"""That the two nights of a date put into the lake and read from it. The watch's lists are priced like puts."""
PAGE_GB = 0.01


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
    puts = objects + month.sessions * OBJECTS_A_JOB + HOURS * 3600 / LISTED_EVERY.total_seconds()
    old, moved = _archived(resource, month)
    kept = raw * load.history_months - old
    counted = f"raw log of {load.history_months:g} months, files"
    yield month.line(resource, SERVICE, counted, kept + load.lake_gb, "s3_storage")
    yield month.line(resource, SERVICE, "raw log, seldom read", old, "s3_archive_storage")
    yield month.line(resource, SERVICE, "moved to where it is seldom read", moved / MILLION, "s3_archive_moves")
    yield month.line(resource, SERVICE, "put", puts / MILLION, "s3_puts")
    yield month.line(resource, SERVICE, "read", puts / MILLION, "s3_gets")


def _archived(lake: Resource, month: Month) -> tuple[float, float]:
    """GB of the raw log that lie in the archive class, and objects that go there in a month: those that are large."""
    rules = lake.properties.get("LifecycleConfiguration", {}).get("Rules", ())
    moves = (
        (number(move["TransitionInDays"], 0), number(rule.get("ObjectSizeGreaterThan"), 0))
        for rule in rules
        for move in rule.get("Transitions", ())
    )
    days, least = next(moves, (math.inf, 0))
    of_trade = month.load.raw_bytes_a_trade
    large = [one for one in archived(month) if one.items / one.a_second * of_trade > least]
    a_month = sum(one.seconds * one.items for one in large) * of_trade / GB
    months = max(0, month.load.history_months - days / DAYS)
    return a_month * months, sum(one.seconds * one.a_second for one in large) if months else 0


def secret(resource: Resource, month: Month) -> Lines:
    yield month.line(resource, "Secrets Manager", "secrets", 1, "secret")


def key(resource: Resource, month: Month) -> Lines:
    """Sealed and opened with each message of an alarm."""
    yield month.line(resource, "KMS", "keys", 1, "key")
    yield month.line(resource, "KMS", "requests", 2 * month.load.events_a_month / MILLION, "key_requests")


def zone(resource: Resource, month: Month) -> Lines:
    yield month.line(resource, "Route 53", "hosted zones", 1, "hosted_zone")


PRICED = {
    "AWS::S3::Bucket": bucket,
    "AWS::SecretsManager::Secret": secret,
    "AWS::KMS::Key": key,
    "AWS::Route53::HostedZone": zone,
}
