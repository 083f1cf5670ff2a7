"""What waits to be sent to one client: gathered into frames, bounded in bytes."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from shared.polygon.socket import frame_of

GATHER_S = 0.05
"""The first event after a pause goes at once; what follows it is gathered for so long."""
FRAME_BYTES = 256 * 1024
"""A frame grows no further: official clients refuse frames of 1 MB."""
BUFFER_BYTES = 32 * 2**20
"""A consumer for which more waits is too slow: about 15 s of 20,000 trades a second."""


class Outbox:
    """`send` hands one frame to the socket and returns when there is room again; `on_overrun` is called once, when
    more waits than `limit` bytes: what waits is forgotten then."""

    def __init__(
        self, send: Callable[[bytes], Awaitable[None]], on_overrun: Callable[[], None], limit: int = BUFFER_BYTES
    ) -> None:
        self._send, self._on_overrun, self._limit = send, on_overrun, limit
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()
        self._refusing = self._ending = False

    def give(self, events: bytes) -> None:
        """Queue the text of events. After an overrun or `finish` nothing is taken."""
        if self._refusing:
            return
        self._waiting.append(events)
        self._bytes += len(events)
        self._wake.set()
        if self._bytes > self._limit:
            self._refuse()
            self._on_overrun()

    def finish(self, last: bytes) -> None:
        """Forget what waits; `run` ends after this event."""
        self._refuse()
        self._ending = True
        self._waiting.append(last)
        self._wake.set()

    def _refuse(self) -> None:
        self._refusing = True
        self._waiting.clear()

    async def run(self) -> None:
        """Send what comes, in order, until `finish`. What the socket raises when it is closed is passed on."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                await self._send(self._next_frame())
            if self._ending:
                return
            await asyncio.sleep(GATHER_S)

    def _next_frame(self) -> bytes:
        events: list[bytes] = []
        size = 0
        while self._waiting and (not events or size + len(self._waiting[0]) < FRAME_BYTES):
            size += len(self._waiting[0]) + 1
            events.append(self._waiting.popleft())
        self._bytes -= sum(map(len, events))
        return frame_of(events)
