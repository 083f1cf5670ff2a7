"""Mappings of a table's change stream: the real emulator's, by the rules that Kinesis mappings have."""

import itertools
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_dev.runtime.destinations import Clients
from local_dev.runtime.mapping_rules import Backoff
from local_dev.runtime.mapping_settings import MappingSettings, UnsupportedMapping
from local_dev.runtime.poller import Poller
from local_dev.runtime.shard_reader import ReadFailed, ShardReader
from local_dev.runtime.streams import TableStream
from tests.unit.local_dev.runtime.conftest import StartFunction
from tests.unit.local_dev.runtime.simulated_shard import settings

QUICK = Backoff(first=0.01, factor=2.0, most=0.05)
ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/signals/stream/2026-01-05T14:30:00.000"
_names = itertools.count()


class Table:
    """A table of the emulator with a stream of old and new images."""

    def __init__(self, client: Clients) -> None:
        self.client, self.dynamodb = client, client("dynamodb")
        self.name = f"table-{next(_names)}"
        self.dynamodb.create_table(
            TableName=self.name,
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        self.arn = self.dynamodb.describe_table(TableName=self.name)["Table"]["LatestStreamArn"]

    def put(self, *notes: str) -> None:
        for number, note in enumerate(notes):
            self.dynamodb.put_item(TableName=self.name, Item={"pk": {"S": f"{number:05d}"}, "note": {"S": note}})

    def mapping(self, **options: Any) -> dict[str, Any]:
        return {
            "UUID": f"uuid-{self.name}",
            "EventSourceArn": self.arn,
            "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:changed",
            "BatchSize": 10,
            "StartingPosition": "TRIM_HORIZON",
            "BisectBatchOnFunctionError": True,
            "MaximumRetryAttempts": 2,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            **options,
        }


@pytest.fixture
def table(emulator: Clients) -> Table:
    return Table(emulator)


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    (tmp_path / "seen").touch()
    return tmp_path / "seen"


Poll = Callable[..., Poller]


@pytest.fixture
def poll(start: StartFunction, seen: Path, emulator: Clients) -> Iterator[Poll]:
    function = start("changed", environment={"SEEN": str(seen)})["changed"]
    started = []

    def begin(mapping: dict[str, Any]) -> Poller:
        poller = Poller(mapping, function.invoke, emulator, backoff=QUICK)
        poller.start()
        started.append(poller)
        return poller

    yield begin
    assert all(poller.stop(20) for poller in started)


def told(seen: Path) -> list[list[str | None]]:
    return [json.loads(line) for line in seen.read_text().splitlines()]


def test_every_change_arrives_once_and_in_order(table: Table, poll: Poll, seen: Path) -> None:
    poller = poll(table.mapping())
    table.put(*map(str, range(50)))
    table.put("changed")
    table.put("changed")  # nothing changes, so the stream says nothing
    table.dynamodb.delete_item(TableName=table.name, Key={"pk": {"S": "00000"}})
    assert poller.wait_drained(30)
    inserted = [["INSERT", str(number)] for number in range(50)]
    assert told(seen) == [*inserted, ["MODIFY", "changed"], ["REMOVE", None]]
    assert (poller.counts.records, poller.counts.discarded) == (52, 0)


def test_a_change_that_cannot_be_handled_ends_in_the_queue_and_all_others_are_handled(
    table: Table, poll: Poll, seen: Path
) -> None:
    sqs = table.client("sqs")
    url = sqs.create_queue(QueueName=f"dead-{table.name}")["QueueUrl"]
    table.put("a", "b", "poison", "c")
    queue = f"arn:aws:sqs:us-east-1:000000000000:dead-{table.name}"
    poller = poll(table.mapping(DestinationConfig={"OnFailure": {"Destination": queue}}))
    assert poller.wait_drained(30)
    assert [note for _, note in told(seen)] == ["a", "b", "c"]
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    info = json.loads(message["Body"])["DDBStreamBatchInfo"]
    assert (info["batchSize"], info["streamArn"]) == (1, table.arn)
    assert poller.counts.discarded == 1


def test_only_changes_that_the_mappings_filter_lets_pass_reach_the_function(
    table: Table, poll: Poll, seen: Path
) -> None:
    poller = poll(table.mapping(FilterCriteria={"Filters": [{"Pattern": '{"eventName":["INSERT"]}'}]}))
    table.put("a", "b")
    table.put("changed", "too")
    table.put("changed", "again", "c")
    assert poller.wait_drained(30)
    assert told(seen) == [["INSERT", "a"], ["INSERT", "b"], ["INSERT", "c"]]


def test_polling_goes_on_where_the_checkpoint_says(table: Table, poll: Poll, seen: Path) -> None:
    table.put("a", "b")
    first = poll(table.mapping())
    assert first.wait_drained(30)
    stream = TableStream(table.client("dynamodbstreams"), MappingSettings.from_listing(table.mapping()))
    (shard,) = stream.shards()
    reader = ShardReader(stream, shard, first.checkpoint(shard), time.time())
    assert reader.read(10).records == []
    table.put("c")
    assert [json.loads(record.entry)["dynamodb"]["NewImage"]["note"] for record in reader.read(10).records] == [
        {"S": "c"}
    ]


class Scripted:
    """A shard of one record; `script` holds an error, or None for a plain read, per call of `get_records`."""

    def __init__(self, *script: str | None) -> None:
        self.script = list(script)
        self.positions: list[dict[str, Any]] = []
        self.limits: list[int] = []

    def get_shard_iterator(self, **position: Any) -> dict[str, str]:
        self.positions.append({name: position[name] for name in position if name not in {"StreamArn", "ShardId"}})
        return {"ShardIterator": "place"}

    def get_records(self, *, ShardIterator: str, Limit: int) -> dict[str, Any]:  # noqa: N803  # boto3's own names
        self.limits.append(Limit)
        code = self.script.pop(0) if self.script else None
        if code is not None:
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, "GetRecords")
        change = {"ApproximateCreationDateTime": datetime(2026, 1, 5, tzinfo=UTC), "SequenceNumber": "7"}
        return {"Records": [{"dynamodb": change}], "NextShardIterator": ShardIterator}


