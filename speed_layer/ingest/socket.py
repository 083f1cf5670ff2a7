"""The vendor's socket, supervised: connect, say who we are, subscribe, hand on every frame, reconnect for ever.

The vendor's own client ends silently on a clean close, counts drops over its whole life and loses subscriptions when a
connection dies early; so this is a plain WebSocket with its own rules (docs/architecture.md).
"""

import asyncio
import json
import random
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, WebSocketException

from shared.errors import AccessRefused, SourceUnavailable
from shared.observability import conceal, event, logger

OPEN_TIMEOUT_S = 5.0
HANDSHAKE_TIMEOUT_S = 10.0
PING_S = 5.0
ASK_S = 1.0
"""How often a listener whose feed speaks is asked whether it hears what it should."""
MAX_FRAME = 16 * 2**20
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.25, 30.0
HEALTHY_AFTER_S = 60.0
REFUSED_AGAIN_S = 60.0
"""After a refusal of a key that was good before, until it is tried once more."""
WAITING_FRAMES = 16

SILENT = "the connection is there and no trade comes"

log = logger("ingest.socket")


class Listener(Protocol):
    """What the feed tells its owner, and asks it."""

    async def on_up(self) -> None:
        """Subscribed."""

    def on_down(self) -> None:
        """The connection is gone."""

    async def on_frame(self, data: bytes) -> None:
        """A frame of the feed; the next is read when this returns. Raises SourceUnavailable to give it up."""

    def is_silent(self) -> bool:
        """Whether the feed should have brought trades by now and has not."""


class Feed:
    """One connection at a time, for ever."""

    def __init__(self, url: str, api_key: str, channels: Sequence[str], listener: Listener) -> None:
        conceal(api_key)
        self._url, self._api_key, self._channels = url, api_key, channels
        self._listener = listener
        self._up_since: float | None = None
        self._was_taken = False
        """Whether the key was good in the last connection that asked."""
        self.connections = 0
        """How often it has been subscribed."""

    async def run(self) -> None:
        """Never returns. Raises AccessRefused when the vendor refuses the key, or gives our place to another."""
        backoff = FIRST_BACKOFF_S
        while True:
            self._up_since = None
            try:
                async with connect(
                    self._url,
                    open_timeout=OPEN_TIMEOUT_S,
                    ping_interval=None,  # _receive sees to it, only while nothing comes
                    close_timeout=1.0,
                    max_size=MAX_FRAME,
                    max_queue=WAITING_FRAMES,
                    compression=None,
                ) as connection:
                    await self._serve(connection)
            except (OSError, TimeoutError, InvalidHandshake, WebSocketException, SourceUnavailable) as error:
                event(log, 30, "connection lost", error=f"{type(error).__name__}: {error}"[:200])
            self._listener.on_down()
            if self._was_healthy():
                backoff = FIRST_BACKOFF_S
            await asyncio.sleep(random.uniform(0, backoff))  # noqa: S311 -- jitter, not a secret
            backoff = min(2 * backoff, LONGEST_BACKOFF_S)

    def _was_healthy(self) -> bool:
        return self._up_since is not None and time.monotonic() - self._up_since > HEALTHY_AFTER_S

    async def _serve(self, connection: ClientConnection) -> None:
        await self._expect(connection, "connected")
        await connection.send(json.dumps({"action": "auth", "params": self._api_key}))
        await self._authenticated(connection)
        await connection.send(json.dumps({"action": "subscribe", "params": ",".join(self._channels)}))
        await self._expect(connection, "success")
        self._up_since = time.monotonic()
        self.connections += 1
        await self._listener.on_up()
        asked = time.monotonic()
        try:
            while True:
                data = await _receive(connection, self._listener.is_silent)
                if b'"status"' in data and "max_connections" in _names(data):
                    raise _Evicted
                if (now := time.monotonic()) - asked >= ASK_S:
                    asked = now
                    if self._listener.is_silent():
                        raise SourceUnavailable(SILENT)
                await self._listener.on_frame(data)
        except ConnectionClosed as closed:
            raise SourceUnavailable(f"closed: {closed}") from closed

    async def _authenticated(self, connection: ClientConnection) -> None:
        """A key that was never taken is wrong; one that was may be so again, so it gets a second chance."""
        try:
            await self._expect(connection, "auth_success")
        except _KeyRefused:
            if not self._was_taken:
                raise
            self._was_taken = False
            event(log, 50, "the key that was good is refused; once more in a while", seconds=REFUSED_AGAIN_S)
            self._listener.on_down()
            await asyncio.sleep(REFUSED_AGAIN_S)
            raise SourceUnavailable("the key is refused") from None
        self._was_taken = True

    async def _expect(self, connection: ClientConnection, status: str) -> None:
        """Read frames until the status comes. Data may share a frame with the last answer, so that one is handed on."""
        refused = 0
        async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
            while True:
                data = await connection.recv(decode=False)
                found = _names(data)
                if "auth_failed" in found:
                    raise _KeyRefused
                if "max_connections" in found:
                    raise _Evicted
                if status == "success":
                    await self._listener.on_frame(data)
                    refused += found.count("error")
                if status in found:
                    return
                if refused >= len(self._channels):
                    raise AccessRefused("the vendor grants none of the channels asked for: check the plan's feed")


class _KeyRefused(AccessRefused):
    def __init__(self) -> None:
        super().__init__("the vendor refused the key: check POLYGON_API_KEY and the plan's feed")


class _Evicted(AccessRefused):
    """To connect again would push the other out, which would connect again."""

    def __init__(self) -> None:
        super().__init__("the vendor gave our place to another connection with the same key")


async def _receive(connection: ClientConnection, is_silent: Callable[[], bool]) -> bytes:
    """The next frame. Raises SourceUnavailable when neither a frame nor the answer to a ping comes, or when the feed
    should speak and does not.

    The library's own keep-alive takes a pong that waits behind unread frames for a dead peer, so a reader that is
    slowed by what it feeds would lose its connection.
    """
    receiving = asyncio.ensure_future(connection.recv(decode=False))
    try:
        while not (await asyncio.wait([receiving], timeout=PING_S))[0]:
            if is_silent():
                raise SourceUnavailable(SILENT)
            either: list[asyncio.Future[Any]] = [receiving, asyncio.ensure_future(await connection.ping())]
            if not (await asyncio.wait(either, timeout=PING_S, return_when=asyncio.FIRST_COMPLETED))[0]:
                raise SourceUnavailable(f"no frame and no answer to a ping within {PING_S} s")
        return await receiving
    finally:
        receiving.cancel()


def _names(data: bytes) -> list[Any]:
    """The names of the statuses in a frame."""
    try:
        elements = json.loads(data)
    except (ValueError, RecursionError):
        return []
    elements = elements if isinstance(elements, list) else [elements]
    return [e.get("status") for e in elements if isinstance(e, dict) and e.get("ev") == "status"]
