"""Who listens to a feed: one connection a key, served until it ends or cannot keep up."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from typing import Any

from local_dev.vendor.connection import POLICY_VIOLATION, Connection
from local_dev.vendor.protocol import Status, status_frame
from local_dev.vendor.settings import VendorSettings


class Audience(ABC):
    """What every feed has; `_play` of a feed sends what it has to `_listeners`."""

    def __init__(self, settings: VendorSettings) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.connections: list[Connection] = []
        self._settings = settings
        self._start = asyncio.Event()
        self._farewells = asyncio.TaskGroup()

    @property
    def held(self) -> bool:
        """Whether the clock has not been started yet."""
        return not self._start.is_set()

    def authenticated(self, connection: Connection, key: str) -> None:
        """One connection a key: the newer one is served, the older one told and closed."""
        for older in [other for other in self.connections if other.key == key and other is not connection]:
            self._end(older, Status.MAX_CONNECTIONS, "Maximum number of connections exceeded.")
        connection.key = key
        if connection not in self.connections:
            self.connections.append(connection)

    def subscribed(self, connection: Connection) -> None:
        """Called after a subscription was confirmed."""
        self._start.set()

    def left(self, connection: Connection) -> None:
        if connection in self.connections:
            self.connections.remove(connection)

    async def run(self) -> None:
        """Start the clock, held or not, and send the whole feed; stay for those who come later. Never returns."""
        async with self._farewells:
            if not self._settings.hold:
                self._start.set()
            await self._start.wait()
            await self._play()
            await asyncio.Event().wait()

    @abstractmethod
    async def _play(self) -> None:
        """Send the whole feed, once its clock has started."""

    def _listeners(self) -> list[Connection]:
        return [connection for connection in self.connections if connection.channels and not connection.closed]

    def _part_from_the_slow(self) -> None:
        for connection in [other for other in self.connections if other.overrun]:
            self._end(connection, Status.SLOW_CONSUMER, "The connection was too slow to read and is closed.")

    def _end(self, connection: Connection, status: Status, message: str) -> None:
        farewell = status_frame(status, message)
        self._part(connection, connection.end(POLICY_VIOLATION, self._settings.farewell_s, last=farewell, flush=False))

    def _part(self, connection: Connection, farewell: Coroutine[Any, Any, None]) -> None:
        """Serve a connection no longer; its farewell goes on beside the feed."""
        self.left(connection)
        self._farewells.create_task(farewell)