def reader(streams: Scripted, after: str | None = None) -> ShardReader:
    return ShardReader(TableStream(streams, settings(stream_arn=ARN)), "shardId-0", after, 0.0)


def test_a_checkpoint_that_is_no_longer_kept_means_the_oldest_change_that_is() -> None:
    streams = Scripted("TrimmedDataAccessException")
    assert [record.sequence for record in reader(streams, after="3").read(10).records] == ["7"]
    assert streams.positions == [
        {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": "3"},
        {"ShardIteratorType": "TRIM_HORIZON"},
    ]


def test_an_expired_iterator_is_replaced_by_one_after_the_last_change_read() -> None:
    streams = Scripted(None, "ExpiredIteratorException")
    shard = reader(streams)
    shard.read(10)
    shard.read(10)
    assert streams.positions[1] == {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": "7"}


def test_a_read_asks_for_no_more_than_the_service_gives_and_a_full_page_may_have_more_behind_it() -> None:
    streams = Scripted()
    assert reader(streams).read(10_000).behind is False
    assert reader(streams).read(1).behind is True
    assert streams.limits == [1000, 1]


def test_a_throttled_read_is_reported() -> None:
    with pytest.raises(ReadFailed, match="shardId-0"):
        reader(Scripted("LimitExceededException")).read(10)


def test_a_mapping_that_starts_with_what_comes_next_is_refused() -> None:
    with pytest.raises(UnsupportedMapping, match="LATEST"):
        TableStream(Scripted(), settings(stream_arn=ARN, starting_position="LATEST"))
