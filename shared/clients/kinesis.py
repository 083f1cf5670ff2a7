"""Puts to a stream, each entry to the shard that its lane belongs to; reads of a shard in order."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from shared.errors import StoreUnavailable

HASH_SPACE = 2**128


def explicit_hash_key(lane: int, shards: int) -> str:
    """The middle of the hash range of shard `lane mod shards`, for evenly split streams.

    MD5 of small numbers does not spread: "0" to "3" can all fall on one shard of two, so no put leaves it to the key.
    """
    return str((2 * (lane % shards) + 1) * HASH_SPACE // (2 * shards))


class PutRecords:
    """`PutRecords` on one stream; True for each entry that the stream took."""

    def __init__(self, kinesis: Any, stream: str, shards: int) -> None:
        self._kinesis, self._stream, self._shards = kinesis, stream, shards

    def __call__(self, entries: Sequence[tuple[int, bytes]]) -> list[bool]:
        """Entries are (lane, data). Raises StoreUnavailable when the call as a whole failed."""
        records = [
            {"Data": data, "PartitionKey": str(lane), "ExplicitHashKey": explicit_hash_key(lane, self._shards)}
            for lane, data in entries
        ]
        try:
            answer = self._kinesis.put_records(StreamName=self._stream, Records=records)
        except (BotoCoreError, ClientError) as error:
            raise StoreUnavailable(f"stream {self._stream}: {error}") from error
        return ["ErrorCode" not in record for record in answer["Records"]]


class ReadRecord(NamedTuple):
    """A record of a stream; sequence numbers of one shard grow."""

    sequence: int
    data: bytes


class Page(NamedTuple):
    """Records of one shard in order. `behind`: more are there now. `closed`: the shard was split or merged, and no
    more will ever come."""

    records: list[ReadRecord]
    behind: bool
    closed: bool


class ShardReader:
    """One shard from an instant on, through expired iterators. Not thread-safe. Raises StoreUnavailable, after which
    reading goes on from the same place."""

    def __init__(self, kinesis: Any, stream: str, shard: str, since: datetime) -> None:
        self._kinesis, self._stream, self.name = kinesis, stream, shard
        self._position: dict[str, Any] = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": since}
        self._iterator: str | None = None

    def open(self) -> None:
        """Take the position, so that every record put from now on will be read."""
        try:
            self._iterator = self._new_iterator()
        except (BotoCoreError, ClientError) as error:
            raise StoreUnavailable(f"stream {self._stream}, {self.name}: {error}") from error

    def read(self, limit: int = 500) -> Page:
        try:
            answer = self._get_records(limit)
        except (BotoCoreError, ClientError) as error:
            raise StoreUnavailable(f"stream {self._stream}, {self.name}: {error}") from error
        records = [ReadRecord(int(record["SequenceNumber"]), record["Data"]) for record in answer["Records"]]
        if records:
            after = answer["Records"][-1]["SequenceNumber"]
            self._position = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": after}
        self._iterator = answer.get("NextShardIterator")
        closed = not self._iterator
        return Page(records, behind=not closed and bool(answer.get("MillisBehindLatest")), closed=closed)

    def _get_records(self, limit: int) -> Any:
        if self._iterator is None:
            self._iterator = self._new_iterator()
        try:
            return self._kinesis.get_records(ShardIterator=self._iterator, Limit=limit)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExpiredIteratorException":
                raise
        self._iterator = self._new_iterator()  # five minutes without a read: go on after the last record read
        return self._kinesis.get_records(ShardIterator=self._iterator, Limit=limit)

    def _new_iterator(self) -> str:
        answer = self._kinesis.get_shard_iterator(StreamName=self._stream, ShardId=self.name, **self._position)
        return str(answer["ShardIterator"])


def open_shards(kinesis: Any, stream: str) -> list[str]:
    """Names of the shards that still take records. Raises StoreUnavailable."""
    try:
        shards = kinesis.list_shards(StreamName=stream)["Shards"]
    except (BotoCoreError, ClientError) as error:
        raise StoreUnavailable(f"stream {stream}: {error}") from error
    return [shard["ShardId"] for shard in shards if "EndingSequenceNumber" not in shard.get("SequenceNumberRange", {})]
