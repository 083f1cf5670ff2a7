"""`/stocks`: each client's WebSocket is carried to the push process and back, frame for frame.

A message is taken from one side only when the other has taken the one before: who reads slowly slows the push process's
own queue for him, and nobody else. Pings and pongs travel too, so each end sees the other end's life and not ours. When
the push process goes, its clients are told to come back (1012); while it is not there they get 503. A page of another
site gets 403: the socket to the push process is ours, so its origin is looked at here.
"""

import asyncio
import contextlib
import weakref
from typing import Literal, NamedTuple

import aiohttp
from aiohttp import web

from serving_layer.push.origin import same_host
from serving_layer.push.server import LARGEST_MESSAGE

PUSH_BYTES = 16 * 1024 * 1024
"""Largest message of the push process."""
TOO_LARGE = LARGEST_MESSAGE + 1
"""aiohttp takes messages of fewer bytes than it is told."""
CONNECT_SECONDS = 5.0
CLOSE_SECONDS = 2.0
SAYABLE = (range(1000, 1004), range(1007, 1015), range(3000, 5000))
"""Codes that may stand in a close frame (RFC 6455 7.4, and 1012 to 1014 of its registry)."""
ClientEnd = web.WebSocketResponse[Literal[False]]
PushEnd = aiohttp.ClientWebSocketResponse[Literal[False]]
"""Text is carried as the bytes it came in."""


class Relay:
    """`url` is the push process's; it may come and go. Belongs to one event loop."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._clients: weakref.WeakSet[ClientEnd] = weakref.WeakSet()
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(connect=CONNECT_SECONDS))

    async def stop(self) -> None:
        """Clients are told to come back later."""
        await asyncio.gather(*(_close(client, COME_BACK) for client in list(self._clients)))
        if self._session is not None:
            await self._session.close()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One client, until either side has closed."""
        host = request.headers.get("Host", "")
        if not all(same_host(origin, host) for origin in request.headers.getall("Origin", ())):
            return web.json_response({"message": "Forbidden"}, status=403)
        client = ClientEnd(
            timeout=CLOSE_SECONDS, autoping=False, compress=False, max_msg_size=TOO_LARGE, decode_text=False
        )
        if not client.can_prepare(request).ok:
            return web.json_response(
                {"message": "This is a WebSocket"},
                status=426,
                headers={"Upgrade": "websocket", "Connection": "Upgrade"},
            )
        try:
            push = await self._connect()
        except (aiohttp.ClientError, OSError, TimeoutError):
            return web.json_response({"message": "Service Unavailable"}, status=503, headers={"Retry-After": "1"})
        async with push:
            await client.prepare(request)
            self._clients.add(client)
            await self._carry(client, push)
        return client

    async def _connect(self) -> PushEnd:
        if self._session is None:
            raise ConnectionError("the relay has not been started")
        timeout = aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS)
        async with asyncio.timeout(CONNECT_SECONDS):
            return await self._session.ws_connect(
                self._url, autoping=False, compress=0, max_msg_size=PUSH_BYTES, timeout=timeout, decode_text=False
            )

    async def _carry(self, client: ClientEnd, push: PushEnd) -> None:
        """Both ways at once; the way that ends first ends the other."""
        from_client = asyncio.create_task(_pass_on(client, push))
        from_push = asyncio.create_task(_pass_on(push, client))
        await asyncio.wait((from_client, from_push), return_when=asyncio.FIRST_COMPLETED)
        if from_client.done():
            await _close(push, from_client.result() or GOING_AWAY)
        else:
            await _close(client, from_push.result() or COME_BACK)
        for way in (from_client, from_push):
            way.cancel()
        await asyncio.gather(from_client, from_push, return_exceptions=True)


class Farewell(NamedTuple):
    code: int
    reason: str


COME_BACK, GOING_AWAY = Farewell(1012, "restarting"), Farewell(1001, "")


async def _pass_on(source: ClientEnd | PushEnd, target: ClientEnd | PushEnd) -> Farewell | None:
    """Until `source` closes, with its last word; None when it, or `target`, has gone without one."""
    with contextlib.suppress(ConnectionError, aiohttp.ClientError):
        while True:
            message = await source.receive()
            match message.type:
                case aiohttp.WSMsgType.TEXT | aiohttp.WSMsgType.BINARY:
                    await target.send_frame(message.data, message.type)
                case aiohttp.WSMsgType.PING:
                    await target.ping(message.data)
                case aiohttp.WSMsgType.PONG:
                    await target.pong(message.data)
                case aiohttp.WSMsgType.CLOSE if any(message.data in codes for codes in SAYABLE):
                    return Farewell(message.data, message.extra or "")
                case _:
                    return None
    return None


async def _close(end: ClientEnd | PushEnd, farewell: Farewell) -> None:
    """Without waiting for who does not read, nor for long."""
    with contextlib.suppress(ConnectionError, aiohttp.ClientError, TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await end.close(code=farewell.code, message=farewell.reason.encode())
