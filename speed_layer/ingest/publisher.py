"""Records to the trades stream, in order by lane, until the stream has acknowledged them.

A lane has at most one record under way; what failed is sent again before the lane's next. A call carries one record of
each lane that has some. No put starts unless the lease outlasts the longest time the call may take.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from shared.errors import StoreUnavailable
from shared.observability import event, logger

PUT_BUDGET_S = 4.0
"""Connect and read timeouts of one put together (shared/clients/aws.py: the SDK does not retry these)."""
LONGEST_BACKOFF_S = 2.0
CALL_RECORDS, CALL_BYTES = 500, 4 * 2**20
"""One PutRecords call: 500 records, and well under 5 MiB, which was its limit for years and is the emulator's."""
ROOM_BYTES = 24 * 2**20
"""Queued bytes above which the intake waits: back-pressure on the socket."""

log = logger("ingest.publisher")


class Queued(NamedTuple):
    """A record of a lane; `trades` counts what it accepts."""

    data: bytes
    trades: int


class Publisher:
    """Queues by lane, one task that empties them."""

    def __init__(
        self, put: Callable[[Sequence[tuple[int, bytes]]], list[bool]], lanes: int, check_lease: Callable[[float], None]
    ) -> None:
        """`check_lease(seconds)` raises LeaseLost unless the lease holds that much longer."""
        self._put, self._check_lease = put, check_lease
        self._queues: list[deque[Queued]] = [deque() for _ in range(lanes)]
        self._sent = [0] * lanes
        self._acknowledged = [0] * lanes
        self._bytes = self._first = 0
        self._work = asyncio.Event()
        self._progress = asyncio.Condition()
        self.accepted = 0
        """Trades that the stream has acknowledged."""
        self.failures = 0

    def send(self, lane: int, data: bytes, trades: int) -> None:
        """Queue a record behind the lane's others."""
        self._queues[lane].append(Queued(data, trades))
        self._sent[lane] += 1
        self._bytes += len(data)
        self._work.set()

    async def room(self) -> None:
        """Wait while too much is queued."""
        if self._bytes > ROOM_BYTES:
            async with self._progress:
                await self._progress.wait_for(lambda: self._bytes <= ROOM_BYTES)

    async def drained(self) -> None:
        """Wait until everything queued before this call is acknowledged."""
        marks = list(self._sent)
        async with self._progress:
            await self._progress.wait_for(
                lambda: all(done >= mark for done, mark in zip(self._acknowledged, marks, strict=True))
            )

    async def run(self) -> None:
        """Empty the queues for ever. Raises LeaseLost."""
        backoff = 0.05
        while True:
            entries = self._heads()
            if not entries:
                self._work.clear()
                await self._work.wait()
                continue
            self._check_lease(PUT_BUDGET_S)
            try:
                taken = await asyncio.to_thread(self._put, entries)
            except StoreUnavailable as error:
                event(log, 30, "put failed, will be repeated", error=str(error))
                taken = [False] * len(entries)
            await self._settle(entries, taken)
            if all(taken):
                backoff = 0.05
            else:
                self.failures += 1
                await asyncio.sleep(backoff * random.uniform(0.5, 1.0))  # noqa: S311 -- jitter, not a secret
                backoff = min(2 * backoff, LONGEST_BACKOFF_S)

    def _heads(self) -> list[tuple[int, bytes]]:
        """The first record of each lane, as many as one call takes; lanes that had to wait come first next time."""
        entries: list[tuple[int, bytes]] = []
        size = 0
        lanes = len(self._queues)
        for lane in (*range(self._first, lanes), *range(self._first)):
            if not self._queues[lane]:
                continue
            data = self._queues[lane][0].data
            if len(entries) == CALL_RECORDS or (entries and size + len(data) > CALL_BYTES):
                self._first = lane
                return entries
            entries.append((lane, data))
            size += len(data)
        return entries

    async def _settle(self, entries: list[tuple[int, bytes]], taken: list[bool]) -> None:
        async with self._progress:
            for (lane, data), ok in zip(entries, taken, strict=True):
                if ok:
                    self.accepted += self._queues[lane].popleft().trades
                    self._acknowledged[lane] += 1
                    self._bytes -= len(data)
            self._progress.notify_all()
