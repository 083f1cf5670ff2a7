"""What flows through the two streams, and how often Lambda calls who reads them."""

import math
from typing import NamedTuple

from local_dev.cost.assembly import Resource, number
from local_dev.cost.line import Month
from shared.bars.windows import STREAM_TIMEFRAMES
from shared.frames import RECORD_BARS

MAPPING = "AWS::Lambda::EventSourceMapping"
FRAMES_A_SECOND = 10
"""Of a lane, at most (speed_layer/ingest/service.py)."""
HEARTBEAT_BYTES = 60
UNIT_BYTES = 25_000
PAYLOAD_BYTES = 4_500_000
"""Of records in one call: 6 MB, as base64."""
POLL_S = 1.0
"""A plain shard is read once a second."""


class Flow(NamedTuple):
    """An even flow through a whole stream for `seconds` of a month; the rest are rates a second. `items`: trades, or
    bars."""

    seconds: float
    records: float
    data: float
    items: float

    @property
    def put_units(self) -> float:
        """Of 25 KB, in the month."""
        if not self.records:
            return 0
        return self.seconds * self.records * max(1, math.ceil(self.data / self.records / UNIT_BYTES))


class Calls(NamedTuple):
    """Of one reader, in `seconds` of a month: calls a second, and trades or bars a second."""

    seconds: float
    a_second: float
    items: float


def stream_flows(month: Month, stream: Resource) -> list[Flow]:
    """The busy hours, the quiet ones, and those in which the ingester has its heartbeats alone.

    Raises ValueError for a stream that the load knows nothing of.
    """
    if stream.id.startswith("Trades"):
        return _trades(month)
    if stream.id.startswith("Bars"):
        return _bars(month)
    raise ValueError(f"no load known for the stream {stream.stack} {stream.id}")


def _trades(month: Month) -> list[Flow]:
    load, beats = month.load, int(month.assembly.told("LANES"))
    rest = max(0.0, month.hours(month.assembly.ingester()) * 3600 - month.open_s)

    def of(seconds: float, share: float) -> Flow:
        trades = month.sessions * load.trades_a_day * share / seconds if seconds else 0
        frames = min(trades, beats * FRAMES_A_SECOND)
        return Flow(seconds, frames + beats, trades * load.bytes_a_trade + beats * HEARTBEAT_BYTES, trades)

    return [
        of(month.regular_s, 1 - load.extended_share),
        of(month.extended_s, load.extended_share),
        Flow(rest, beats, beats * HEARTBEAT_BYTES, 0),
    ]


def _bars(month: Month) -> list[Flow]:
    """Every window of the promise's second closes together."""
    load = month.load
    windows = sum(60 / width for width in STREAM_TIMEFRAMES.values())
    bars = month.sessions * load.symbols * load.minutes_a_symbol * windows / month.open_s
    closings = 1 / 60
    records = closings * max(1, math.ceil(bars / closings / RECORD_BARS))
    return [Flow(month.open_s, records, bars * load.bytes_a_bar, bars)]


def calls(month: Month, mapping: Resource, stream: Resource) -> list[Calls]:
    """How often Lambda calls the function of a mapping: by its window and batch size, the shards and what flows."""
    shards = number(stream.properties.get("ShardCount"), 1)
    window = number(mapping.properties.get("MaximumBatchingWindowInSeconds"), 0)
    batch = number(mapping.properties.get("BatchSize"), 100)
    found = []
    for flow in stream_flows(month, stream):
        records, data = flow.records / shards, flow.data / shards
        if records:
            full = min(batch / records, PAYLOAD_BYTES / data)
            a_shard = min(records, 1 / min(max(window, POLL_S), full))
            found.append(Calls(flow.seconds, a_shard * shards, flow.items))
    return found


def archived(month: Month) -> list[Calls]:
    """Calls of the archive, by whose batches the raw log's objects and the tick chunks are cut."""
    return next(
        calls(month, mapping, stream)
        for mapping in month.assembly.of(MAPPING)
        if mapping.id.startswith("Archive")
        for stream in month.assembly.called_by(mapping, "AWS::Kinesis::Stream")
    )
