"""Signals going out: the table's index by time is asked again and again, and each change is sent once.

What is stored a moment late lies behind what was read already, so every look reaches back; what was sent is remembered
for longer than that.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Protocol

from serving_layer.push.hub import Hub
from shared.errors import StoreUnavailable
from shared.observability import event, logger
from shared.polygon.events import SIGNAL, signal_event

BACK_MS = 5_000
MOST_REMEMBERED = 20_000

log = logger("push.signals")
Change = tuple[str, str, int]
"""(id, status, known_at): what makes a change of a signal one of a kind."""


class Signal(Protocol):
    """A stored signal (shared/stores/signals.py). `t` = start of its bar, `known_at` = last change, both Unix ms."""

    @property
    def sym(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def strategy(self) -> str: ...
    @property
    def tf(self) -> str: ...
    @property
    def t(self) -> int: ...
    @property
    def side(self) -> str: ...
    @property
    def price(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def known_at(self) -> int: ...


KnownSince = Callable[[int], Iterable[Signal]]
"""Signals that changed at or after an instant (Unix ms), oldest first. Blocks; raises StoreUnavailable."""


class SignalFeed:
    """`now_ms`: this host's time, Unix ms."""

    def __init__(self, hub: Hub, known_since: KnownSince, now_ms: Callable[[], int]) -> None:
        self._hub, self._known_since, self._now_ms = hub, known_since, now_ms
        self._since = now_ms()
        self._sent: dict[Change, None] = {}

    async def look(self) -> None:
        """Send what has changed since the last look that succeeded. Raises StoreUnavailable."""
        since, asked = self._since - BACK_MS, self._now_ms()
        for signal in await asyncio.to_thread(lambda: list(self._known_since(since))):
            change = signal.id, signal.status, signal.known_at
            if change not in self._sent:
                self._sent[change] = None
                self._send(signal)
        self._since = asked
        while len(self._sent) > MOST_REMEMBERED:
            del self._sent[next(iter(self._sent))]

    async def run(self, poll_s: float) -> None:
        """Never returns. A look that fails is made up for by the next."""
        while True:
            began = time.monotonic()
            try:
                await self.look()
            except StoreUnavailable as error:
                event(log, 30, "signals not read", error=str(error)[:200])
            await asyncio.sleep(max(0.0, began + poll_s - time.monotonic()))

    def _send(self, signal: Signal) -> None:
        if self._hub.wanted(SIGNAL, signal.sym):
            text = signal_event(
                signal.sym,
                id_=signal.id,
                strategy=signal.strategy,
                tf=signal.tf,
                t=signal.t,
                side=signal.side,
                price=signal.price,
                status=signal.status,
                known_at=signal.known_at,
            )
            self._hub.publish(SIGNAL, signal.sym, text)
