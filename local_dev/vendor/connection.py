"""One WebSocket connection: what it subscribed to, what waits to be sent, how it ends."""

import asyncio
from collections import deque

from aiohttp import WSCloseCode, WSMsgType, web

from local_dev.vendor.protocol import EVERYTHING, PREFIX, Status, status_frame
from local_dev.vendor.tape import Frame

ROOM_FRAMES = 4  # at max speed: so many frames may wait before the feed does


class Connection:
    """Frames are sent in the order given, by a task of the connection's own.

    `gate` is closed while a silence is acted out: trades given meanwhile wait for its end, and what follows them too.
    """

    def __init__(self, socket: web.WebSocketResponse, request: web.Request, gate: asyncio.Event, limit: int) -> None:
        self.key: str | None = None
        self.channels: set[str] = set()
        self.closed = False
        self.waiting_bytes = 0
        self._socket = socket
        self._request = request
        self._gate = gate
        self._limit = self._allowance = limit
        self._waiting: deque[tuple[Frame, bool]] = deque()
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._sender = asyncio.create_task(self._send_waiting())

    @property
    def everything(self) -> bool:
        return EVERYTHING in self.channels

    @property
    def symbols(self) -> set[str]:
        return {channel.removeprefix(PREFIX) for channel in self.channels}

    @property
    def overrun(self) -> bool:
        """More data waits than a consumer that keeps up would leave."""
        return self.waiting_bytes > self._allowance

    def post(self, frame: Frame, *, trades: bool = False) -> None:
        if self.closed:
            return
        silent = not self._gate.is_set()
        self._waiting.append((frame, trades and silent))
        self.waiting_bytes += len(frame.data)
        if silent:
            self._allowance = self.waiting_bytes + self._limit  # a silence of ours is not the client's slowness
        if len(self._waiting) >= ROOM_FRAMES:
            self._room.clear()
        self._wake.set()

    def tell(self, status: Status, message: str) -> None:
        self.post(status_frame(status, message))

    async def room(self) -> None:
        """Wait until the client has taken most of what waits (or is gone)."""
        await self._room.wait()

    async def end(self, code: int, budget_s: float, *, last: Frame | None = None, flush: bool = True) -> None:
        """Close with `code`, after what waits (`flush`) and a last message; past the budget the connection is cut."""
        self._finish(keep_waiting=flush)
        try:
            async with asyncio.timeout(budget_s):
                await self._drained(flush=flush)
                if last is not None:
                    await self._socket.send_frame(last.data, WSMsgType.TEXT)
                await self._socket.close(code=code)
        except (TimeoutError, ConnectionError):
            self.cut()

    async def drop(self, budget_s: float) -> None:
        """Cut the TCP connection without a closing handshake, after what waits has left this process."""
        self._finish(keep_waiting=True)
        try:
            async with asyncio.timeout(budget_s):
                await self._drained(flush=True)
                while (transport := self._request.transport) and transport.get_write_buffer_size():
                    await asyncio.sleep(0.005)
        except TimeoutError:
            pass  # it was to be cut anyway
        self.cut()

    def leave(self) -> None:
        """The client has gone: nothing more is sent."""
        self._finish(keep_waiting=False)
        self._sender.cancel()

    def cut(self) -> None:
        self.leave()
        if self._request.transport:
            self._request.transport.abort()

    def _finish(self, *, keep_waiting: bool) -> None:
        """Take nothing new and hold nobody up."""
        self.closed = True
        self.channels.clear()
        if not keep_waiting:
            self._waiting.clear()
        self._room.set()
        self._wake.set()

    async def _drained(self, *, flush: bool) -> None:
        """Wait for the sender's end; without `flush` after the frame it is at (a cancelled send leaves it whole)."""
        if not flush:
            self._sender.cancel()
        await asyncio.wait([self._sender])
        if not self._sender.cancelled():
            self._sender.result()

    async def _send_waiting(self) -> None:
        """Ends when the connection is finished and nothing waits, or the client is gone."""
        try:
            while True:
                if not self._waiting:
                    if self.closed:
                        return
                    self._wake.clear()
                    await self._wake.wait()
                    continue
                if self._waiting[0][1] and not self._gate.is_set():
                    await self._gate.wait()
                    continue
                frame, _ = self._waiting.popleft()
                await self._socket.send_frame(frame.data, WSMsgType.TEXT if frame.text else WSMsgType.BINARY)
                self._sent(frame)
        except ConnectionError:
            self._finish(keep_waiting=False)

    def _sent(self, frame: Frame) -> None:
        self.waiting_bytes -= len(frame.data)
        if not self._waiting:
            self._allowance = self._limit
        if len(self._waiting) < ROOM_FRAMES:
            self._room.set()


POLICY_VIOLATION = int(WSCloseCode.POLICY_VIOLATION)
