"""What waits for one client leaves in order, in frames of a size that clients take, and never grows without bound."""

import asyncio
import json
from collections.abc import Coroutine
from typing import Any

from serving_layer.push.outbox import FRAME_BYTES, GATHER_S, Outbox
from tests.fakes import virtual_time


class Socket:
    """Takes frames while it is open; `at` = when each was taken, loop time."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.at: list[float] = []
        self.open = asyncio.Event()
        self.open.set()
        self.overruns = 0

    async def send(self, frame: bytes) -> None:
        await self.open.wait()
        self.frames.append(frame)
        self.at.append(asyncio.get_running_loop().time())

    def overrun(self) -> None:
        self.overruns += 1

    def outbox(self, limit: int = 1_000) -> Outbox:
        return Outbox(self.send, self.overrun, limit)

    def events(self) -> list[Any]:
        return [event for frame in self.frames for event in json.loads(frame)]


def run(test: Coroutine[Any, Any, None]) -> None:
    virtual_time.run(test)


def test_the_first_event_goes_at_once_and_what_follows_is_gathered_into_one_frame() -> None:
    async def test() -> None:
        socket = Socket()
        outbox = socket.outbox()
        sending = asyncio.create_task(outbox.run())
        begin = asyncio.get_running_loop().time()
        outbox.give(b"1")
        await asyncio.sleep(GATHER_S / 5)
        assert (socket.frames, socket.at) == ([b"[1]"], [begin])
        for number in (b"2", b"3,4", b"5"):
            outbox.give(number)
            await asyncio.sleep(GATHER_S / 5)
        await asyncio.sleep(GATHER_S)
        assert socket.frames[1:] == [b"[2,3,4,5]"]
        sending.cancel()

    run(test())


def test_frames_stay_under_their_size_and_lose_nothing() -> None:
    async def test() -> None:
        socket = Socket()
        outbox = socket.outbox(10 * FRAME_BYTES)
        events = [json.dumps(f"{number:060d}").encode() for number in range(12_000)]
        for event in events:
            outbox.give(event)
        sending = asyncio.create_task(outbox.run())
        await asyncio.sleep(1)
        assert len(socket.frames) > 2
        assert max(map(len, socket.frames)) <= FRAME_BYTES + 2
        assert socket.events() == [json.loads(event) for event in events]
        sending.cancel()

    run(test())


def test_an_event_longer_than_a_frame_is_a_frame_of_its_own() -> None:
    async def test() -> None:
        socket = Socket()
        outbox = socket.outbox(10 * FRAME_BYTES)
        for event in (b"1", b'"%s"' % (b"x" * FRAME_BYTES), b"2"):
            outbox.give(event)
        sending = asyncio.create_task(outbox.run())
        await asyncio.sleep(1)
        assert [len(json.loads(frame)) for frame in socket.frames] == [1, 1, 1]
        sending.cancel()

    run(test())


def test_too_much_waiting_is_told_once_and_forgotten_and_the_last_word_still_goes() -> None:
    async def test() -> None:
        socket = Socket()
        socket.open.clear()
        outbox = socket.outbox(limit=100)
        sending = asyncio.create_task(outbox.run())
        outbox.give(b'"taken by the socket"')
        await asyncio.sleep(1)
        for _ in range(20):
            outbox.give(b"1234567890")
        assert socket.overruns == 1
        outbox.finish(b'"last"')
        outbox.give(b'"too late"')
        socket.open.set()
        await sending
        assert socket.events() == ["taken by the socket", "last"]

    run(test())


def test_what_waits_may_come_up_to_the_limit_again_and_again() -> None:
    async def test() -> None:
        socket = Socket()
        outbox = socket.outbox(limit=100)
        sending = asyncio.create_task(outbox.run())
        for _ in range(20):
            outbox.give(b"1" * 90)
            await asyncio.sleep(2 * GATHER_S)
        assert (socket.overruns, len(socket.frames)) == (0, 20)
        sending.cancel()

    run(test())
