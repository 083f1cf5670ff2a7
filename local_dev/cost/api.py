"""API Gateway: requests, and what its stage records of them."""

from local_dev.cost.assembly import Resource, number
from local_dev.cost.callers import METHOD
from local_dev.cost.functions import sampled
from local_dev.cost.line import GB, HOURS, MILLION, Lines, Month

SERVICE = "API Gateway"
SAMPLING_RULE = "AWS::XRay::SamplingRule"
METRICS_A_METHOD = 5
"""Count, Latency, IntegrationLatency, 4XXError, 5XXError."""


def rest_api(resource: Resource, month: Month) -> Lines:
    yield month.line(resource, SERVICE, "REST requests", month.asked / MILLION, "rest_requests")


def stage(resource: Resource, month: Month) -> Lines:
    """Detailed metrics are priced as one's own, in the hours in which each method is called."""
    load, settings = month.load, resource.properties.get("MethodSettings", [])
    if month.asked and any(setting.get("MetricsEnabled") for setting in settings):
        metrics = METRICS_A_METHOD * len(list(month.assembly.of(METHOD)))
        hours = month.open_s / 3600
        counted = f"{metrics} detailed metrics of the API, {hours:.0f} h"
        yield month.line(resource, "CloudWatch", counted, metrics * hours / HOURS, "metric")
    if resource.properties.get("TracingEnabled"):
        traces = month.open_s * _sampled(month, month.asked / month.open_s)
        yield month.line(resource, "X-Ray", "traces of the API", traces / MILLION, "traces")
    if "AccessLogSetting" in resource.properties:
        written = month.asked * load.log_bytes_a_request / GB
        yield month.line(resource, "CloudWatch", "access log", written, "log_in")


def _sampled(month: Month, a_second: float) -> float:
    """Traces a second; a rule of ours is for the stage."""
    for rule in month.assembly.of(SAMPLING_RULE):
        own = rule.properties["SamplingRule"]
        return sampled(a_second, number(own["ReservoirSize"], 1), number(own["FixedRate"], 1))
    return sampled(a_second)


PRICED = {"AWS::ApiGateway::RestApi": rest_api, "AWS::ApiGateway::Stage": stage}
