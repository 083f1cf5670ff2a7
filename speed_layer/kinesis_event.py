"""Records of a Kinesis event, for every stream function: decoded once, named once."""

import base64
import binascii
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any, NamedTuple, TypeVar

import msgspec

from shared.errors import InvalidRecord, RetryableError
from shared.metrics import QUARANTINED, measured
from shared.observability import event, logger
from shared.stores.lake import Lake

T = TypeVar("T")

log = logger("speed_layer.stream")


class StreamRecord(NamedTuple):
    """One record: its shard, sequence number, UTC date of arrival, and bytes."""

    shard: str
    sequence: str
    arrived: date
    data: bytes


class Refused(msgspec.Struct):
    """A stream record in quarantine."""

    reason: str
    detail: str
    sequence: str
    data: bytes


def records(lambda_event: dict[str, Any]) -> Iterator[StreamRecord]:
    """The event's records, in order. A record that is not base64 has no bytes."""
    for record in lambda_event["Records"]:
        kinesis = record["kinesis"]
        try:
            data = base64.b64decode(kinesis["data"], validate=True)
        except (binascii.Error, ValueError):
            data = b""
        arrived = datetime.fromtimestamp(kinesis["approximateArrivalTimestamp"], UTC).date()
        yield StreamRecord(record["eventID"].partition(":")[0], kinesis["sequenceNumber"], arrived, data)


def decode_or_quarantine(
    batch: list[StreamRecord], decode: Callable[[bytes], T], stage: str, lake: Lake
) -> list[tuple[StreamRecord, T]]:
    """What could be decoded; the rest goes to quarantine with its reason and bytes, and the batch goes on."""
    good, refused = [], []
    for record in batch:
        try:
            good.append((record, decode(record.data)))
        except InvalidRecord as error:
            refused.append(msgspec.json.encode(Refused(error.reason, str(error)[:200], record.sequence, record.data)))
            event(log, 40, "record quarantined", stage=stage, reason=error.reason, sequence=record.sequence)
    if refused:
        first = batch[0]
        lake.put_quarantine(stage, f"{first.shard}-{first.sequence}", first.arrived, refused)
        measured(stage, {QUARANTINED: len(refused)})
    return good


def report_first_failure(lambda_event: dict[str, Any], handle: Callable[[list[StreamRecord]], None]) -> dict[str, Any]:
    """Handle the whole batch; what may succeed later makes Lambda deliver it again from its first record.

    Every effect here is idempotent, so nothing is gained by resuming in the middle.
    """
    batch = list(records(lambda_event))
    if not batch:
        return {"batchItemFailures": []}
    try:
        handle(batch)
    except RetryableError as error:
        event(log, 30, "batch will come again", error=str(error), sequence=batch[0].sequence)
        return {"batchItemFailures": [{"itemIdentifier": batch[0].sequence}]}
    return {"batchItemFailures": []}
