"""The feed: one clock over one recording, sending what is due to whoever listens.

At a numeric speed the clock never waits: what becomes due while nobody listens is missed by the stream and kept
by REST. At max speed the pace is the slowest listener's: the clock stands where its data was handed to the socket,
so up to the socket buffers and a few frames ahead of what the client has read. With no listener left
it goes on at about a million lines a second.
"""

import asyncio
import time
from collections.abc import Callable

from local_dev.vendor.audience import Audience
from local_dev.vendor.connection import Connection
from local_dev.vendor.faults import FaultPlan, StreamFault
from local_dev.vendor.protocol import Status, status_frame
from local_dev.vendor.settings import VendorSettings
from local_dev.vendor.tape import FRAME_LINES, Frame, Tape
from local_dev.vendor.timeline import Timeline

TICK_S, LONGEST_WAIT_S = 0.002, 0.05
UNHEARD_LINES, UNHEARD_S = 10_000, 0.01  # one step at max speed with no listener
BURST_FRAMES = 10  # after so many frames in a row other tasks get their turn


class Feed(Audience):
    def __init__(
        self, tape: Tape, settings: VendorSettings, faults: FaultPlan, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(settings)
        self.tape = tape
        self._faults = faults
        self._monotonic = monotonic
        self._timeline = Timeline(tape.due_ms, speed=settings.speed or 1.0, from_ms=settings.from_ms)
        self.sent = self._timeline.start_position  # lines of the recording the clock has passed
        self.ended = False
        self._started_at: float | None = None
        self._lines_heard = 0
        self._silent_until = 0.0  # event loop time

    def clock_ms(self) -> int:
        """Feed time, Unix ms."""
        if self._settings.speed is None:
            return int(self.tape.due_ms[max(self.sent - 1, 0)])
        return self._timeline.clock_ms_at(self._elapsed_s())

    def subscribed(self, connection: Connection) -> None:
        """Called after a subscription was confirmed."""
        if self.ended:
            connection.post(ENDED)
        super().subscribed(connection)

    async def _play(self) -> None:
        self._started_at = self._monotonic()
        while self.sent < len(self.tape):
            if self._settings.speed is None:
                await self._step_as_taken()
            else:
                await self._step_by_clock()
        self.ended = True
        for connection in self._listeners():
            connection.post(ENDED)

    async def _step_by_clock(self) -> None:
        due = self._timeline.position_at(self._elapsed_s())
        frames = 0
        while self.sent < due:
            self._advance(min(due, self.sent + FRAME_LINES))
            frames += 1
            if frames % BURST_FRAMES == 0:
                await asyncio.sleep(0)
        self._part_from_the_slow()
        if self.sent < len(self.tape):
            wait_s = self._timeline.seconds_until(self.sent) - self._elapsed_s()
            await asyncio.sleep(min(max(wait_s, TICK_S), LONGEST_WAIT_S))

    async def _step_as_taken(self) -> None:
        listeners = self._listeners()
        if listeners:
            self._advance(min(self.sent + FRAME_LINES, len(self.tape)))
            for connection in listeners:
                await connection.room()
            await asyncio.sleep(0)
        else:
            self.sent = min(self.sent + UNHEARD_LINES, len(self.tape))
            await asyncio.sleep(UNHEARD_S)

    def _advance(self, position: int) -> None:
        """Pass the lines up to `position`, or up to the next fault, and give them to the listeners."""
        listeners = self._listeners()
        if listeners:
            allowed = self._faults.lines_allowed(self._lines_heard)
            position = position if allowed is None else min(position, self.sent + allowed)
            self._lines_heard += position - self.sent
            self._give(listeners, self.sent, position)
        self.sent = position
        while listeners and (fault := self._faults.stream_fault_due(self._lines_heard)):
            self._act_out(fault, listeners)

    def _give(self, listeners: list[Connection], first: int, last: int) -> None:
        common: list[Frame] | None = None
        for connection in listeners:
            if connection.everything:
                common = list(self.tape.frames(first, last)) if common is None else common
                frames = common
            else:
                frames = list(self.tape.frames(first, last, self.tape.wanted(connection.symbols)))
            for frame in frames:
                connection.post(frame, trades=True)

    def _act_out(self, fault: StreamFault, listeners: list[Connection]) -> None:
        if fault.kind == "silence":
            loop = asyncio.get_running_loop()
            self._silent_until = max(self._silent_until, loop.time() + fault.argument)
            self.gate.clear()
            loop.call_at(self._silent_until, self._speak_again)
            return
        for connection in listeners:
            if fault.kind == "drop":
                self._part(connection, connection.drop(self._settings.farewell_s))
            else:
                self._part(connection, connection.end(int(fault.argument), self._settings.farewell_s))
        listeners.clear()

    def _speak_again(self) -> None:
        if asyncio.get_running_loop().time() > self._silent_until - TICK_S:  # else a later silence goes on
            self.gate.set()

    def _elapsed_s(self) -> float:
        return 0.0 if self._started_at is None else self._monotonic() - self._started_at


ENDED = status_frame(Status.FEED_ENDED, "The recording has been sent to its end.")
