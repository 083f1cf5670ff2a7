"""The WebSocket side, `/stocks`: handshake and subscriptions."""

import asyncio

from aiohttp import WSMsgType, web

from local_dev.vendor.audience import Audience
from local_dev.vendor.connection import POLICY_VIOLATION, Connection
from local_dev.vendor.protocol import Request, Status, channels, decode_request, is_trade_channel
from local_dev.vendor.settings import VendorSettings

LARGEST_REQUEST = 1_000_000  # bytes; a list of all symbols of the market is about 100 kB


class StocksSocket:
    """Every step is answered in frames of its own, in order with the data."""

    def __init__(self, feed: Audience, settings: VendorSettings) -> None:
        self._feed = feed
        self._settings = settings
        self._open: set[Connection] = set()

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False, max_msg_size=LARGEST_REQUEST)
        await socket.prepare(request)
        connection = Connection(socket, request, self._feed.gate, self._settings.buffer_bytes)
        self._open.add(connection)
        try:
            connection.tell(Status.CONNECTED, "Connected Successfully")
            await self._converse(socket, connection)
        finally:
            self._open.discard(connection)
            self._feed.left(connection)
            if not connection.closed:
                connection.leave()
        return socket

    async def close_all(self, code: int, budget_s: float) -> None:
        """Close every connection; data that still waits is given up."""
        await asyncio.gather(*(connection.end(code, budget_s, flush=False) for connection in list(self._open)))

    async def _converse(self, socket: web.WebSocketResponse, connection: Connection) -> None:
        patience: float | None = self._settings.auth_s
        while True:
            try:
                message = await socket.receive(patience)
            except TimeoutError:
                connection.tell(Status.AUTH_TIMEOUT, "No authentication was received in time.")
                await connection.end(POLICY_VIOLATION, self._settings.farewell_s)
                return
            if message.type not in {WSMsgType.TEXT, WSMsgType.BINARY}:
                return
            if connection.closed:
                continue  # it has been told so; only its closing handshake is awaited
            request = decode_request(message.data)
            if request is None:
                connection.tell(Status.ERROR, "The message is not of the form {action, params}.")
            elif request.action == "auth":
                if not self._authenticate(connection, request.params):
                    await connection.end(POLICY_VIOLATION, self._settings.farewell_s)
                    return
                patience = None
            else:
                self._act(connection, request)

    def _authenticate(self, connection: Connection, key: str) -> bool:
        if not key or self._settings.api_key not in {None, key}:
            connection.tell(Status.AUTH_FAILED, "authentication failed")
            return False
        connection.tell(Status.AUTH_SUCCESS, "authenticated")
        self._feed.authenticated(connection, key)
        return True

    def _act(self, connection: Connection, request: Request) -> None:
        if request.action not in {"subscribe", "unsubscribe"}:
            connection.tell(Status.ERROR, f"unknown action: {request.action}")
        elif connection.key is None:
            connection.tell(Status.ERROR, "not authenticated")
        elif request.action == "unsubscribe":
            for channel in channels(request.params):
                connection.channels.discard(channel)
                connection.tell(Status.SUCCESS, f"unsubscribed to: {channel}")
        else:
            self._subscribe(connection, channels(request.params))

    def _subscribe(self, connection: Connection, wanted: list[str]) -> None:
        for channel in wanted:
            if is_trade_channel(channel):
                connection.channels.add(channel)
                connection.tell(Status.SUCCESS, f"subscribed to: {channel}")
            else:
                connection.tell(Status.ERROR, f"not authorized to subscribe to: {channel}")
        if connection.channels:
            self._feed.subscribed(connection)
