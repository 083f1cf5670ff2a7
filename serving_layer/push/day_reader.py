"""Days read from the bars table, a few at a time.

The table holds every minute that the stream had before we began once `persist` has come to the first record that we
read: before that, a minute that neither of us has seen could be missed. A bars stream that is quiet has nothing that
waits.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from serving_layer.push.day import Day, Sums
from shared.errors import StoreUnavailable
from shared.observability import event, logger

WAIT_S = 3.0
"""How long bars wait for a day at the most; its reading goes on."""
PARALLEL = 8
PAUSE_S = 5.0
"""After a reading that failed."""
QUIET_S = 10.0
LOOK_S = 0.5

log = logger("push.days")
StoredDay = Callable[[str, int, int], list[tuple[int, Sums]]]


@dataclass(frozen=True, slots=True)
class _Reading:
    """A day that was asked for at `since`, and who waits for it."""

    since: float
    waiting: list[Callable[[], None]] = field(default_factory=list)

    def give_up(self, done: Callable[[], None]) -> None:
        """It has waited long enough, if it still does."""
        if done in self.waiting:
            self.waiting.remove(done)
            done()


class DayReader:
    """`stored(sym, start, end)` gives minutes of [start, end) (Unix ms), `through()` the sequence number that `persist`
    has come to; both block, in threads, and raise StoreUnavailable."""

    def __init__(self, stored: StoredDay, through: Callable[[], int | None]) -> None:
        self._stored, self._through = stored, through
        self._queue: asyncio.Queue[tuple[str, Day]] = asyncio.Queue()
        self._readings: dict[str, _Reading] = {}
        self._not_before = 0.0
        self._first: int | None = None
        self._settled = asyncio.Event()

    def saw(self, sequence: int) -> None:
        """A record of the bars stream was read."""
        if self._first is None:
            self._first = sequence

    def want(self, sym: str, day: Day, done: Callable[[], None] | None) -> bool:
        """As `bars.Days`. Nobody waits for a reading that has taken WAIT_S already, as while `persist` stands still."""
        reading = self._readings.get(sym)
        if reading is None:
            if _now() < self._not_before:
                return False
            reading = self._readings[sym] = _Reading(_now())
            self._queue.put_nowait((sym, day))
        elif _now() - reading.since >= WAIT_S:
            return False
        if done is not None:
            reading.waiting.append(done)
            asyncio.get_running_loop().call_later(WAIT_S, reading.give_up, done)
        return True

    async def run(self) -> None:
        """Never returns."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._settle())
            for _ in range(PARALLEL):
                group.create_task(self._work())

    async def _settle(self) -> None:
        began = _now()
        while not self._settled.is_set():
            try:
                through = await asyncio.to_thread(self._through)
            except StoreUnavailable as error:
                event(log, 30, "cannot tell how far bars are stored", error=str(error)[:200])
            else:
                quiet = self._first is None and _now() - began >= QUIET_S
                if quiet or (self._first is not None and through is not None and through >= self._first):
                    self._settled.set()
            await asyncio.sleep(LOOK_S)

    async def _work(self) -> None:
        while True:
            sym, day = await self._queue.get()
            await self._settled.wait()
            try:
                minutes = await asyncio.to_thread(self._stored, sym, day.session.start, day.session.end)
            except StoreUnavailable as error:
                self._not_before = _now() + PAUSE_S
                event(log, 30, "a day could not be read", sym=sym, error=str(error)[:200])
            else:
                day.take_stored(minutes)
            waiting = self._readings.pop(sym).waiting
            while waiting:
                waiting.pop(0)()


def _now() -> float:
    """Seconds that only grow."""
    return asyncio.get_running_loop().time()
