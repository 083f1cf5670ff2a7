"""Puts reach the shard of their lane, and say entry by entry what the stream took. A shard is read in order, once."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws
from moto.kinesis.models import kinesis_backends

from shared.clients.kinesis import HASH_SPACE, PutRecords, ShardReader, explicit_hash_key, open_shards
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


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Of an AWS account that this module has for itself: making one takes a while."""
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        environment.setenv("AWS_ACCESS_KEY_ID", "test")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "test")
        yield boto3.client("kinesis", region_name="us-east-1")


@pytest.fixture
def kinesis(client: Any) -> Iterator[Any]:
    client.create_stream(StreamName="trades", ShardCount=3)
    yield client
    kinesis_backends.reset()


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


@pytest.mark.fault("F22")
def test_each_entry_that_was_refused_is_told_apart_from_those_taken() -> None:
    taken, refused = {"SequenceNumber": "1", "ShardId": "s"}, {"ErrorCode": "ProvisionedThroughputExceededException"}
    put = PutRecords(Answering({"FailedRecordCount": 1, "Records": [taken, refused, taken]}), "trades", 1)
    assert put([(0, b"a"), (1, b"b"), (2, b"c")]) == [True, False, True]


@pytest.mark.fault("F21")
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


class Calls:
    """A client whose calls may be made to fail first. `closed`: a read gives no further iterator, as of a split shard
    that is read to its end (moto goes on for ever)."""

    def __init__(self, kinesis: Any) -> None:
        self._kinesis = kinesis
        self.fail: dict[str, list[Exception]] = {}
        self.positions: list[dict[str, Any]] = []
        self.closed = False

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            if self.fail.get(name):
                raise self.fail[name].pop(0)
            if name == "get_shard_iterator":
                self.positions.append(request)
            answer = getattr(self._kinesis, name)(**request)
            if self.closed:
                answer.pop("NextShardIterator", None)
            return answer

        return call


def refusal(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)


def reader_of(kinesis: Any, stream: str = "trades", shard: int = 0) -> ShardReader:
    return ShardReader(kinesis, stream, f"shardId-{shard:012d}", datetime.now(UTC))


def read_all(reader: ShardReader) -> list[bytes]:
    return [record.data for record in reader.read(2).records]


def test_a_reader_gives_what_came_since_its_position_was_taken_in_order_and_once(kinesis: Any) -> None:
    put = PutRecords(kinesis, "trades", 3)
    put([(0, b"before")])
    reader = reader_of(kinesis)
    reader.open()
    put([(0, b"1"), (1, b"other shard"), (0, b"2"), (0, b"3")])
    first, second = reader.read(2), reader.read(2)
    assert [record.data for record in [*first.records, *second.records]] == [b"1", b"2", b"3"]
    sequences = [record.sequence for record in [*first.records, *second.records]]
    assert sequences == sorted(set(sequences))
    assert (first.closed, second.closed, reader.read().records) == (False, False, [])


def test_an_iterator_that_has_expired_is_replaced_behind_the_last_record_that_was_read(kinesis: Any) -> None:
    calls, put = Calls(kinesis), PutRecords(kinesis, "trades", 3)
    reader = reader_of(calls)
    reader.open()
    put([(0, b"1"), (0, b"2"), (0, b"3")])
    assert read_all(reader) == [b"1", b"2"]
    calls.fail["get_records"] = [refusal("ExpiredIteratorException", "GetRecords")]
    assert read_all(reader) == [b"3"]
    assert [position["ShardIteratorType"] for position in calls.positions] == ["AT_TIMESTAMP", "AFTER_SEQUENCE_NUMBER"]


@pytest.mark.parametrize(
    "error",
    [refusal("ProvisionedThroughputExceededException", "GetRecords"), ReadTimeoutError(endpoint_url="the stream")],
)
def test_a_read_that_fails_is_told_and_the_next_goes_on_from_the_same_place(kinesis: Any, error: Exception) -> None:
    calls, put = Calls(kinesis), PutRecords(kinesis, "trades", 3)
    reader = reader_of(calls)
    reader.open()
    put([(0, b"1")])
    calls.fail["get_records"] = [error]
    with pytest.raises(StoreUnavailable, match="trades"):
        reader.read()
    assert read_all(reader) == [b"1"]


def test_a_position_that_cannot_be_taken_is_told(kinesis: Any) -> None:
    with pytest.raises(StoreUnavailable):
        reader_of(kinesis, stream="absent").open()
    with pytest.raises(StoreUnavailable):
        open_shards(kinesis, "absent")


def test_a_shard_that_was_split_is_closed_after_its_last_record_and_not_open_any_more(kinesis: Any) -> None:
    put = PutRecords(kinesis, "trades", 3)
    assert open_shards(kinesis, "trades") == [f"shardId-{shard:012d}" for shard in range(3)]
    calls = Calls(kinesis)
    reader = reader_of(calls)
    reader.open()
    put([(0, b"last")])
    kinesis.split_shard(StreamName="trades", ShardToSplit=reader.name, NewStartingHashKey=str(HASH_SPACE // 6))
    calls.closed = True
    page = reader.read()
    assert ([record.data for record in page.records], page.closed, page.behind) == ([b"last"], True, False)
    assert open_shards(kinesis, "trades") == [f"shardId-{shard:012d}" for shard in (1, 2, 3, 4)]
