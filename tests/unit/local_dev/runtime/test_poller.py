"""Event source mappings end to end: a real emulator's streams, real runtime processes, and some of them killed."""

import base64
import itertools
import json
import os
import random
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_dev.runtime.destinations import Clients
from local_dev.runtime.functions import FunctionPool, InvocationResult
from local_dev.runtime.mapping_rules import Backoff
from local_dev.runtime.poller import Poller, clock
from tests.unit.local_dev.runtime.conftest import StartFunction
from tests.unit.local_dev.runtime.simulated_shard import success

QUICK = Backoff(first=0.01, factor=2.0, most=0.05)
_names = itertools.count()


class Stream:
    """A stream of the emulator with its own name; `put` spreads records over the shards by number."""

    def __init__(self, client: Clients, shards: int) -> None:
        self.client, self.kinesis = client, client("kinesis")
        self.name = f"stream-{next(_names)}"
        self.kinesis.create_stream(StreamName=self.name, ShardCount=shards)
        self.arn = self.kinesis.describe_stream(StreamName=self.name)["StreamDescription"]["StreamARN"]

    def put(self, *data: str) -> dict[str, str]:
        """The last sequence number of each shard that got a record."""
        tip: dict[str, str] = {}
        for some in batched(data, 500):
            records = [{"Data": item.encode(), "PartitionKey": item} for item in some]
            for answer in self.kinesis.put_records(StreamName=self.name, Records=records)["Records"]:
                tip[answer["ShardId"]] = answer["SequenceNumber"]
        return tip

    def mapping(self, **options: Any) -> dict[str, Any]:
        return {
            "UUID": f"uuid-{self.name}",
            "EventSourceArn": self.arn,
            "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:collect",
            "BatchSize": 100,
            "StartingPosition": "TRIM_HORIZON",
            "BisectBatchOnFunctionError": True,
            "MaximumRetryAttempts": 10,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            **options,
        }


class Seen:
    """What the function `collect` wrote down."""

    def __init__(self, path: Path) -> None:
        path.touch()
        self.path = path

    @property
    def data(self) -> list[str]:
        return [line.split(" ", 1)[1] for line in self.path.read_text().splitlines()]

    @property
    def by_shard(self) -> dict[str, list[str]]:
        """In the order of first sight."""
        found: dict[str, dict[str, None]] = defaultdict(dict)
        for line in self.path.read_text().splitlines():
            shard, data = line.split(" ", 1)
            found[shard].setdefault(data)
        return {shard: list(data) for shard, data in found.items()}


def batched(items: tuple[str, ...], size: int) -> Iterator[tuple[str, ...]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


@pytest.fixture
def stream(emulator: Clients) -> Stream:
    return Stream(emulator, shards=2)


@pytest.fixture
def seen(tmp_path: Path) -> Seen:
    return Seen(tmp_path / "seen")


@pytest.fixture
def collect(start: StartFunction, seen: Seen) -> FunctionPool:
    return start("collect", timeout_seconds=2, environment={"SEEN": str(seen.path)})


StartPoller = Callable[..., Poller]


@pytest.fixture
def poll(emulator: Clients) -> Iterator[StartPoller]:
    started = []

    def begin(mapping: dict[str, Any], invoke: Callable[[bytes], InvocationResult], **options: Any) -> Poller:
        poller = Poller(mapping, invoke, options.pop("client", emulator), **{"backoff": QUICK} | options)
        poller.start()
        started.append(poller)
        return poller

    yield begin
    assert all(poller.stop(20) for poller in started)


def numbered(count: int) -> list[str]:
    return [f"r{number:05d}" for number in range(count)]


def test_every_record_arrives_once_and_in_order_when_nothing_fails(
    stream: Stream, collect: FunctionPool, seen: Seen, poll: StartPoller
) -> None:
    poller = poll(stream.mapping(BatchSize=500), collect["collect"].invoke)
    tip = stream.put(*numbered(10_000))
    assert poller.wait_drained(60)
    assert sorted(seen.data) == numbered(10_000)
    assert all(data == sorted(data) for data in seen.by_shard.values())
    assert len(seen.by_shard) == 2
    assert poller.caught_up(tip)
    assert {shard: poller.checkpoint(shard) for shard in tip} == tip
    counts = poller.counts
    assert (counts.records, counts.retries, counts.discarded) == (10_000, 0, 0)
    assert counts.batches < 500


def test_killing_the_function_again_and_again_loses_and_reorders_nothing(
    stream: Stream, collect: FunctionPool, seen: Seen, poll: StartPoller
) -> None:
    poller = poll(stream.mapping(BatchSize=50), collect["collect"].invoke)
    chance, hits, done = random.Random(20), 0, threading.Event()

    def put() -> None:
        for some in batched(tuple(numbered(3000)), 50):
            stream.put(*some)
            time.sleep(0.02)
        done.set()

    putting = threading.Thread(target=put)
    putting.start()
    while not done.wait(chance.uniform(0.02, 0.2)):
        for pid in collect["collect"].pids:
            with suppress(ProcessLookupError):  # it may be the one killed a moment ago
                os.kill(pid, signal.SIGKILL)
                hits += 1
    putting.join()
    assert hits >= 5
    assert poller.wait_drained(60)
    assert sorted(set(seen.data)) == numbered(3000)
    assert all(data == sorted(data) for data in seen.by_shard.values())
    assert poller.counts.discarded == 0
    assert poller.failure is None


def test_a_kill_in_mid_batch_fails_that_batch_and_it_is_tried_again(
    emulator: Clients, start: StartFunction, seen: Seen, poll: StartPoller
) -> None:
    pool = start("collect", timeout_seconds=20, environment={"SEEN": str(seen.path), "SLOW_SECONDS": "1"})
    stream = Stream(emulator, shards=1)
    stream.put("first", "slow")
    poller = poll(stream.mapping(BisectBatchOnFunctionError=False), pool["collect"].invoke)
    while not seen.data:
        time.sleep(0.005)
    (pid,) = pool["collect"].pids
    os.kill(pid, signal.SIGKILL)
    assert poller.wait_drained(30)
    assert seen.data == ["first", "first", "slow"]
    assert (poller.counts.retries, poller.counts.discarded) == (1, 0)


def test_a_record_that_takes_too_long_is_isolated_and_given_up(
    emulator: Clients, start: StartFunction, seen: Seen, poll: StartPoller
) -> None:
    environment = {"SEEN": str(seen.path), "SLOW_SECONDS": "60"}
    pool = start("collect", timeout_seconds=0.6, environment=environment)
    stream = Stream(emulator, shards=1)
    bucket = f"failures-{stream.name}"
    emulator("s3").create_bucket(Bucket=bucket)
    stream.put("a", "slow", "b", "c")
    destination = {"OnFailure": {"Destination": f"arn:aws:s3:::{bucket}"}}
    poller = poll(stream.mapping(MaximumRetryAttempts=1, DestinationConfig=destination), pool["collect"].invoke)
    assert poller.wait_drained(60)
    assert set(seen.data) == {"a", "b", "c"}
    assert poller.counts.discarded == 1
    (document,) = objects(emulator, bucket).values()
    assert document["responseContext"]["functionError"] == "Unhandled"
    assert data_of(document) == [b"slow"]


def objects(client: Clients, bucket: str) -> dict[str, Any]:
    listed = client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])
    return {
        item["Key"]: json.loads(client("s3").get_object(Bucket=bucket, Key=item["Key"])["Body"].read())
        for item in listed
    }


