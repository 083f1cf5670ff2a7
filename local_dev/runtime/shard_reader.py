"""Reads one shard of a Kinesis stream in order, from a position or after a record, through expired iterators."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local_dev.runtime.kinesis_event import Source, StreamRecord
from local_dev.runtime.mapping_settings import MappingSettings


class ReadFailed(Exception):
    """Throttled, unreachable or refused; reading goes on later from the same place."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """`behind`: more lies beyond these records. `closed`: nothing ever will (the shard was split or merged)."""

    records: list[StreamRecord]
    behind: bool
    closed: bool


class ShardReader:
    """Not thread-safe. `now` is Unix seconds."""

    def __init__(self, kinesis: Any, source: Source, settings: MappingSettings, after: str | None, now: float) -> None:
        self._kinesis, self._source, self._settings = kinesis, source, settings
        self._after = after
        self._began = datetime.fromtimestamp(now, UTC)
        self._iterator: str | None = None

    def read(self, limit: int) -> Chunk:
        """Raises ReadFailed."""
        try:
            answer = self._get_records(limit)
        except (ClientError, BotoCoreError) as error:
            raise ReadFailed(f"{self._source.shard}: {error}") from error
        records = [self._source.record(record) for record in answer["Records"]]
        if records:
            self._after = records[-1].sequence
        self._iterator = answer.get("NextShardIterator")
        closed = not self._iterator
        return Chunk(records, behind=not closed and bool(answer.get("MillisBehindLatest")), closed=closed)

    def _get_records(self, limit: int) -> Mapping[str, Any]:
        for _ in range(2):
            if self._iterator is None:
                self._iterator = self._new_iterator()
            try:
                answer: Mapping[str, Any] = self._kinesis.get_records(ShardIterator=self._iterator, Limit=limit)
            except ClientError as error:
                if error.response["Error"]["Code"] != "ExpiredIteratorException":
                    raise
                self._iterator = None  # five minutes without a read: go on after the last record read
            else:
                return answer
        raise ReadFailed(f"{self._source.shard}: a new iterator had expired at once")

    def _new_iterator(self) -> str:
        position: dict[str, Any] = {"ShardIteratorType": self._settings.starting_position}
        if self._after is not None:
            position = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": self._after}
        elif self._settings.starting_position == "AT_TIMESTAMP":
            position["Timestamp"] = self._settings.starting_timestamp
        elif self._settings.starting_position == "LATEST":
            # As of our start, so that a second iterator does not skip what came since.
            position = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": self._began}
        answer = self._kinesis.get_shard_iterator(
            StreamARN=self._settings.stream_arn, ShardId=self._source.shard, **position
        )
        return str(answer["ShardIterator"])
