"""A Kinesis stream in memory: evenly split shards, records in order of arrival, puts that fail as told."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from botocore.exceptions import ReadTimeoutError

HASH_SPACE = 2**128
RECORD_BYTES = 2**20
PAGE = 3
"""Records of one page at most: few, so that every reader has to turn pages."""


class Answer(NamedTuple):
    """What becomes of one put: which entries are stored, and whether the caller hears of it."""

    stored: Sequence[bool] = ()
    """By entry; entries beyond its end are stored."""
    lost: bool = False
    """The call times out, whatever was stored."""
    kills: bool = False
    """The caller is killed before it hears of it."""


class Killed(BaseException):
    """The process that made a put is no more."""


class Kinesis:
    """Speaks as boto3's client does. `answers(n)` decides on put number n."""

    def __init__(
        self,
        shards: int = 2,
        answers: Callable[[int], Answer] = lambda n: Answer(),
        on_stored: Callable[[str, bytes], None] = lambda key, data: None,
    ) -> None:
        self.on_stored = on_stored
        self.shards: list[list[tuple[str, bytes]]] = [[] for _ in range(shards)]
        self.answers = answers
        self.puts: list[list[tuple[str, bytes]]] = []
        """(partition key, data) of every put, stored or not."""
        self.positions: list[dict[str, Any]] = []
        """What iterators were asked for."""
        self.empty_pages = 0
        """Pages without records, though more follow, that every shard gives first: as Kinesis may."""

    def put_records(self, *, StreamName: str, Records: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 -- boto3's names
        answer = self.answers(len(self.puts))
        self.puts.append([(record["PartitionKey"], record["Data"]) for record in Records])
        results: list[dict[str, str]] = []
        for number, record in enumerate(Records):
            assert len(record["Data"]) < RECORD_BYTES, "the stream takes records under 1 MiB"
            if number < len(answer.stored) and not answer.stored[number]:
                results.append({"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "slow down"})
            else:
                shard = int(record["ExplicitHashKey"]) * len(self.shards) // HASH_SPACE
                self.shards[shard].append((record["PartitionKey"], record["Data"]))
                self.on_stored(record["PartitionKey"], record["Data"])
                results.append({"SequenceNumber": str(len(self.shards[shard])), "ShardId": name(shard)})
        if answer.kills:
            raise Killed
        if answer.lost:
            raise ReadTimeoutError(endpoint_url="the stream")
        return {"FailedRecordCount": sum("ErrorCode" in result for result in results), "Records": results}

    def list_shards(self, *, StreamName: str) -> dict[str, Any]:  # noqa: N803 -- boto3's names
        return {"Shards": [{"ShardId": name(shard)} for shard in range(len(self.shards))]}

    def get_shard_iterator(self, *, StreamName: str, ShardId: str, **position: Any) -> dict[str, str]:  # noqa: N803 -- boto3's names
        self.positions.append(position)
        return {"ShardIterator": f"{ShardId}:0:{self.empty_pages}"}

    def get_records(self, *, ShardIterator: str, Limit: int) -> dict[str, Any]:  # noqa: N803 -- boto3's names
        shard, start, empty = ShardIterator.split(":")
        records = self.shards[int(shard[-12:])]
        if int(empty):
            return _page([], f"{shard}:{start}:{int(empty) - 1}", behind=1)
        end = min(int(start) + min(PAGE, Limit), len(records))
        return _page([data for _, data in records[int(start) : end]], f"{shard}:{end}:0", behind=len(records) - end)

    def records(self) -> list[bytes]:
        """Everything that is stored, shard by shard."""
        return [data for shard in self.shards for _, data in shard]

    def lane(self, lane: int) -> list[bytes]:
        """What one lane stored, in order."""
        return [data for shard in self.shards for key, data in shard if key == str(lane)]


def name(shard: int) -> str:
    return f"shardId-{shard:012d}"


def _page(records: list[bytes], following: str, *, behind: int) -> dict[str, Any]:
    return {
        "Records": [{"Data": data} for data in records],
        "NextShardIterator": following,
        "MillisBehindLatest": behind,
    }
