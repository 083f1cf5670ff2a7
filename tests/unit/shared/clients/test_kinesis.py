"""Puts reach the shard of their lane, and say entry by entry what the stream took."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from shared.clients.kinesis import HASH_SPACE, PutRecords, explicit_hash_key
from shared.errors import StoreUnavailable

shards = st.integers(1, 500)


def range_of(shard: int, shards: int) -> tuple[int, int]:
    """First and last hash key of a shard of an evenly split stream, as Kinesis splits it."""
    width = HASH_SPACE // shards
    return shard * width, HASH_SPACE - 1 if shard == shards - 1 else (shard + 1) * width - 1


@given(shards, st.integers(0, 5_000))
def test_a_lanes_key_is_the_middle_of_its_shards_range(shards: int, lane: int) -> None:
    first, last = range_of(lane % shards, shards)
    key = int(explicit_hash_key(lane, shards))
    assert first <= key <= last
    assert abs(2 * key - first - last) <= 2 * shards, "but for the hash keys that an even split leaves over"


@given(shards, st.integers(1, 8))
def test_lanes_spread_evenly_over_all_shards(shards: int, times: int) -> None:
    width = HASH_SPACE // shards
    used = Counter(min(int(explicit_hash_key(lane, shards)) // width, shards - 1) for lane in range(times * shards))
    assert used == dict.fromkeys(range(shards), times)


@pytest.mark.parametrize(
    ("lane", "shards", "key"), [(0, 1, 2**127), (0, 2, 2**126), (1, 2, 3 * 2**126), (5, 4, 3 * 2**125)]
)
def test_keys_are_decimal_text(lane: int, shards: int, key: int) -> None:
    assert explicit_hash_key(lane, shards) == str(key)


@pytest.fixture
def kinesis(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        client = boto3.client("kinesis", region_name="us-east-1")
        client.create_stream(StreamName="trades", ShardCount=3)
        yield client


def test_records_land_on_the_shard_of_their_lane_in_the_order_they_were_put(kinesis: Any) -> None:
    put = PutRecords(kinesis, "trades", 3)
    assert put([(lane, b"first %d" % lane) for lane in range(6)]) == [True] * 6
    assert put([(4, b"second 4")]) == [True]
    landed = []
    for shard in kinesis.list_shards(StreamName="trades")["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName="trades", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        landed.append([record["Data"] for record in kinesis.get_records(ShardIterator=iterator)["Records"]])
    assert landed == [
        [b"first 0", b"first 3"],
        [b"first 1", b"first 4", b"second 4"],
        [b"first 2", b"first 5"],
    ]


class Answering:
    """A client that answers, or fails, as told."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def put_records(self, **_: Any) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_each_entry_that_was_refused_is_told_apart_from_those_taken() -> None:
    taken, refused = {"SequenceNumber": "1", "ShardId": "s"}, {"ErrorCode": "ProvisionedThroughputExceededException"}
    put = PutRecords(Answering({"FailedRecordCount": 1, "Records": [taken, refused, taken]}), "trades", 1)
    assert put([(0, b"a"), (1, b"b"), (2, b"c")]) == [True, False, True]


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "ProvisionedThroughputExceededException"}}, "PutRecords"),
        ReadTimeoutError(endpoint_url="https://kinesis"),
    ],
)
def test_a_call_that_failed_as_a_whole_may_be_repeated(error: Exception) -> None:
    with pytest.raises(StoreUnavailable, match="stream trades") as caught:
        PutRecords(Answering(error), "trades", 1)([(0, b"a")])
    assert caught.value.__cause__ is error


def test_a_stream_that_is_not_there_is_unavailable(kinesis: Any) -> None:
    with pytest.raises(StoreUnavailable, match="absent"):
        PutRecords(kinesis, "absent", 1)([(0, b"a")])
