"""Crossings going out, each once, to connections of the key whose rule it is.

As with signals: the table's index by time is asked again and again, and every look reaches back.
"""

import asyncio
import time
from collections.abc import Callable, Iterable

from serving_layer.push.hub import Hub
from serving_layer.push.signals import BACK_MS, MOST_REMEMBERED
from shared.errors import InvalidRecord, StoreUnavailable
from shared.models.alert import StoredCrossing
from shared.observability import event, logger
from shared.polygon.events import ALERT, alert_event

log = logger("push.alerts")
FiredSince = Callable[[int], Iterable[StoredCrossing]]
"""Crossings stored at or after an instant (Unix ms), oldest first. Blocks; StoreUnavailable, InvalidRecord."""


class AlertFeed:
    """`now_ms`: this host's time, Unix ms."""

    def __init__(self, hub: Hub, fired_since: FiredSince, now_ms: Callable[[], int]) -> None:
        self._hub, self._fired_since, self._now_ms = hub, fired_since, now_ms
        self._since = now_ms()
        self._sent: dict[str, None] = {}

    async def look(self) -> None:
        """Send what was stored since the last look. Raises StoreUnavailable: then the next look makes up for it."""
        since, asked = self._since - BACK_MS, self._now_ms()
        try:
            for stored in await asyncio.to_thread(lambda: list(self._fired_since(since))):
                self._send_once(stored)
        except InvalidRecord as error:  # left behind once the look-back has passed it
            event(log, 40, "alerts left out", reason=error.reason, error=str(error)[:200])
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
                event(log, 30, "alerts not read", error=str(error)[:200])
            await asyncio.sleep(max(0.0, began + poll_s - time.monotonic()))

    def _send_once(self, stored: StoredCrossing) -> None:
        one = stored.crossing
        if one.id in self._sent:
            return
        self._sent[one.id] = None
        if self._hub.wanted(ALERT, one.sym):
            self._hub.publish(ALERT, one.sym, alert_event(stored), one.owner)
