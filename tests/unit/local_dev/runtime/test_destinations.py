"""The invocation record: Lambda developer guide, "Retain discarded batch records for a Kinesis event source"."""

import json
import re
from typing import Any

import pytest

from local_dev.runtime.destinations import destination, invocation_record, object_key
from local_dev.runtime.invocation import InvocationResult
from local_dev.runtime.mapping_rules import Batch, Condition, Discard
from local_dev.runtime.mapping_settings import UnsupportedMapping
from local_dev.runtime.stream_record import StreamRecord
from tests.unit.local_dev.runtime.simulated_shard import error, report, settings

SHARD = "shardId-000000000001"
NOW = 1573691886.021  # 2019-11-14T00:38:06.021Z, as in the documented example
RECORDS = (
    StreamRecord("49601189658422359378836298521827638475320189012309704722", NOW - 1.186, b'{"n":1}'),
    StreamRecord("49601189658422359378836298522902373528957594348623495186", NOW - 0.441, b'{"n":2}'),
)


def given_up(last: InvocationResult | None, condition: Condition = Condition.RETRIES) -> Discard:
    return Discard(Batch(RECORDS, retries=3, invocations=4 if last else 0, last=last), condition)


class Recorder:
    """Stands for every boto3 client: writes down each call."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        def call(**arguments: Any) -> dict[str, str]:
            self.calls.append((name, arguments))
            return {"QueueUrl": "http://queue"}

        return call


def test_the_record_is_the_documented_one() -> None:
    failure = error()
    assert invocation_record(settings(), SHARD, given_up(failure), NOW) == {
        "requestContext": {
            "requestId": failure.request_id,
            "functionArn": settings().function_arn,
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 4,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": "2019-11-14T00:38:06.021Z",
        "KinesisBatchInfo": {
            "shardId": SHARD,
            "startSequenceNumber": RECORDS[0].sequence,
            "endSequenceNumber": RECORDS[1].sequence,
            "approximateArrivalOfFirstRecord": "2019-11-14T00:38:04.835Z",
            "approximateArrivalOfLastRecord": "2019-11-14T00:38:05.580Z",
            "batchSize": 2,
            "streamArn": settings().stream_arn,
        },
    }


def test_the_record_of_a_tables_stream_is_the_documented_one() -> None:
    """The example of "Retain discarded batch records for a DynamoDB event source in Lambda"."""
    table = "arn:aws:dynamodb:us-east-2:123456789012:table/mytable/stream/2019-11-14T00:04:06.388"
    at = 1573690399.0  # 2019-11-14T00:13:19Z
    change = StreamRecord("800000000003126276362", at, b"{}")
    record = invocation_record(
        settings(stream_arn=table),
        "shardId-00000001573689847184-864758bb",
        Discard(Batch((change,), retries=0, invocations=1, last=error()), Condition.RETRIES),
        at + 0.717,
    )
    assert "KinesisBatchInfo" not in record
    assert record["timestamp"] == "2019-11-14T00:13:19.717Z"
    assert record["DDBStreamBatchInfo"] == {
        "shardId": "shardId-00000001573689847184-864758bb",
        "startSequenceNumber": "800000000003126276362",
        "endSequenceNumber": "800000000003126276362",
        "approximateArrivalOfFirstRecord": "2019-11-14T00:13:19Z",
        "approximateArrivalOfLastRecord": "2019-11-14T00:13:19Z",
        "batchSize": 1,
        "streamArn": table,
    }


def test_a_function_that_answered_with_reports_has_no_function_error() -> None:
    record = invocation_record(settings(), SHARD, given_up(report(1)), NOW)
    assert record["responseContext"]["functionError"] is None


def test_records_too_old_to_be_tried_have_no_response() -> None:
    record = invocation_record(settings(), SHARD, given_up(None, Condition.AGE), NOW)
    assert "responseContext" not in record
    assert record["requestContext"]["condition"] == "RecordAgeExceeded"
    assert record["requestContext"]["approximateInvokeCount"] == 0


def test_the_object_key_is_the_documented_one() -> None:
    key = object_key("f89f8514-cdd9-4602-9e1f-01a5b77d449b", SHARD, NOW)
    folder = f"aws/lambda/f89f8514-cdd9-4602-9e1f-01a5b77d449b/{SHARD}/2019/11/14/"
    assert re.fullmatch(re.escape(folder) + r"2019-11-14T00\.38\.06-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", key)


def test_two_records_in_the_same_second_have_two_keys() -> None:
    assert object_key("u", SHARD, NOW) != object_key("u", SHARD, NOW)


def deliver(arn: str) -> list[tuple[str, dict[str, Any]]]:
    client = Recorder()
    send = destination(settings(on_failure_arn=arn), lambda service: client)
    assert send is not None
    send(SHARD, given_up(error()), NOW)
    return client.calls


def test_a_bucket_gets_the_record_with_the_whole_event_as_an_escaped_string() -> None:
    ((name, call),) = deliver("arn:aws:s3:::failures")
    assert (name, call["Bucket"]) == ("put_object", "failures")
    assert call["Key"].startswith(f"aws/lambda/a1b2/{SHARD}/2019/11/14/")
    document = json.loads(call["Body"])
    assert json.loads(document.pop("payload")) == {"Records": [{"n": 1}, {"n": 2}]}
    assert document["KinesisBatchInfo"]["batchSize"] == 2


def test_a_queue_and_a_topic_get_the_metadata_only() -> None:
    _, (name, call) = deliver("arn:aws:sqs:us-east-1:000000000000:dead")
    assert (name, call["QueueUrl"]) == ("send_message", "http://queue")
    assert "payload" not in json.loads(call["MessageBody"])
    ((name, call),) = deliver("arn:aws:sns:us-east-1:000000000000:dead")
    assert (name, call["TopicArn"]) == ("publish", "arn:aws:sns:us-east-1:000000000000:dead")
    assert "payload" not in json.loads(call["Message"])


def test_a_mapping_without_destination_has_none() -> None:
    assert destination(settings(), lambda service: Recorder()) is None


@pytest.mark.parametrize("arn", ["arn:aws:s3:::bucket/prefix", "arn:aws:events:us-east-1:0:event-bus/x", "bucket"])
def test_other_destinations_are_refused(arn: str) -> None:
    with pytest.raises(UnsupportedMapping, match=re.escape(arn)):
        destination(settings(on_failure_arn=arn), lambda service: Recorder())
