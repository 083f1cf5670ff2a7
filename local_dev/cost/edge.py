"""The way to viewers: CloudFront and its functions, web ACLs, load balancers."""

from local_dev.cost.assembly import Resource
from local_dev.cost.line import GB, HOURS, MILLION, Lines, Month

BALANCER_UNITS = 0.25
"""Capacity units of a load balancer that a few hundred connections take."""
ACCESS_LOG_BYTES = 400
KEY_READS = 2
"""By a request."""


def distribution(resource: Resource, month: Month) -> Lines:
    load = month.load
    out = (load.api_requests * load.bytes_an_answer + load.pushes * load.bytes_a_push) / GB
    yield month.line(resource, "CloudFront", "requests", load.api_requests / MILLION, "cloudfront_requests")
    yield month.line(resource, "CloudFront", "to viewers", out, "cloudfront_out")


def function(resource: Resource, month: Month) -> Lines:
    yield month.line(
        resource, "CloudFront", "calls of a function", month.load.api_requests / MILLION, "cloudfront_functions"
    )


def key_store(resource: Resource, month: Month) -> Lines:
    """The function asks whether a key is there, then what it opens."""
    reads = KEY_READS * month.load.api_requests / MILLION
    yield month.line(resource, "CloudFront", "reads of the key store", reads, "cloudfront_key_reads")


def access_log(resource: Resource, month: Month) -> Lines:
    delivered = month.load.api_requests * ACCESS_LOG_BYTES / GB
    yield month.line(resource, "CloudWatch", "access log of the edge", delivered, "log_to_s3")


def web_acl(resource: Resource, month: Month) -> Lines:
    rules = len(resource.properties.get("Rules", []))
    yield month.line(resource, "WAF", "web ACL", 1, "waf_acl")
    yield month.line(resource, "WAF", "rules", rules, "waf_rule")
    yield month.line(resource, "WAF", "requests", month.load.api_requests / MILLION, "waf_requests")


def balancer(resource: Resource, month: Month) -> Lines:
    """Raises ValueError for another kind than an application's."""
    if resource.properties.get("Type", "application") != "application":
        raise ValueError(f"no price known for the load balancer {resource.stack} {resource.id}")
    yield month.line(resource, "Load balancer", "hours", HOURS, "balancer_hour")
    yield month.line(resource, "Load balancer", "capacity", BALANCER_UNITS * HOURS, "balancer_units")


PRICED = {
    "AWS::CloudFront::Distribution": distribution,
    "AWS::CloudFront::Function": function,
    "AWS::CloudFront::KeyValueStore": key_store,
    "AWS::Logs::Delivery": access_log,
    "AWS::WAFv2::WebACL": web_acl,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": balancer,
}
