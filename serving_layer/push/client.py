"""One client: who it is, what it is sent, how it ends.

The official clients read `connected`, then take the next frame for the answer to their key, so each of the two is a
frame of its own. They come back after any close code but 1000 and 1001.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from serving_layer.auth.keys import Caller
from serving_layer.push.hub import Hub
from serving_layer.push.outbox import BUFFER_BYTES, Outbox
from serving_layer.push.requests import Subscriptions
from shared.errors import StoreUnavailable
from shared.observability import event, logger
from shared.polygon.socket import Status, decode_request, frame_of, status_event

SCOPE = "live:read"
CLOSE_S = 1.0
POLICY_VIOLATION, SERVICE_RESTART, TRY_AGAIN_LATER = 1008, 1012, 1013

log = logger("push.client")
AskKey = Callable[[str], Caller | None]
"""Whose key it is. Blocks, in a thread; raises StoreUnavailable."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How patient the server is (seconds), and what it has room for."""

    auth_s: float = 10.0
    key_check_s: float = 4.0
    recheck_s: float = 60.0
    """A revoked key loses its connections within this time and what the check remembers."""
    farewell_s: float = 5.0
    """For the last word to a client that does not read."""
    buffer_bytes: int = BUFFER_BYTES
    connections: int = 200
    unauthenticated: int = 50
    """Of the connections, those that have not given a good key: who has none keeps nobody out who is in."""


class Leaving(Exception):
    """The conversation is over: a last status, and the close code."""

    def __init__(self, status: Status, message: str, code: int) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


class Client:
    """A connection from its opening to its end."""

    def __init__(self, socket: ServerConnection, hub: Hub, ask: AskKey, limits: Limits) -> None:
        self._socket, self._ask, self._limits = socket, ask, limits
        self._leaving: asyncio.Future[Leaving] = asyncio.get_running_loop().create_future()
        self._outbox = Outbox(self._send, self._too_slow, limits.buffer_bytes)
        self.subscriptions = Subscriptions(hub, self)
        self.is_authenticated = False
        self.owner = ""

    def give(self, events: bytes) -> None:
        """As `hub.Subscriber`."""
        self._outbox.give(events)

    def leave(self, leaving: Leaving) -> None:
        """End the conversation; the first reason given stands."""
        if not self._leaving.done():
            self._leaving.set_result(leaving)

    def cut(self) -> None:
        """Drop the connection as it is."""
        self._socket.transport.abort()

    async def serve(self) -> None:
        """Returns when the connection is closed."""
        try:
            try:
                key = await self._authenticated()
            except Leaving as leaving:
                await self._dismiss(leaving)
            else:
                self.is_authenticated = True
                await self._converse(key)
        except ConnectionClosed:
            pass  # the client has gone, which is its right
        finally:
            self.subscriptions.leave()

    async def _authenticated(self) -> str:
        """The client's key, once it has given a good one and been told so. Raises Leaving."""
        try:
            async with asyncio.timeout(self._limits.auth_s):
                await self._tell(Status.CONNECTED, "Connected Successfully")
                while True:
                    request = decode_request(await self._next_message())
                    if request is not None and request.action == "auth":
                        await self._check(request.params)
                        await self._tell(Status.AUTH_SUCCESS, "authenticated")
                        return request.params
                    await self._tell(Status.ERROR, "authenticate first: send the action auth with your key")
        except TimeoutError as error:
            raise Leaving(Status.AUTH_TIMEOUT, "no key was received in time", POLICY_VIOLATION) from error

    async def _next_message(self) -> str | bytes:
        """What the client says. Raises Leaving when the server stops meanwhile."""
        receiving = asyncio.ensure_future(self._socket.recv())
        either: list[asyncio.Future[Any]] = [receiving, self._leaving]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if self._leaving.done():
                raise self._leaving.result()
            return await receiving
        finally:
            receiving.cancel()

    async def _check(self, key: str) -> None:
        """Raises Leaving for a key that opens nothing here, or cannot be checked now: then the client may come back."""
        try:
            async with asyncio.timeout(self._limits.key_check_s):
                caller = await asyncio.to_thread(self._ask, key)
        except (StoreUnavailable, TimeoutError) as error:
            event(log, 40, "a key could not be checked", error=str(error)[:200])
            raise Leaving(Status.ERROR, "the key cannot be checked now: try again", TRY_AGAIN_LATER) from error
        if caller is None:
            raise Leaving(Status.AUTH_FAILED, "authentication failed", POLICY_VIOLATION)
        if SCOPE not in caller.scopes:
            raise Leaving(Status.AUTH_FAILED, f"the key does not have the scope {SCOPE}", POLICY_VIOLATION)
        self.owner = caller.key_id

    async def _converse(self, key: str) -> None:
        """Events go out, requests come in, the key is looked at again, until one of them ends or somebody says so."""
        sending = asyncio.ensure_future(self._outbox.run())
        others = [asyncio.ensure_future(self._listen()), asyncio.ensure_future(self._recheck(key))]
        any_of: list[asyncio.Future[Any]] = [sending, *others, self._leaving]
        try:
            await asyncio.wait(any_of, return_when=asyncio.FIRST_COMPLETED)
            if not self._leaving.done():
                await asyncio.gather(*(task for task in (sending, *others) if task.done()))
                return
            leaving = self._leaving.result()
            self._outbox.finish(status_event(leaving.status, leaving.message))
            await asyncio.wait([sending], timeout=self._limits.farewell_s)
            await self._close(leaving.code)
        finally:
            for task in (sending, *others):
                task.cancel()
            await asyncio.gather(
                sending, *others, return_exceptions=True
            )  # how they end was seen above, or is of no use

    async def _listen(self) -> None:
        """Ends when the client has closed the connection in order."""
        async for message in self._socket:
            request = decode_request(message)
            if request is None:
                self.give(status_event(Status.ERROR, "a message must be of the form {action, params}"))
            elif request.action == "auth":
                self.give(status_event(Status.AUTH_SUCCESS, "authenticated"))  # as it is, whatever is shown now
            else:
                for status in self.subscriptions.act(request):
                    self.give(status)

    async def _recheck(self, key: str) -> None:
        while True:
            await asyncio.sleep(self._limits.recheck_s)
            try:
                await self._check(key)
            except Leaving as leaving:
                if leaving.status is Status.AUTH_FAILED:  # else the table is away: the key was good a minute ago
                    self.leave(leaving)

    def _too_slow(self) -> None:
        self.leave(Leaving(Status.SLOW_CONSUMER, "you read more slowly than events come", SERVICE_RESTART))

    async def _dismiss(self, leaving: Leaving) -> None:
        """The last word to a client that was not let in, which may never have read one."""
        try:
            async with asyncio.timeout(self._limits.farewell_s):
                await self._tell(leaving.status, leaving.message)
        except TimeoutError:
            self.cut()
        else:
            await self._close(leaving.code)

    async def _tell(self, status: Status, message: str) -> None:
        await self._send(frame_of([status_event(status, message)]))

    async def _send(self, frame: bytes) -> None:
        await self._socket.send(frame, text=True)

    async def _close(self, code: int) -> None:
        """Within its time: a client that does not read is cut off."""
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._socket.close(code)
        except TimeoutError:
            self.cut()
