"""Lambda: requests, memory by the second, and the traces that X-Ray records of a traced function."""

from local_dev.cost.assembly import Resource, number
from local_dev.cost.callers import called
from local_dev.cost.line import MILLION, Lines, Month

SERVICE = "Lambda"
DEFAULT_MEMORY_MB = 128


def function(resource: Resource, month: Month) -> Lines:
    found = called(month, resource)
    properties = resource.properties
    gigabytes = number(properties.get("MemorySize"), DEFAULT_MEMORY_MB) / 1024
    requests = sum(c.seconds * c.a_second for c in found)
    seconds = sum(c.seconds * c.ms_a_second for c in found) / 1000
    kind = "arm" if properties.get("Architectures") == ["arm64"] else "x86"
    yield month.line(resource, SERVICE, "calls", requests / MILLION, "lambda_requests")
    yield month.line(resource, SERVICE, f"memory, {kind}", seconds * gigabytes / MILLION, f"lambda_{kind}_gb_second")
    if properties.get("TracingConfig", {}).get("Mode") == "Active":
        traces = sum(c.seconds * sampled(c.a_second) for c in found if not c.traced)
        yield month.line(resource, "X-Ray", "traces of functions", traces / MILLION, "traces")


def sampled(a_second: float, reservoir: float = 1, rate: float = 0.05) -> float:
    """Traces that are recorded of so many calls a second: `reservoir`, and `rate` of the others. A function that
    nobody's trace has reached cannot choose others than these."""
    return min(a_second, reservoir) + max(0, a_second - reservoir) * rate


PRICED = {"AWS::Lambda::Function": function}
