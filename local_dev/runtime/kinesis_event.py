"""Kinesis records as the event Lambda hands to a function, byte for byte what counts against the payload limit."""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_OPEN, _CLOSE = b'{"Records":[', b"]}"
ENVELOPE_BYTES = len(_OPEN) + len(_CLOSE)


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """`arrival` is Unix seconds; `entry` the record as it stands in the event's `Records`, encoded."""

    sequence: str
    arrival: float
    entry: bytes


@dataclass(frozen=True, slots=True)
class Source:
    """What every record of one shard says about where it comes from."""

    stream_arn: str
    shard: str
    role_arn: str

    def record(self, answer: Mapping[str, Any]) -> StreamRecord:
        """From one of `GetRecords`' records."""
        sequence = answer["SequenceNumber"]
        arrival = answer["ApproximateArrivalTimestamp"].timestamp()
        entry = {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": answer["PartitionKey"],
                "sequenceNumber": sequence,
                "data": base64.b64encode(answer["Data"]).decode("ascii"),
                "approximateArrivalTimestamp": round(arrival, 3),
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{self.shard}:{sequence}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": self.role_arn,
            "awsRegion": self.stream_arn.split(":")[3],
            "eventSourceARN": self.stream_arn,
        }
        return StreamRecord(sequence, arrival, json.dumps(entry, separators=(",", ":")).encode())


def event_of(records: Iterable[StreamRecord]) -> bytes:
    return _OPEN + b",".join(record.entry for record in records) + _CLOSE
