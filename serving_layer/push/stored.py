"""What the platform finds and stores, going out: a table's index by time is asked again and again, each row sent once.

What is stored a moment late lies behind what was read already, so every look reaches back; what was sent is remembered
for longer than that.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable
from typing import ClassVar, Generic, TypeVar

from serving_layer.push.hub import Hub
from shared.errors import InvalidRecord, StoreUnavailable
from shared.observability import event, logger

BACK_MS = 15_000
"""A row's time is taken before it is written. Three tries of a write, 1 s to connect and 3 s for an answer each, end
within 13 s, and the index follows the table a moment later."""
MOST_REMEMBERED = 20_000

log = logger("push.stored")
T = TypeVar("T")


class StoredFeed(ABC, Generic[T]):
    """`since`: rows stored at or after an instant (Unix ms), oldest first; it blocks and raises StoreUnavailable and
    InvalidRecord. `now_ms`: this host's time, Unix ms."""

    what: ClassVar[str]
    """The rows, for the log."""

    def __init__(self, hub: Hub, since: Callable[[int], Iterable[T]], now_ms: Callable[[], int]) -> None:
        self._hub, self._rows_since, self._now_ms = hub, since, now_ms
        self._since = now_ms()
        self._sent: dict[Hashable, None] = {}

    @abstractmethod
    def identity(self, row: T) -> Hashable:
        """What makes a row one of a kind: equal ones are sent once."""

    @abstractmethod
    def publish(self, row: T) -> None:
        """Hand it to the hub."""

    async def look(self) -> None:
        """Send what was stored since the last look. Raises StoreUnavailable: then the next look makes up for it."""
        since, asked = self._since - BACK_MS, self._now_ms()
        try:
            for row in await asyncio.to_thread(lambda: list(self._rows_since(since))):
                self._send_once(row)
        except InvalidRecord as error:  # left behind once the look-back has passed it
            event(log, 40, f"{self.what} left out", reason=error.reason, error=str(error)[:200])
        self._since = asked
        while len(self._sent) > MOST_REMEMBERED:
            del self._sent[next(iter(self._sent))]

    async def run(self, poll_s: float) -> None:
        """Never returns."""
        while True:
            began = time.monotonic()
            try:
                await self.look()
            except StoreUnavailable as error:
                event(log, 30, f"{self.what} not read", error=str(error)[:200])
            await asyncio.sleep(max(0.0, began + poll_s - time.monotonic()))

    def _send_once(self, row: T) -> None:
        if (identity := self.identity(row)) not in self._sent:
            self._sent[identity] = None
            self.publish(row)