def data_of(document: dict[str, Any]) -> list[bytes]:
    return [base64.b64decode(record["kinesis"]["data"]) for record in json.loads(document["payload"])["Records"]]


@pytest.mark.fault("F30")
@pytest.mark.parametrize("poison", ["poison", "bug"])  # reported by the function, or raised
def test_one_bad_record_ends_in_the_bucket_with_its_bytes_and_all_others_are_handled(
    poison: str, stream: Stream, collect: FunctionPool, seen: Seen, poll: StartPoller
) -> None:
    bucket = f"failures-{stream.name}"
    stream.client("s3").create_bucket(Bucket=bucket)
    stream.put(*numbered(40), poison, *numbered(80)[40:])
    destination = {"OnFailure": {"Destination": f"arn:aws:s3:::{bucket}"}}
    poller = poll(stream.mapping(MaximumRetryAttempts=2, DestinationConfig=destination), collect["collect"].invoke)
    assert poller.wait_drained(60)
    assert sorted(set(seen.data)) == numbered(80)
    assert all(data == sorted(data) for data in seen.by_shard.values())
    ((key, document),) = objects(stream.client, bucket).items()
    assert key.startswith(f"aws/lambda/uuid-{stream.name}/shardId-00000000000")
    assert document["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert document["KinesisBatchInfo"]["batchSize"] == 1
    assert data_of(document) == [poison.encode()]


def test_a_queue_gets_where_the_bad_record_lies(stream: Stream, collect: FunctionPool, poll: StartPoller) -> None:
    sqs = stream.client("sqs")
    url = sqs.create_queue(QueueName=f"dead-{stream.name}")["QueueUrl"]
    tip = stream.put("poison")
    destination = {"OnFailure": {"Destination": f"arn:aws:sqs:us-east-1:000000000000:dead-{stream.name}"}}
    poller = poll(stream.mapping(MaximumRetryAttempts=0, DestinationConfig=destination), collect["collect"].invoke)
    assert poller.wait_drained(30)
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    info = json.loads(message["Body"])["KinesisBatchInfo"]
    assert {info["shardId"]: info["startSequenceNumber"]} == tip
    assert "payload" not in json.loads(message["Body"])


def test_a_window_gathers_what_comes_in_the_meantime(
    emulator: Clients, collect: FunctionPool, poll: StartPoller
) -> None:
    events: list[int] = []

    def invoke(event: bytes) -> InvocationResult:
        events.append(len(json.loads(event)["Records"]))
        return collect["collect"].invoke(event)

    stream = Stream(emulator, shards=1)
    poller = poll(stream.mapping(MaximumBatchingWindowInSeconds=2), invoke)
    stream.put(*numbered(10))
    time.sleep(0.3)
    stream.put("later")
    assert poller.wait_drained(30)
    assert events == [11]


def test_polling_goes_on_where_the_checkpoints_say(
    stream: Stream, collect: FunctionPool, seen: Seen, poll: StartPoller
) -> None:
    class Kept:
        def __init__(self) -> None:
            self.kept: dict[tuple[str, str], str] = {}

        def load(self, mapping: str, shard: str) -> str | None:
            return self.kept.get((mapping, shard))

        def save(self, mapping: str, shard: str, sequence: str) -> None:
            self.kept[mapping, shard] = sequence

    kept = Kept()
    stream.put(*numbered(100))
    first = poll(stream.mapping(), collect["collect"].invoke, checkpoints=kept)
    assert first.wait_drained(30)
    assert first.stop()
    stream.put("later")
    second = poll(stream.mapping(), collect["collect"].invoke, checkpoints=kept)
    assert second.wait_drained(30)
    assert sorted(seen.data) == ["later", *numbered(100)]
    assert second.counts.records == 1


def test_reading_may_begin_at_a_moment(stream: Stream, collect: FunctionPool, seen: Seen, poll: StartPoller) -> None:
    stream.put("before")
    time.sleep(1.1)
    moment = time.time()
    stream.put("after")
    mapping = stream.mapping(StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=moment)
    assert poll(mapping, collect["collect"].invoke).wait_drained(30)
    assert seen.data == ["after"]


def test_records_in_hand_are_not_drained(stream: Stream, poll: StartPoller) -> None:
    let_go, entered = threading.Event(), threading.Event()

    def invoke(event: bytes) -> InvocationResult:
        entered.set()
        assert let_go.wait(20)
        return success()

    poller = poll(stream.mapping(), invoke)
    tip = stream.put("one")
    assert entered.wait(20)
    moment = clock()
    time.sleep(0.3)
    assert [poller.drained(moment), poller.idle, poller.caught_up(tip)] == [False] * 3
    let_go.set()
    assert poller.wait_drained(20)
    assert [poller.drained(moment), poller.idle, poller.caught_up(tip)] == [True] * 3


def test_stopping_finishes_the_batch_in_progress_and_takes_no_other(stream: Stream, poll: StartPoller) -> None:
    entered, calls = threading.Event(), []

    def invoke(event: bytes) -> InvocationResult:
        calls.append(event)
        entered.set()
        time.sleep(0.3)
        return success()

    one = Stream(stream.client, shards=1)
    tip = one.put("first", "second")
    poller = poll(one.mapping(BatchSize=1), invoke)
    assert entered.wait(20)
    assert poller.stop(20)
    assert len(calls) == 1
    assert poller.counts.records == 1
    assert not poller.caught_up(tip)


def test_an_unreachable_destination_is_counted_and_the_shard_goes_on(
    stream: Stream, collect: FunctionPool, seen: Seen, poll: StartPoller
) -> None:
    destination = {"OnFailure": {"Destination": "arn:aws:s3:::no-such-bucket"}}
    one = Stream(stream.client, shards=1)
    one.put("poison", "fine")
    poller = poll(one.mapping(MaximumRetryAttempts=0, DestinationConfig=destination), collect["collect"].invoke)
    assert poller.wait_drained(30)
    assert seen.data == ["fine"]
    assert (poller.counts.discarded, poller.counts.undelivered) == (1, 1)


def test_a_throttled_stream_is_read_again_later_and_nothing_is_lost(
    stream: Stream, collect: FunctionPool, seen: Seen, poll: StartPoller
) -> None:
    class Throttled:
        """Refuses every other read of each shard (a shard has its thread)."""

        def __init__(self) -> None:
            self.turns: dict[int, Iterator[int]] = defaultdict(itertools.count)

        def __getattr__(self, name: str) -> Any:
            return getattr(stream.kinesis, name)

        def get_records(self, **arguments: Any) -> Any:
            if next(self.turns[threading.get_ident()]) % 2 == 0:
                code = "ProvisionedThroughputExceededException"
                raise ClientError({"Error": {"Code": code, "Message": "Rate exceeded"}}, "GetRecords")
            return stream.kinesis.get_records(**arguments)

    throttled = Throttled()
    stream.put(*numbered(500))
    poller = poll(stream.mapping(), collect["collect"].invoke, client=lambda service: throttled)
    assert poller.wait_drained(30)
    assert sorted(seen.data) == numbered(500)
    assert poller.counts.read_errors >= 2


def test_a_defect_that_ends_a_shards_thread_is_shown(stream: Stream, poll: StartPoller) -> None:
    def invoke(event: bytes) -> InvocationResult:
        raise ZeroDivisionError("a defect")

    stream.put("one")
    poller = poll(stream.mapping(), invoke)
    assert not poller.wait_drained(20)
    assert isinstance(poller.failure, ZeroDivisionError)
