"""Puts to a stream, each entry to the shard that its lane belongs to."""

from collections.abc import Sequence
from typing import Any

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
