"""What AWS allows an account of, where that may be less than the platform takes. New accounts have small quotas."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from local_dev.cli.finding import Finding

Aws = Callable[[str, str], Any]
"""Service and region -> client."""
CONCURRENCY = 100
"""Functions that run at once: each shard of each mapping, the API's callers, the night."""
FARGATE_VCPU = 10
"""The ingester's one, two for each of two jobs of the night, four of a backfill, push's quarter."""
KPU = 8
SHARDS = 6


def quotas(aws: Aws, region: str) -> Mapping[str, Callable[[], Finding]]:
    """What is looked at -> the check, which raises what botocore raises, and LookupError for a quota nobody knows."""
    return {
        "functions at once": partial(_concurrency, aws, region),
        "Fargate vCPU": partial(_named, aws, region, "Fargate vCPU", FARGATE_VCPU),
        "Flink KPU": partial(_named, aws, region, "Flink KPU", KPU),
        "shards": partial(_shards, aws, region),
        "VPCs": partial(_vpcs, aws, region),
        "distributions": partial(_named, aws, "us-east-1", "distributions", 1),
    }


_NAMED = {
    "Fargate vCPU": ("fargate", "Fargate On-Demand vCPU resource count"),
    "Flink KPU": ("kinesisanalytics", "KPU"),
    "distributions": ("cloudfront", "Web distributions per AWS account"),
    "VPCs": ("vpc", "VPCs per Region"),
}
"""Service code and words of the quota's name, as Service Quotas has them."""


def _concurrency(aws: Aws, region: str) -> Finding:
    limit = aws("lambda", region).get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    return _enough("functions at once", limit, CONCURRENCY, "Lambda, Concurrent executions")


def _shards(aws: Aws, region: str) -> Finding:
    found = aws("kinesis", region).describe_limits()
    free = found["ShardLimit"] - found["OpenShardCount"]
    return _enough("shards", free, SHARDS, "Kinesis Data Streams, Shards per Region")


def _vpcs(aws: Aws, region: str) -> Finding:
    """One more is needed by the first deployment only, so that none left merely limits."""
    pages = aws("ec2", region).get_paginator("describe_vpcs").paginate()
    used = sum(len(page["Vpcs"]) for page in pages)
    return _enough("VPCs", _value(aws, region, "VPCs") - used, 1, "VPC, VPCs per Region")._replace(limits=True)


def _named(aws: Aws, region: str, what: str, needed: int) -> Finding:
    service, name = _NAMED[what]
    return _enough(what, _value(aws, region, what), needed, f"{service}, {name}")._replace(limits=what == "Flink KPU")


def _value(aws: Aws, region: str, what: str) -> float:
    service, name = _NAMED[what]
    pages = aws("service-quotas", region).get_paginator("list_service_quotas").paginate(ServiceCode=service)
    values = [float(quota["Value"]) for page in pages for quota in page["Quotas"] if name in quota["QuotaName"]]
    if not values:
        raise LookupError(f"Service Quotas has no {name}")
    return max(values)


def _enough(what: str, found: float, needed: int, where: str) -> Finding:
    remedy = f"{needed} are needed: ask for more under Service Quotas, {where}; it takes from minutes to days"
    return Finding(what, f"{found:g}", "" if found >= needed else remedy)
