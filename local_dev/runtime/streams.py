"""What a poller needs of a stream, and the two kinds there are: Kinesis, and the change streams of DynamoDB tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from local_dev.runtime.dynamodb_event import changes
from local_dev.runtime.held_reads import held_s
from local_dev.runtime.kinesis_event import Source
from local_dev.runtime.mapping_settings import MappingSettings, UnsupportedMapping
from local_dev.runtime.record_filter import RecordFilter
from local_dev.runtime.stream_record import StreamRecord


@dataclass(frozen=True, slots=True)
class Page:
    """`next_iterator` None: the shard is closed and nothing ever follows. `behind`: more lies beyond these records.
    `held_s`: so long the service had waited before it looked."""

    records: list[StreamRecord]
    next_iterator: str | None
    behind: bool
    held_s: float = 0.0


class Stream(Protocol):
    """One stream's shards, by way of the API of its service. Raises what boto3 raises."""

    def shards(self) -> list[str]:
        """Those it has now, in the service's order."""
        ...

    def iterator(self, shard: str, after: str | None, began: datetime) -> str:
        """A place to read from: after a record, else where the mapping starts. `began`: when the poller did, for a
        mapping that starts with what comes next."""
        ...

    def read(self, shard: str, iterator: str, limit: int) -> Page: ...


def stream_of(client: Any, settings: MappingSettings, role_arn: str) -> Stream:
    """`client` gives a boto3 client for a service name. Raises UnsupportedMapping."""
    if settings.is_table_stream:
        return TableStream(client("dynamodbstreams"), settings)
    return KinesisStream(client("kinesis"), settings, role_arn)


class KinesisStream:
    def __init__(self, kinesis: Any, settings: MappingSettings, role_arn: str) -> None:
        self._kinesis, self._settings, self._role_arn = kinesis, settings, role_arn

    def shards(self) -> list[str]:
        shards: list[str] = []
        request = {"StreamARN": self._settings.stream_arn}
        while True:
            answer = self._kinesis.list_shards(**request)
            shards += [shard["ShardId"] for shard in answer["Shards"]]
            if "NextToken" not in answer:
                return shards
            request = {"NextToken": answer["NextToken"]}

    def iterator(self, shard: str, after: str | None, began: datetime) -> str:
        position: dict[str, Any] = {"ShardIteratorType": self._settings.starting_position}
        if after is not None:
            position = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": after}
        elif self._settings.starting_position == "AT_TIMESTAMP":
            position["Timestamp"] = self._settings.starting_timestamp
        elif self._settings.starting_position == "LATEST":
            # As of our start, so that a second iterator does not skip what came since.
            position = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": began}
        answer = self._kinesis.get_shard_iterator(StreamARN=self._settings.stream_arn, ShardId=shard, **position)
        return str(answer["ShardIterator"])

    def read(self, shard: str, iterator: str, limit: int) -> Page:
        answer: Mapping[str, Any] = self._kinesis.get_records(ShardIterator=iterator, Limit=limit)
        source = Source(self._settings.stream_arn, shard, self._role_arn)
        return Page(
            [source.record(record) for record in answer["Records"]],
            answer.get("NextShardIterator"),
            bool(answer.get("MillisBehindLatest")),
            held_s(answer),
        )


class TableStream:
    """The service does not say how far behind a read is: more may lie behind a full page, and behind one of which the
    mapping's filter held back a part, so that only an empty page is the end."""

    LIMIT = 1000
    """Records of one read, at most."""

    def __init__(self, streams: Any, settings: MappingSettings) -> None:
        if settings.starting_position != "TRIM_HORIZON":
            # A stream of a table can be read from a moment on neither there nor here, so a second iterator at LATEST
            # would skip what had come since the first.
            raise UnsupportedMapping(
                f"StartingPosition of a table's stream must be TRIM_HORIZON, was {settings.starting_position}"
            )
        self._streams, self._settings = streams, settings
        self._filter = RecordFilter(settings.patterns)

    def shards(self) -> list[str]:
        shards: list[str] = []
        request = {"StreamArn": self._settings.stream_arn}
        while True:
            described = self._streams.describe_stream(**request)["StreamDescription"]
            shards += [shard["ShardId"] for shard in described["Shards"]]
            if "LastEvaluatedShardId" not in described:
                return shards
            request["ExclusiveStartShardId"] = described["LastEvaluatedShardId"]

    def iterator(self, shard: str, after: str | None, began: datetime) -> str:
        position = {"ShardIteratorType": "TRIM_HORIZON"}
        if after is not None:
            position = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": after}
        answer = self._streams.get_shard_iterator(StreamArn=self._settings.stream_arn, ShardId=shard, **position)
        return str(answer["ShardIterator"])

    def read(self, shard: str, iterator: str, limit: int) -> Page:
        limit = min(limit, self.LIMIT)
        answer: Mapping[str, Any] = self._streams.get_records(ShardIterator=iterator, Limit=limit)
        wanted = [record for record in answer["Records"] if self._filter.passes(record)]
        behind = len(answer["Records"]) == limit or len(wanted) < len(answer["Records"])
        return Page(changes(wanted, self._settings.stream_arn), answer.get("NextShardIterator"), behind, held_s(answer))
