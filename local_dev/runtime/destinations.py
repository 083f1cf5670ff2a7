"""Where a mapping sends what it gives up: the invocation record, with the whole event for S3 only."""

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from local_dev.runtime.mapping_rules import Discard
from local_dev.runtime.mapping_settings import MappingSettings, UnsupportedMapping

Clients = Callable[[str], Any]
Deliver = Callable[[str, Discard, float], None]
"""(shard, what was given up, Unix seconds) -> sent. Raises what boto3 raises."""


def invocation_record(settings: MappingSettings, shard: str, discard: Discard, now: float) -> dict[str, Any]:
    """The document of "Retain discarded batch records for a Kinesis Data Streams event source in Lambda", and of the
    page of the same name for DynamoDB, whose batch bears another name and has its times in whole seconds.

    `responseContext` is left out when the function was never asked (the records were too old when they were read);
    `functionError` is null when it answered and reported items.
    """
    batch = discard.batch
    first, last = batch.records[0], batch.records[-1]
    precision = "seconds" if settings.is_table_stream else "milliseconds"
    document: dict[str, Any] = {
        "requestContext": {
            "requestId": batch.last.request_id if batch.last else str(uuid.uuid4()),
            "functionArn": settings.function_arn,
            "condition": str(discard.condition),
            "approximateInvokeCount": batch.invocations,
        },
        "version": "1.0",
        "timestamp": _iso(now),
        "DDBStreamBatchInfo" if settings.is_table_stream else "KinesisBatchInfo": {
            "shardId": shard,
            "startSequenceNumber": first.sequence,
            "endSequenceNumber": last.sequence,
            "approximateArrivalOfFirstRecord": _iso(first.arrival, precision),
            "approximateArrivalOfLastRecord": _iso(last.arrival, precision),
            "batchSize": len(batch.records),
            "streamArn": settings.stream_arn,
        },
    }
    if batch.last is not None:
        document["responseContext"] = {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled" if batch.last.error else None,
        }
    return document


def object_key(mapping_uuid: str, shard: str, now: float) -> str:
    """aws/lambda/<mapping>/<shard>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<random UUID>, in UTC."""
    at = datetime.fromtimestamp(now, UTC)
    return f"aws/lambda/{mapping_uuid}/{shard}/{at:%Y/%m/%d}/{at:%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"


def destination(settings: MappingSettings, client: Clients) -> Deliver | None:
    """None when the mapping has none. Raises UnsupportedMapping for anything but a bucket, a queue or a topic."""
    arn = settings.on_failure_arn
    if arn is None:
        return None
    service = arn.split(":")[2] if arn.count(":") >= 5 else ""
    make = {"s3": _to_bucket, "sqs": _to_queue, "sns": _to_topic}.get(service)
    if make is None:
        raise UnsupportedMapping(f"an on-failure destination is a bucket, queue or topic ARN, was {arn}")
    return make(settings, arn, client(service))


def _to_bucket(settings: MappingSettings, arn: str, s3: Any) -> Deliver:
    bucket = arn.rpartition(":")[2]
    if "/" in bucket:
        raise UnsupportedMapping(f"an S3 on-failure destination is a whole bucket, was {arn}")

    def deliver(shard: str, discard: Discard, now: float) -> None:
        document = invocation_record(settings, shard, discard, now)
        document["payload"] = discard.batch.event().decode()
        s3.put_object(Bucket=bucket, Key=object_key(settings.uuid, shard, now), Body=json.dumps(document).encode())

    return deliver


def _to_queue(settings: MappingSettings, arn: str, sqs: Any) -> Deliver:
    def deliver(shard: str, discard: Discard, now: float) -> None:
        url = sqs.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(invocation_record(settings, shard, discard, now)))

    return deliver


def _to_topic(settings: MappingSettings, arn: str, sns: Any) -> Deliver:
    def deliver(shard: str, discard: Discard, now: float) -> None:
        sns.publish(TopicArn=arn, Message=json.dumps(invocation_record(settings, shard, discard, now)))

    return deliver


def _iso(seconds: float, precision: str = "milliseconds") -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec=precision).replace("+00:00", "Z")
