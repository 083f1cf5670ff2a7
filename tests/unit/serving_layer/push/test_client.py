"""A client that sends and never reads loses its connection in time. The socket is in memory, time is virtual."""

import asyncio
import json
from typing import Any, cast

import pytest
from websockets.asyncio.server import ServerConnection

from serving_layer.auth.keys import Caller
from serving_layer.push.client import CLOSE_S, Client, Limits
from serving_layer.push.hub import Hub
from tests.fakes import virtual_time
from tests.unit.serving_layer.push.support import KEY

LIMITS = Limits(auth_s=10, farewell_s=5)
ROOM = 3
"""Frames that buffers take from a server whose client does not read."""


class Unread:
    """The socket of a client that says the same over and over and reads nothing: the frame after `ROOM` is never
    taken, nor is the closing handshake answered."""

    def __init__(self, action: str, says_key_after: int | None = None) -> None:
        self._action, self._says_key_after = action, says_key_after
        self.transport = self
        self.taken: list[str] = []
        self.said = self.blocked = 0
        self.is_cut = asyncio.Event()

    def abort(self) -> None:
        self.is_cut.set()

    async def recv(self) -> str:
        self.said += 1
        action = "auth" if self.said - 1 == self._says_key_after else self._action
        return json.dumps({"action": action, "params": KEY})

    async def send(self, frame: bytes, *, text: bool) -> None:
        assert text
        if len(self.taken) == ROOM:
            self.blocked += 1
            await asyncio.Event().wait()
        (event,) = json.loads(frame)
        self.taken.append(event["status"])

    async def close(self, code: int) -> None:
        await asyncio.Event().wait()


def client_of(socket: Unread, limits: Limits = LIMITS) -> Client:
    def ask(key: str) -> Caller | None:
        return Caller("1", ("live:read",)) if key == KEY else None

    return Client(cast(ServerConnection, socket), Hub(), ask, limits)


@pytest.mark.parametrize(
    ("says_key_after", "why"),
    [(None, "the answers to what it says have no room"), (ROOM - 1, "the answer to its key has none")],
)
def test_a_client_that_was_not_let_in_and_never_reads_is_cut_off(says_key_after: int | None, why: str) -> None:
    async def test() -> None:
        loop = asyncio.get_running_loop()
        socket, began = Unread("subscribe", says_key_after), loop.time()
        client = client_of(socket)
        async with asyncio.timeout(600):
            await client.serve()
        assert socket.blocked == 2, f"{why}, nor has the last word"
        assert socket.taken == ["connected", "error", "error"]
        assert socket.is_cut.is_set()
        assert loop.time() - began <= LIMITS.auth_s + LIMITS.farewell_s + 0.1
        assert not client.is_authenticated

    virtual_time.run(test())


def test_a_client_that_was_not_let_in_and_does_not_answer_the_close_is_cut_off() -> None:
    async def test() -> None:
        loop = asyncio.get_running_loop()

        class Silent(Unread):
            async def recv(self) -> Any:
                await asyncio.Event().wait()

        socket, began = Silent(""), loop.time()
        async with asyncio.timeout(600):
            await client_of(socket).serve()
        assert socket.taken == ["connected", "auth_timeout"]
        assert socket.is_cut.is_set()
        assert loop.time() - began <= LIMITS.auth_s + CLOSE_S + 0.1

    virtual_time.run(test())
