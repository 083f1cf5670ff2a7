import json
from datetime import UTC, datetime

import pytest

from local_dev.runtime.dynamodb_event import changes
from local_dev.runtime.stream_record import event_of

TABLE = "arn:aws:dynamodb:us-east-2:123456789012:table/my-table/stream/2024-06-10T19:26:16.525"
ANSWER = {
    "eventID": "c9fbe7d0261a5163fcb6940593e41797",
    "eventName": "INSERT",
    "eventVersion": "1.1",
    "eventSource": "aws:dynamodb",
    "awsRegion": "us-east-2",
    "dynamodb": {
        "ApproximateCreationDateTime": datetime(2024, 6, 10, 19, 26, 32, tzinfo=UTC),
        "Keys": {"pk": {"S": "one"}},
        "NewImage": {"quantity": {"N": "50"}, "pk": {"S": "one"}, "packed": {"B": b"\x00\xff"}},
        "SequenceNumber": "400000000000000499660",
        "SizeBytes": 41,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    },
}


def test_the_event_is_the_one_lambda_documents() -> None:
    """After the example of "Using AWS Lambda with Amazon DynamoDB"; bytes are base64 text in JSON."""
    assert json.loads(event_of(changes([ANSWER], TABLE))) == {
        "Records": [
            {
                "eventID": "c9fbe7d0261a5163fcb6940593e41797",
                "eventName": "INSERT",
                "eventVersion": "1.1",
                "eventSource": "aws:dynamodb",
                "awsRegion": "us-east-2",
                "dynamodb": {
                    "ApproximateCreationDateTime": 1718047592.0,
                    "Keys": {"pk": {"S": "one"}},
                    "NewImage": {"quantity": {"N": "50"}, "pk": {"S": "one"}, "packed": {"B": "AP8="}},
                    "SequenceNumber": "400000000000000499660",
                    "SizeBytes": 41,
                    "StreamViewType": "NEW_AND_OLD_IMAGES",
                },
                "eventSourceARN": TABLE,
            }
        ]
    }


def test_a_record_is_known_by_its_sequence_number_and_as_old_as_the_change() -> None:
    (record,) = changes([ANSWER], TABLE)
    assert (record.sequence, record.arrival) == ("400000000000000499660", 1718047592.0)


def test_what_no_answer_of_the_service_can_hold_is_not_guessed_at() -> None:
    with pytest.raises(TypeError, match="set"):
        changes([{**ANSWER, "userIdentity": {1, 2}}], TABLE)
