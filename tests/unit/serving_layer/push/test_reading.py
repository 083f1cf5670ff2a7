"""A shard is followed in order through refusals and unreadable records, until it ends."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import Executor, Future
from typing import Any

import pytest

from serving_layer.push.reading import Resharded, follow
from shared.clients.kinesis import ReadRecord
from shared.errors import InvalidRecord
from tests.fakes.virtual_time import VirtualLoop
from tests.unit.serving_layer.push.support import Shard


class InPlace(Executor):
    """Runs what it is given at once."""

    def submit(self, fn: Any, /, *arguments: Any, **keywords: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*arguments, **keywords))
        except Exception as error:  # noqa: BLE001 -- it is handed to who waits for it
            done.set_exception(error)
        return done


class Rig:
    def __init__(self, poll_s: float = 1.0) -> None:
        self.shard = Shard()
        self.shard.open()
        self.taken: list[bytes] = []
        self.task = asyncio.create_task(follow(self.shard, self.take, poll_s, InPlace()))

    def take(self, record: ReadRecord) -> None:
        if record.data == b"bad":
            raise InvalidRecord("frame", "no frame")
        self.taken.append(record.data)


def run(test: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(test)


def test_records_are_handed_on_in_order_and_an_unreadable_one_is_left_out_alone() -> None:
    async def test() -> None:
        rig = Rig()
        for data in (b"1", b"bad", b"2"):
            rig.shard.put(data)
        await asyncio.sleep(0.5)
        rig.shard.put(b"3")
        await asyncio.sleep(1)
        assert rig.taken == [b"1", b"2", b"3"]
        rig.task.cancel()

    run(test())


def test_a_shard_is_read_as_often_as_told() -> None:
    async def test() -> None:
        rig = Rig(poll_s=0.25)
        await asyncio.sleep(10)
        assert 39 <= rig.shard.reads <= 41
        rig.task.cancel()

    run(test())


def test_a_shard_that_refuses_is_asked_more_and_more_seldom_and_nothing_is_lost() -> None:
    async def test() -> None:
        rig = Rig(poll_s=0.1)
        await asyncio.sleep(0.05)
        rig.shard.down = True
        before = rig.shard.reads
        rig.shard.put(b"1")
        await asyncio.sleep(60)
        assert 10 < rig.shard.reads - before < 20
        rig.shard.down = False
        await asyncio.sleep(6)
        assert rig.taken == [b"1"]
        rig.task.cancel()

    run(test())


def test_the_end_of_a_split_shard_is_told_after_its_last_record() -> None:
    async def test() -> None:
        rig = Rig()
        rig.shard.put(b"last")
        rig.shard.closed = True
        with pytest.raises(Resharded, match="shardId-000000000000"):
            await rig.task
        assert rig.taken == [b"last"]

    run(test())
