"""The ingester: lease, recovery, feed, frames, promise, report. One asyncio process.

Kept in this order by design: parts are framed under the promise they are judged by; a heartbeat follows every record of
every lane framed before its promise was decided; bars closed by a promise are acknowledged before the next heartbeat.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator

from shared.bars.scale import PRICE_DIGITS, parse_scaled
from shared.bars.sessions import SessionTable
from shared.bars.windows import end_of_new_york_day_ms
from shared.errors import SourceUnavailable
from shared.frames import Part, partial_from_wire
from shared.models.bar import Partial
from shared.observability import event, logger
from shared.polygon.trades import TradeEvent
from speed_layer.engine.python import PythonEngine
from speed_layer.ingest.bars_out import BarsOut
from speed_layer.ingest.clock import AHEAD_MS, OLDEST_FIRST_MS, FeedClock
from speed_layer.ingest.framer import Framer
from speed_layer.ingest.gap import BACK_MS, Gap
from speed_layer.ingest.intake import Candidate, Intake
from speed_layer.ingest.publisher import Publisher
from speed_layer.ingest.pulse import Pulse
from speed_layer.ingest.recovery import Tail
from speed_layer.ingest.refill import Refill, TradesSource

FRAME_S = 0.1
DECIDE_S = 1.0
SILENCE_STEP_S = 0.25
QUEUED_FRAMES = 16
PRESSED_FRAMES = QUEUED_FRAMES * 4 // 5
"""Frames waiting above which work that is not the feed's is left out."""
LONGEST_LAG_S = 10.0
"""How long a live feed may find no room: then its connection is given up, before the vendor's buffer overflows."""
SKEW_MS = 1_000
CHANNELS_TOLD = 100

log = logger("ingest")


