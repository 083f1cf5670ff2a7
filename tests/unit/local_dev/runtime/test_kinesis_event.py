import json
from datetime import UTC, datetime

from local_dev.runtime.kinesis_event import Source
from local_dev.runtime.stream_record import ENVELOPE_BYTES, event_of

SOURCE = Source(
    "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream",
    "shardId-000000000006",
    "arn:aws:iam::123456789012:role/lambda-role",
)
ANSWER = {
    "SequenceNumber": "49590338271490256608559692538361571095921575989136588898",
    "ApproximateArrivalTimestamp": datetime(2018, 12, 17, 22, 10, 50, 987_000, tzinfo=UTC),
    "Data": b"Hello, this is a test.",
    "PartitionKey": "1",
}


def test_the_event_is_the_one_lambda_documents() -> None:
    """The example of "Using Lambda to process records from Amazon Kinesis Data Streams"."""
    assert json.loads(event_of([SOURCE.record(ANSWER)])) == {
        "Records": [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": "1",
                    "sequenceNumber": "49590338271490256608559692538361571095921575989136588898",
                    "data": "SGVsbG8sIHRoaXMgaXMgYSB0ZXN0Lg==",
                    "approximateArrivalTimestamp": 1545084650.987,
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": "shardId-000000000006:49590338271490256608559692538361571095921575989136588898",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": "arn:aws:iam::123456789012:role/lambda-role",
                "awsRegion": "us-east-2",
                "eventSourceARN": "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream",
            }
        ]
    }


def test_a_partition_key_may_hold_any_character() -> None:
    key = 'quote " backslash \\ ünïcode'
    event = json.loads(event_of([SOURCE.record(ANSWER | {"PartitionKey": key})]))
    assert event["Records"][0]["kinesis"]["partitionKey"] == key


def test_the_size_of_an_event_is_the_sum_of_its_entries_commas_and_envelope() -> None:
    records = [SOURCE.record(ANSWER)] * 3
    assert len(event_of(records)) == ENVELOPE_BYTES + 3 * len(records[0].entry) + 2
