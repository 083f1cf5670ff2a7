"""Kinesis: shards by the hour, what is put by units of 25 KB; streams on demand and fan-out as they are priced."""

from local_dev.cost.assembly import Resource, number
from local_dev.cost.line import GB, HOURS, MILLION, Lines, Month
from local_dev.cost.traffic import MAPPING, stream_flows

SERVICE = "Kinesis"
FREE_RETENTION_HOURS = 24
KEY_CALLS_AN_HOUR = 12
"""Of whoever writes or reads a shard, to the key that it is encrypted with."""
LEAST_RECORD = 1_000
"""Bytes that a record on demand is rounded up to."""


def stream(resource: Resource, month: Month) -> Lines:
    flows = stream_flows(month, resource)
    mode = resource.properties.get("StreamModeDetails", {}).get("StreamMode", "PROVISIONED")
    if mode == "ON_DEMAND":
        data = sum(flow.seconds * max(flow.data, flow.records * LEAST_RECORD) for flow in flows) / GB
        readers = len(list(month.assembly.callers_of(resource, MAPPING)))
        yield month.line(resource, SERVICE, "stream on demand", HOURS, "kinesis_on_demand_hour")
        yield month.line(resource, SERVICE, "put on demand", data, "kinesis_on_demand_in")
        yield month.line(resource, SERVICE, "read on demand", data * readers, "kinesis_on_demand_out")
        return
    shards = number(resource.properties.get("ShardCount"), 1)
    yield month.line(resource, SERVICE, f"{shards:.0f} shards", shards * HOURS, "kinesis_shard_hour")
    units = sum(flow.put_units for flow in flows) / MILLION
    yield month.line(resource, SERVICE, "put", units, "kinesis_put_units")
    if resource.properties.get("StreamEncryption"):
        users = 1 + len(list(month.assembly.callers_of(resource, MAPPING)))
        asked = shards * users * HOURS * KEY_CALLS_AN_HOUR / MILLION
        yield month.line(resource, "KMS", "key of the stream", asked, "key_requests")
    if number(resource.properties.get("RetentionPeriodHours"), FREE_RETENTION_HOURS) > FREE_RETENTION_HOURS:
        yield month.line(resource, SERVICE, "kept longer", shards * HOURS, "kinesis_retention")


def consumer(resource: Resource, month: Month) -> Lines:
    """Fan-out: one consumer with its own pipe."""
    for read in month.assembly.called_by(resource, "AWS::Kinesis::Stream"):
        shards = number(read.properties.get("ShardCount"), 1)
        data = sum(flow.seconds * flow.data for flow in stream_flows(month, read)) / GB
        yield month.line(resource, SERVICE, "fan-out", shards * HOURS, "kinesis_fan_out_hour")
        yield month.line(resource, SERVICE, "read by fan-out", data, "kinesis_fan_out_out")


PRICED = {"AWS::Kinesis::Stream": stream, "AWS::Kinesis::StreamConsumer": consumer}