class Ingester:
    """Everything between the socket's frames and the streams' records. Owned by `__main__`, which supervises it."""

    def __init__(
        self,
        *,
        epoch: int,
        lanes: int,
        trades: Publisher,
        bars: Publisher,
        source: TradesSource,
        symbols: list[str],
        sessions: SessionTable,
        live: bool,
        tail: Tail,
        makes_bars: bool = True,
    ) -> None:
        """`makes_bars`: whether closed windows go to the bars stream; the engine holds open ones in any case."""
        self._trades, self._bars_stream = trades, bars
        self._live, self._tail, self._sessions = live, tail, sessions
        self._follows = epoch > 1
        self.engine = PythonEngine(emit_from=tail.start)
        self.bars_out = BarsOut(bars, on=makes_bars)
        self.framer = Framer(epoch, lanes, trades.send, self._part, tail.promise)
        self.clock: FeedClock[Candidate] = FeedClock(tail.last_t or None)
        self.intake = Intake(sessions, self.framer, self.clock)
        self._traded: Counter[str] = Counter()
        refill = Refill(source, symbols, self, self._traded.__getitem__)
        self.gap = Gap(refill, tail.gap, lambda: self.clock.now_ms, tail.start * 1000)
        self.pulse = Pulse()
        self.connection = "connecting"
        """connecting, up, silent or gone, as health tells it."""
        self.refused_channels: set[str] = set()
        self.given_up = 0
        """Frames that found no room; the gap that begins with them is refilled."""
        self.host_behind_ms = 0
        """How far trades are ahead of this host's clock, where it is a second or more."""
        self._ahead_ms = 0
        self.has_stopped = False
        """Told to stop, and nothing is left to send."""
        self.ended = asyncio.Event()
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(QUEUED_FRAMES)
        self._idle_since: float | None = None
        self._deciding = asyncio.Lock()

    # -- recovery ------------------------------------------------------------------------------------------------

    async def recover(self) -> None:
        """Take up what the stream holds: identities, open windows; emit again what may not have gone out."""
        tail = self._tail
        for part in tail.parts():
            if part.bar is not None:
                self.engine.add(part.sym, part.sec, part.late, partial_from_wire(part.bar))
            self._remember(part)
        for part in tail.late_parts():
            self._remember(part)
        self.bars_out.emit(self.engine.close(tail.promise), tail.promise)
        await self._bars_stream.drained()

    def _remember(self, part: Part) -> None:
        self._traded[part.sym] += len(part.trades)
        for row in part.trades:
            self.intake.remember(part.sym, row.t, (row.x, row.trfi, row.i), parse_scaled(row.p, PRICE_DIGITS))

    # -- the feed's listener -----------------------------------------------------------------------------------------

    async def on_up(self) -> None:
        event(log, 20, "subscribed", promise=self.framer.promise)
        self.connection = "silent" if self.pulse.is_given_up else "up"
        self.pulse.expect_from(time.monotonic())
        self.gap.fill(self._refill_from())

    def on_down(self) -> None:
        if self.ended.is_set():
            return
        if self.connection == "up":
            self.connection = "gone"
        self.gap.open()

    async def on_frame(self, data: bytes) -> None:
        """A live feed that finds no room for too long is given up: a lag only grows, a gap is known and refilled."""
        self._idle_since = None
        try:
            async with asyncio.timeout(LONGEST_LAG_S if self._live else None):
                await self._queue.put(data)
        except TimeoutError as late:
            self.given_up += 1
            raise SourceUnavailable(f"no room for a frame within {LONGEST_LAG_S} s") from late

    @property
    def hole_from(self) -> int:
        """Event time (Unix ms) from which trades may be missing as of now, 0 when none are. While the feed is away, it
        is where a refill would begin."""
        away = self.gap.is_open and not self.gap.unfilled_from
        return (self._refill_from() or 0) if away else self.gap.unfilled_from

    @property
    def is_pressed(self) -> bool:
        """Whether so much waits that only the feed's own work should be done."""
        return self._queue.qsize() >= PRESSED_FRAMES

    def is_silent(self) -> bool:
        now = time.monotonic()
        if not self._live or self.gap.is_open or not self._queue.empty() or not self._in_session():
            self.pulse.expect_from(now)
            return False
        if not self.pulse.is_silent(now):
            return False
        self.pulse.given_up()
        self.connection = "silent"
        return True

    def _in_session(self) -> bool:
        now_ms = int(time.time() * 1000) if self.clock.now_ms is None else self.clock.now_ms
        session = self._sessions.day_of(now_ms)
        return session is not None and session.is_regular(now_ms)

    def _part(self, sym: str, sec: int, late: int, partial: Partial) -> None:
        self.engine.add(sym, sec, late, partial)
        self._traded[sym] += partial.count
        self.pulse.see(sym, partial.count, time.monotonic())
        if self.connection == "silent" and not self.pulse.is_given_up:
            self.connection = "up"

    async def refill(self, events: list[TradeEvent]) -> None:
        self.intake.take_refill(events)
        await self._trades.room()
        await asyncio.sleep(0)

    def refuse(self, row: bytes) -> None:
        self.intake.refuse("row", row)

    def _refill_from(self) -> int | None:
        """Event time (Unix ms): 5 s before the last trade, and never after what the promise vouches for.

        A lane may have been stuck while another went on, so the newest trade in the stream alone proves nothing; every
        trade that came up to the promise does lie in the stream. In silence the promise goes on without proof: the
        silence may be that of a dead connection.
        """
        if self.clock.last_t is None or self.clock.now_ms is None:
            if self._live:  # of a predecessor in a quiet night the promise alone is left
                return self.framer.promise * 1000 + AHEAD_MS - BACK_MS if self.framer.promise else None
            return 0 if self._follows else None  # a replay's predecessor may have died with all it had in hand
        if not self.framer.promise:  # nothing is vouched for: all there is, or all that a first trade may be old
            return max(0, self.clock.now_ms - OLDEST_FIRST_MS) if self._live else 0
        return min(self.clock.last_t, self.framer.promise * 1000 + AHEAD_MS) - BACK_MS

    # -- tasks -------------------------------------------------------------------------------------------------------

    async def take_frames(self) -> None:
        """Frames of the queue, in order, until the feed ends."""
        while not self.ended.is_set():
            data = await self._queue.get()
            host_ms = int(time.time() * 1000) if self._live else None
            self.intake.take(data, host_ms)
            if not self.clock.held:  # what waits may show that the feed has come much further
                self.gap.went_on()
            if host_ms is not None:
                self._compare_clocks(host_ms)
            statuses = list(self._statuses())
            await self._trades.room()
            if "feed_ended" in statuses:
                await self._end()

    def _compare_clocks(self, host_ms: int) -> None:
        """No trade is from the future: where all of two frames in a row seem so, this host is behind."""
        ahead = max(self.intake.earliest_ms - host_ms, 0)
        behind, self._ahead_ms = min(ahead, self._ahead_ms), ahead
        if behind >= SKEW_MS > self.host_behind_ms:
            event(log, 50, "this host's clock is behind the feed", ms=behind)
        self.host_behind_ms = behind if behind >= SKEW_MS else 0

    async def frame(self) -> None:
        """Every 100 ms what is open becomes frames."""
        while True:
            await asyncio.sleep(FRAME_S)
            self.framer.flush()

    async def decide(self) -> None:
        """Once a host second the promise moves, and every lane is told."""
        while not self.ended.is_set():
            await asyncio.sleep(DECIDE_S)
            if self.clock.now_ms is None:
                continue
            standing = self.gap.is_open
            await self._promise(self.framer.promise if standing else (self.clock.now_ms - AHEAD_MS) // 1000)

    async def watch_silence(self) -> None:
        """Live feeds: the clock follows a silent market while the reader is idle and nothing waits."""
        while True:
            await asyncio.sleep(SILENCE_STEP_S)
            now = time.monotonic()
            if self._idle_since is not None and not self.gap.is_open and self._queue.empty():
                self.clock.silence(int((now - self._idle_since) * 1000))
            self._idle_since = now

    # -- promise -------------------------------------------------------------------------------------------------------

    async def _promise(self, promise: int) -> None:
        async with self._deciding:
            gap_ms = self.gap.untold_from  # before the flush: what fills it now may not be stored with what follows
            self.framer.flush()
            self.framer.promise = decided = max(self.framer.promise, promise)
            await self._trades.drained()
            await self._bars_stream.drained()
            self.framer.heartbeat(gap_ms)
            self.bars_out.emit(self.engine.close(decided), decided)

    async def _end(self) -> None:
        """The vendor says that a recorded feed is over: everything closes at the New York midnight after it."""
        await self.gap.closed()
        self.intake.end()
        self.gap.is_open = False
        if self.clock.now_ms is not None:
            await self._promise(end_of_new_york_day_ms(self.clock.now_ms) // 1000)
        self.framer.flush()
        await self._trades.drained()
        await self._bars_stream.drained()
        self.ended.set()

    def _statuses(self) -> Iterator[str]:
        statuses, self.intake.statuses = self.intake.statuses, []
        for status in statuses:
            name = str(status.get("status"))
            if name in {"error", "max_connections", "slow_consumer", "force_disconnect"}:
                detail = str(status.get("message"))[:200]
                event(log, 30, "the vendor says", status=name, detail=detail)
                if name == "error" and len(self.refused_channels) < CHANNELS_TOLD:
                    self.refused_channels.add(detail.rpartition("subscribe to: ")[2])
            yield name
