"""Signals going out: the table's index by time is asked again and again, and each change is sent once.

What is stored a moment late lies behind what was read already, so every look reaches back; what was sent is remembered
for longer than that.
"""

import asyncio
import time
from collections.abc import Callable, Iterable

from serving_layer.push.hub import Hub
from shared.errors import InvalidRecord, StoreUnavailable
from shared.models.signal import StoredSignal
from shared.observability import event, logger
from shared.polygon.events import SIGNAL, signal_event

BACK_MS = 15_000
"""A signal's time is taken before it is written. Three tries of a write, 1 s to connect and 3 s for an answer each, end
within 13 s, and the index follows the table a moment later."""
MOST_REMEMBERED = 20_000

log = logger("push.signals")
Change = tuple[str, str, int]
"""(id, status, known_at): what makes a change of a signal one of a kind."""
KnownSince = Callable[[int], Iterable[StoredSignal]]
"""Signals that changed at or after an instant (Unix ms), oldest first. Blocks; StoreUnavailable, InvalidRecord."""


class SignalFeed:
    """`now_ms`: this host's time, Unix ms."""

    def __init__(self, hub: Hub, known_since: KnownSince, now_ms: Callable[[], int]) -> None:
        self._hub, self._known_since, self._now_ms = hub, known_since, now_ms
        self._since = now_ms()
        self._sent: dict[Change, None] = {}

    async def look(self) -> None:
        """Send what has changed since the last look. Raises StoreUnavailable: then the next look makes up for it."""
        since, asked = self._since - BACK_MS, self._now_ms()
        try:
            changed = await asyncio.to_thread(lambda: list(self._known_since(since)))
            for signal in changed:
                self._send_once(signal)
        except InvalidRecord as error:  # left behind once the look-back has passed it
            event(log, 40, "signals left out", reason=error.reason, error=str(error)[:200])
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
                event(log, 30, "signals not read", error=str(error)[:200])
            await asyncio.sleep(max(0.0, began + poll_s - time.monotonic()))

    def _send_once(self, signal: StoredSignal) -> None:
        change = signal.id, signal.status, signal.known_at
        if change in self._sent:
            return
        self._sent[change] = None
        if self._hub.wanted(SIGNAL, signal.sym):
            self._hub.publish(SIGNAL, signal.sym, signal_event(signal))
