from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from local_dev.runtime.shard_reader import ReadFailed, ShardReader
from local_dev.runtime.streams import KinesisStream
from tests.unit.local_dev.runtime.simulated_shard import settings

NOON = 1_700_000_000.0


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "GetRecords")


class ScriptedKinesis:
    """One shard of records 1..n; `script` holds an error, a changed answer, or None for a plain read, per call."""

    def __init__(self, records: int, script: list[Any] | None = None) -> None:
        self.records, self.script = list(range(1, records + 1)), script or []
        self.positions: list[dict[str, Any]] = []

    def get_shard_iterator(self, **position: Any) -> dict[str, str]:
        self.positions.append(position)
        return {"ShardIterator": str(int(position.get("StartingSequenceNumber", 0)))}

    def get_records(self, *, ShardIterator: str, Limit: int) -> dict[str, Any]:  # noqa: N803  # boto3's own names
        step = self.script.pop(0) if self.script else None
        if isinstance(step, Exception):
            raise step
        start = int(ShardIterator)
        taken = self.records[start : start + Limit]
        answer = {
            "Records": [
                {
                    "SequenceNumber": str(number),
                    "ApproximateArrivalTimestamp": datetime.fromtimestamp(NOON, UTC),
                    "Data": b"data",
                    "PartitionKey": "key",
                }
                for number in taken
            ],
            "NextShardIterator": str(start + len(taken)),
            "MillisBehindLatest": 0,
        }
        return answer | (step or {})


def reader(kinesis: ScriptedKinesis, after: str | None = None, **options: object) -> ShardReader:
    mapping = settings(**options)
    return ShardReader(KinesisStream(kinesis, mapping, "role"), "shardId-000000000000", after, NOON)


def read(shard: ShardReader, limit: int = 10) -> list[str]:
    return [record.sequence for record in shard.read(limit).records]


def test_a_shard_is_read_on_from_where_the_last_read_ended() -> None:
    kinesis = ScriptedKinesis(5)
    shard = reader(kinesis)
    assert [read(shard, 2), read(shard, 2), read(shard, 2), read(shard, 2)] == [["1", "2"], ["3", "4"], ["5"], []]
    assert len(kinesis.positions) == 1


def test_a_shard_is_behind_as_long_as_the_stream_says_so() -> None:
    shard = reader(ScriptedKinesis(1, [{"MillisBehindLatest": 1200}, {"Records": [], "MillisBehindLatest": 1}, None]))
    assert [shard.read(10).behind for _ in range(3)] == [True, True, False]


def test_the_starting_position_is_the_mappings() -> None:
    at = datetime(2026, 1, 5, tzinfo=UTC)
    for options, position in (
        ({"starting_position": "TRIM_HORIZON"}, {"ShardIteratorType": "TRIM_HORIZON"}),
        (
            {"starting_position": "AT_TIMESTAMP", "starting_timestamp": at},
            {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": at},
        ),
        (
            {"starting_position": "LATEST"},
            {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": datetime.fromtimestamp(NOON, UTC)},
        ),
    ):
        kinesis = ScriptedKinesis(0)
        reader(kinesis, **options).read(1)
        stream = {"StreamARN": settings().stream_arn, "ShardId": "shardId-000000000000"}
        assert kinesis.positions == [stream | position]


def test_a_checkpoint_wins_over_the_starting_position() -> None:
    assert read(reader(ScriptedKinesis(5), after="3")) == ["4", "5"]


def test_an_expired_iterator_is_replaced_by_one_after_the_last_record_read() -> None:
    kinesis = ScriptedKinesis(5, [None, refused("ExpiredIteratorException")])
    shard = reader(kinesis)
    assert read(shard, 2) == ["1", "2"]
    assert read(shard, 2) == ["3", "4"]
    assert kinesis.positions[1]["ShardIteratorType"] == "AFTER_SEQUENCE_NUMBER"
    assert kinesis.positions[1]["StartingSequenceNumber"] == "2"


def test_an_iterator_that_expires_before_any_record_starts_again_at_the_position() -> None:
    kinesis = ScriptedKinesis(2, [refused("ExpiredIteratorException")])
    assert read(reader(kinesis)) == ["1", "2"]
    assert [position["ShardIteratorType"] for position in kinesis.positions] == ["TRIM_HORIZON"] * 2


@pytest.mark.parametrize(
    "error",
    [
        refused("ProvisionedThroughputExceededException"),
        refused("ResourceNotFoundException"),
        ConnectTimeoutError(endpoint_url="http://127.0.0.1"),
    ],
)
def test_a_failed_read_is_reported_and_the_next_goes_on_from_the_same_place(error: Exception) -> None:
    shard = reader(ScriptedKinesis(3, [None, error]))
    assert read(shard, 1) == ["1"]
    with pytest.raises(ReadFailed, match="shardId-000000000000"):
        shard.read(1)
    assert read(shard, 1) == ["2"]


def test_iterators_that_expire_at_once_are_a_failed_read() -> None:
    shard = reader(ScriptedKinesis(3, [refused("ExpiredIteratorException")] * 2))
    with pytest.raises(ReadFailed, match="expired at once"):
        shard.read(1)


def test_no_next_iterator_means_the_shard_was_closed() -> None:
    chunk = reader(ScriptedKinesis(1, [{"NextShardIterator": None}])).read(10)
    assert chunk.closed
    assert not chunk.behind
    assert len(chunk.records) == 1
