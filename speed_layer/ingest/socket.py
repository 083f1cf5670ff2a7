"""The vendor's socket, supervised: connect, say who we are, subscribe, hand on every frame, reconnect for ever.

The vendor's own client ends silently on a clean close, counts drops over its whole life and loses subscriptions when a
connection dies early; so this is a plain WebSocket with its own rules (docs/architecture.md).
"""

import asyncio
import json
import random
import time
from typing import Any, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, WebSocketException

from shared.errors import AccessRefused, SourceUnavailable
from shared.observability import event, logger

OPEN_TIMEOUT_S = 5.0
HANDSHAKE_TIMEOUT_S = 10.0
PING_S = 5.0
MAX_FRAME = 16 * 2**20
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.25, 30.0
HEALTHY_AFTER_S = 60.0
WAITING_FRAMES = 16

log = logger("ingest.socket")


class Listener(Protocol):
    """What the feed tells its owner."""

    async def on_up(self) -> None:
        """Subscribed."""

    def on_down(self) -> None:
        """The connection is gone."""

    async def on_frame(self, data: bytes) -> None:
        """A frame of the feed; the next is read when this returns."""


class Feed:
    """One connection at a time, for ever."""

    def __init__(self, url: str, api_key: str, channels: str, listener: Listener) -> None:
        self._url, self._api_key, self._channels = url, api_key, channels
        self._listener = listener

    async def run(self) -> None:
        """Never returns. Raises AccessRefused when the vendor refuses the key."""
        backoff = FIRST_BACKOFF_S
        while True:
            began = time.monotonic()
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
            if time.monotonic() - began > HEALTHY_AFTER_S:
                backoff = FIRST_BACKOFF_S
            await asyncio.sleep(random.uniform(0, backoff))  # noqa: S311 -- jitter, not a secret
            backoff = min(2 * backoff, LONGEST_BACKOFF_S)

    async def _serve(self, connection: ClientConnection) -> None:
        await self._expect(connection, "connected")
        await connection.send(json.dumps({"action": "auth", "params": self._api_key}))
        await self._expect(connection, "auth_success")
        await connection.send(json.dumps({"action": "subscribe", "params": self._channels}))
        await self._expect(connection, "success")
        await self._listener.on_up()
        try:
            while True:
                await self._listener.on_frame(await _receive(connection))
        except ConnectionClosed as closed:
            raise SourceUnavailable(f"closed: {closed}") from closed

    async def _expect(self, connection: ClientConnection, status: str) -> None:
        """Read frames until the status comes. Data may share a frame with the last answer, so that one is handed on."""
        async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
            while True:
                data = await connection.recv(decode=False)
                found = [element.get("status") for element in _statuses(data)]
                if "auth_failed" in found:
                    raise AccessRefused("the vendor refused the key: check POLYGON_API_KEY and the plan's feed")
                if status == "success":
                    await self._listener.on_frame(data)
                if status in found:
                    return


async def _receive(connection: ClientConnection) -> bytes:
    """The next frame. Raises SourceUnavailable when neither a frame nor the answer to a ping comes.

    The library's own keep-alive takes a pong that waits behind unread frames for a dead peer, so a reader that is
    slowed by what it feeds would lose its connection.
    """
    receiving = asyncio.ensure_future(connection.recv(decode=False))
    try:
        if not (await asyncio.wait([receiving], timeout=PING_S))[0]:
            either: list[asyncio.Future[Any]] = [receiving, asyncio.ensure_future(await connection.ping())]
            if not (await asyncio.wait(either, timeout=PING_S, return_when=asyncio.FIRST_COMPLETED))[0]:
                raise SourceUnavailable(f"no frame and no answer to a ping within {PING_S} s")
        return await receiving
    finally:
        receiving.cancel()


def _statuses(data: bytes) -> list[dict[str, Any]]:
    try:
        elements = json.loads(data)
    except (ValueError, RecursionError):
        return []
    return (
        [e for e in elements if isinstance(e, dict) and e.get("ev") == "status"] if isinstance(elements, list) else []
    )
