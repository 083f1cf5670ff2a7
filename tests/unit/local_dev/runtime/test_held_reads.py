"""Reads that the emulator holds at the end of a shard: for those who say that they wait, and no longer than needed."""

import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_dev.runtime.deploy import CREDENTIALS, REGION
from local_dev.runtime.destinations import Clients
from local_dev.runtime.emulator_activities import LONGEST_S
from local_dev.runtime.emulator_reads import LOOK_S
from local_dev.runtime.held_reads import HELD, held_s
from local_dev.runtime.mapping_rules import ShardRules
from local_dev.runtime.poller import ShardPoller, clock
from local_dev.runtime.shard_reader import Chunk
from tests.unit.local_dev.runtime.simulated_shard import settings

SOON_S = 0.2
_names = itertools.count()

Put = Callable[[], Any]


@pytest.fixture(params=["kinesis", "dynamodbstreams"])
def shard(request: pytest.FixtureRequest, emulator: Clients) -> tuple[str, str, Put]:
    """Service, iterator at the end of a shard of its own, and what puts a record there."""
    name, client = f"held-{next(_names)}", emulator(request.param)
    if request.param == "kinesis":
        client.create_stream(StreamName=name, ShardCount=1)
        (one,) = client.list_shards(StreamName=name)["Shards"]
        position = {"ShardId": one["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator = client.get_shard_iterator(StreamName=name, **position)["ShardIterator"]
        return request.param, iterator, lambda: client.put_record(StreamName=name, Data=b"one", PartitionKey="a")
    tables = emulator("dynamodb")
    key = [{"AttributeName": "pk", "AttributeType": "S"}], [{"AttributeName": "pk", "KeyType": "HASH"}]
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    made = tables.create_table(
        TableName=name, AttributeDefinitions=key[0], KeySchema=key[1], BillingMode="PAY_PER_REQUEST",
        StreamSpecification=stream,
    )  # fmt: skip
    arn = made["TableDescription"]["LatestStreamArn"]
    (one,) = client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    position = {"ShardId": one["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    iterator = client.get_shard_iterator(StreamArn=arn, **position)["ShardIterator"]
    return request.param, iterator, lambda: tables.put_item(TableName=name, Item={"pk": {"S": "one"}})


def test_a_read_at_the_end_is_answered_when_a_record_comes(emulator: Clients, shard: tuple[str, str, Put]) -> None:
    """On a busy machine a record may come too early or too late for a read: one of some tries is enough."""
    service, iterator, put = shard
    early = False
    for _ in range(8):
        later = threading.Timer(SOON_S, put)
        later.start()
        answer = emulator(service).get_records(ShardIterator=iterator)
        later.join()
        early = early or (len(answer["Records"]) == 1 and LOOK_S <= held_s(answer) < LONGEST_S)
        while answer["Records"]:
            iterator = answer["NextShardIterator"]
            answer = emulator(service).get_records(ShardIterator=iterator)
        assert held_s(answer) >= LONGEST_S
        if early:
            break
    assert early


def test_a_read_of_what_is_there_is_not_held(emulator: Clients, shard: tuple[str, str, Put]) -> None:
    service, iterator, put = shard
    put()
    answer = emulator(service).get_records(ShardIterator=iterator)
    assert len(answer["Records"]) == 1
    assert held_s(answer) < SOON_S / 2


def test_where_nothing_comes_a_read_finds_nothing_in_the_end(emulator: Clients, shard: tuple[str, str, Put]) -> None:
    service, iterator, put = shard
    answer = emulator(service).get_records(ShardIterator=iterator)
    assert answer["Records"] == []
    assert held_s(answer) >= LONGEST_S
    put()
    assert len(emulator(service).get_records(ShardIterator=answer["NextShardIterator"])["Records"]) == 1


def test_whoever_does_not_say_that_they_wait_is_not_held(emulator: Clients, shard: tuple[str, str, Put]) -> None:
    service, iterator, _ = shard
    url = emulator(service).meta.endpoint_url
    keys = {name.lower(): CREDENTIALS[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    plain = boto3.client(service, endpoint_url=url, region_name=REGION, **keys)
    answer = plain.get_records(ShardIterator=iterator)
    assert answer["Records"] == []
    assert HELD not in answer["ResponseMetadata"]["HTTPHeaders"]


@pytest.mark.parametrize("service", ["kinesis", "dynamodbstreams"])
def test_a_read_that_will_be_refused_is_refused(emulator: Clients, service: str) -> None:
    with pytest.raises(ClientError, match="terator"):
        emulator(service).get_records(ShardIterator="none-of-its-own")


def test_what_a_held_read_did_not_find_had_not_been_put_when_its_time_was_over() -> None:
    class Held:
        """Holds every read for a moment, and finds nothing."""

        def read(self, limit: int) -> Chunk:
            time.sleep(SOON_S)
            return Chunk([], behind=False, closed=False, held_s=SOON_S)

    poller = ShardPoller(
        settings(), "shard", rules=ShardRules(settings(), poll_seconds=60), reader=Held(),  # type: ignore[arg-type]  # of a reader, what is called
        invoke=lambda event: pytest.fail("nothing to hand on"), deliver=None, save=lambda sequence: None,
    )  # fmt: skip
    during = clock() + SOON_S / 2
    poller.start()
    deadline = time.monotonic() + 10
    while not poller.handled_through(during):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    poller.ask_to_stop()
    assert poller.join(10)
