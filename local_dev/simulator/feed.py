"""The simulated market's feed: what is due by its clock, sent to whoever listens. It never ends.

At a numeric speed the clock never waits; at speed 1 it is the host's own. At max speed the pace is the slowest
listener's, and with nobody listening the clock stands: there is no end to hurry to. A feed that goes on from an earlier
one (`from_ms`) starts where that ended; at speed 1, where the host has gone on, REST has what came meanwhile. A host
that slept comes back to a market that went on without being sent.
"""

import asyncio
import time
from collections.abc import Callable
from heapq import heappop, heappush

from local_dev.simulator.market import SYMBOLS
from local_dev.simulator.trades import LATEST_MS, Trade, Trades
from local_dev.vendor.audience import Audience
from local_dev.vendor.settings import VendorSettings
from local_dev.vendor.tape import frames_of

TICK_S, LONGEST_WAIT_S = 0.02, 0.1
STEP_MS = 5_000
"""Feed time made at once, at most: then other tasks get their turn."""
UNHEARD_S = 0.01
SLEPT_MS = 600_000
"""Host time: a clock that is further ahead of what was sent has slept, and hours made at once would help nobody."""


def host_ms() -> int:
    """The host's time, Unix ms."""
    return time.time_ns() // 1_000_000


class SimulatedFeed(Audience):
    """`host` gives the host's time (Unix ms) and drives the clock."""

    def __init__(self, trades: Trades, settings: VendorSettings, host: Callable[[], int] = host_ms) -> None:
        super().__init__(settings)
        self.trades = trades
        self.first_sec = 0  # the first second whose trades this feed sends; 0 before the clock has started
        self.sent_ms = 0  # feed time up to which everything due has been sent
        self.sent = 0
        self._host = host
        self._started_ms = self._host_started_ms = 0
        self._next_sec = 0
        self._waiting: list[Trade] = []

    def clock_ms(self) -> int:
        """Feed time, Unix ms."""
        speed = self._settings.speed
        if self.held:
            return self._host()
        if speed is None:
            return self.sent_ms
        return max(self.sent_ms, self._started_ms + int((self._host() - self._host_started_ms) * speed))

    @property
    def known_ms(self) -> int:
        """Feed time (Unix ms) up to which the market is known: what has been sent; before the start, the host's."""
        return self.sent_ms or self._host()

    @property
    def begins_ms(self) -> int:
        """Feed time (Unix ms) of the first second that this feed sends by itself; before the start, the host's."""
        return ((self._started_ms or self._host()) // 1000 + 1) * 1000

    async def _play(self) -> None:
        self._host_started_ms = self._host()
        before = self._settings.from_ms
        self._started_ms = self._host_started_ms if before is None or self._settings.speed == 1.0 else before
        self.sent_ms = self._started_ms
        self.first_sec = self.sent_ms // 1000 + 1 if before is None else min(before, self.sent_ms) // 1000
        self._next_sec = max(self.first_sec, (self.sent_ms - LATEST_MS) // 1000)  # older trades have all arrived
        while True:
            if self._settings.speed is None:
                await self._step_as_taken()
            else:
                await self._step_by_clock(self._settings.speed)

    async def _step_by_clock(self, speed: float) -> None:
        if self.clock_ms() - self.sent_ms > SLEPT_MS * speed:
            self._move_on()
        while self.sent_ms < (clock := self.clock_ms()):
            self._advance(min(clock, self.sent_ms + STEP_MS))
            self._part_from_the_slow()
            await asyncio.sleep(0)
        next_ms = min(self._next_sec * 1000, self._waiting[0].due_ms if self._waiting else self._next_sec * 1000)
        wait_s = (next_ms - clock) / 1000 / speed
        await asyncio.sleep(min(max(wait_s, TICK_S), LONGEST_WAIT_S))

    def _move_on(self) -> None:
        """Go to the clock's time; what was due before is sent to nobody.

        REST has it, as it has all since the start, but an ingester that was not cut off has no reason to ask.
        """
        self.sent_ms = self.clock_ms()
        self._waiting.clear()  # what of it is due later is made again
        self._next_sec = max(self.first_sec, (self.sent_ms - LATEST_MS) // 1000)

    async def _step_as_taken(self) -> None:
        if not (listeners := self._listeners()):
            await asyncio.sleep(UNHEARD_S)
            return
        self._advance(self.sent_ms + STEP_MS)
        for connection in listeners:
            await connection.room()
        await asyncio.sleep(0)

    def _advance(self, clock_ms: int) -> None:
        """Make the seconds that have begun by then, and send what is due."""
        end = clock_ms // 1000 + 1
        for trade in self.trades.between(self._next_sec, end):
            if trade.due_ms > self.sent_ms:
                heappush(self._waiting, trade)
        self._next_sec = max(self._next_sec, end)
        due = []
        while self._waiting and self._waiting[0].due_ms <= clock_ms:
            due.append(heappop(self._waiting))
        self.sent_ms = clock_ms
        self.sent += len(due)
        if due:
            self._give(due)

    def _give(self, due: list[Trade]) -> None:
        everything = [trade.line for trade in due]
        for connection in self._listeners():
            wanted = connection.symbols
            lines = everything
            if not connection.everything:
                lines = [trade.line for trade in due if SYMBOLS[trade.symbol] in wanted]
            for frame in frames_of(lines):
                connection.post(frame, trades=True)
