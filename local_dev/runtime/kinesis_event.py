"""Kinesis records as the event Lambda hands to a function."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local_dev.runtime.stream_record import StreamRecord


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
