"""The state machine: what may happen to a market-data platform, in any order, and what must hold after each step.

A step is an event and a number that its details are drawn from. There is one rule and not one for each event, since
Hypothesis leaves out most rules in most of its runs, and here it is the mixture that hurts.
"""

import asyncio
import random
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from shared.frames import decode_bars
from tests.fakes.kinesis import Answer
from tests.model.checks import SYMBOLS, check_bar, check_end
from tests.model.readers import ALL
from tests.model.world import World
from tests.unit.speed_layer.feed import LANES, T0, frame, trade

CONDITIONS: tuple[list[int], ...] = ([], [37], [12], [14, 41], [52], [999])
GAPS_MS = (0, 300, 1_999, 2_001, 20_000, 65_000, 400_000, 1_900_000)
WAITS_S = (0.05, 0.3, 1.0, 2.5, 10.0, 35.0)
REMEMBERED_MS = 600_000
EVENTS = (  # the likelier ones more than once
    *(
        "nothing",
        "trades",
        "trades",
        "minute",
        "minute",
        "reorder",
        "duplicate",
        "late",
        "wait",
        "wait",
        "read",
        "read",
    ),
    *(
        "drop",
        "connect",
        "rest",
        "throttle",
        "partial_put",
        "lost_ack",
        "crash_in_a_put",
        "crash",
        "restart",
        "restart",
    ),
    *("restart", "restart", "outage", "stall", "read", "read", "restart_readers"),
)


class Platform(RuleBasedStateMachine):
    """One market, drawn step by step."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: World | None = None

    @property
    def world(self) -> World:
        assert self.begun is not None
        return self.begun

    def _begin(self) -> None:
        """With the first thing that happens: a run in which nothing does costs nothing."""
        self.begun = World()
        self.t, self.n, self.bars_seen = T0, 0, 0
        self.cached: dict[str, tuple[int, int]] = {}
        self.world.start()
        self.world.pass_trades(self._new(0, T0))  # before its first trade a replay has nothing to refill from
        self.world.play(asyncio.sleep(3))

    @rule(event=st.sampled_from(EVENTS), details=st.integers(0, 2**32))
    def happens(self, event: str, details: int) -> None:
        if event == "nothing":  # the least that can happen
            return
        if self.begun is None:
            self._begin()
        self.world.note(event)
        getattr(self, f"on_{event}")(random.Random(details))

    def _new(self, sym: int, t: int) -> dict[str, Any]:
        self.n += 1
        n = self.n
        return trade(n, t, sym=SYMBOLS[sym % 3], p=100 + n % 7, s=1 + n % 5, c=CONDITIONS[n % len(CONDITIONS)])

    def on_trades(self, draw: random.Random) -> None:
        """A few trades in one frame, some time after the last."""
        self.t += draw.choice(GAPS_MS)
        self.world.pass_trades(*(self._new(k, self.t + 10 * k) for k in range(draw.randint(1, 4))))
        self.t += 40

    def on_minute(self, draw: random.Random) -> None:
        """Trades one by one, with time between them."""
        for k in range(draw.randint(3, 8)):
            self.t += draw.randint(0, 3_000)
            self.world.pass_trades(self._new(k, self.t))
            if self.world.run is not None:
                self.world.play(asyncio.sleep(0.3))

    def on_reorder(self, draw: random.Random) -> None:
        """Trades of two seconds, out of order."""
        self.world.pass_trades(*(self._new(k, self.t + draw.randrange(1_900)) for k in range(6)))
        self.t += 1_900

    def on_duplicate(self, draw: random.Random) -> None:
        """A trade that has been sent, again."""
        sent = [one for one in self.world.delivered if one["t"] > self.t - REMEMBERED_MS]
        if sent and self.world.run is not None and self.world.connected:
            self.world.play(self.world.run.ingester.on_frame(frame(draw.choice(sent))))

    def on_late(self, draw: random.Random) -> None:
        """A trade that nobody has seen, of a time whose windows may be closed."""
        newest = max(one["t"] for one in self.world.delivered)
        back_ms = draw.choice((5_000, 61_000, 600_000, 3_700_000))
        self.world.pass_trades(self._new(draw.randrange(3), max(T0, newest - back_ms)), late=True)

    def on_wait(self, draw: random.Random) -> None:
        if self.world.run is not None:
            self.world.play(asyncio.sleep(draw.choice(WAITS_S)))

    def on_drop(self, draw: random.Random) -> None:
        self.world.down()

    def on_connect(self, draw: random.Random) -> None:
        if self.world.run is not None and not self.world.connected:
            self.world.play(self.world.up())

    def on_rest(self, draw: random.Random) -> None:
        """The vendor's REST side goes away, or comes back; and so does the control table."""
        self.world.vendor.down, self.world.epochs.down = draw.random() < 0.5, draw.random() < 0.5

    def on_outage(self, draw: random.Random) -> None:
        """The connection is lost, REST too, and the feed goes on without us for longer than a refill is tried."""
        self.world.down()
        self.world.vendor.down = True
        self.on_trades(draw)
        if self.world.run is not None:
            self.world.play(self.world.up())
            if self.world.connected:
                self.world.play(asyncio.sleep(35))

    def _plan(self, draw: random.Random, *answers: Answer) -> None:
        self.world.plan[draw.choice(("trades", "trades", "bars"))].extend(answers)

    def on_throttle(self, draw: random.Random) -> None:
        self._plan(draw, *[Answer([False] * LANES)] * draw.randint(1, 4))

    def on_partial_put(self, draw: random.Random) -> None:
        self._plan(draw, Answer([draw.random() < 0.5 for _ in range(LANES)]))

    def on_lost_ack(self, draw: random.Random) -> None:
        self._plan(draw, Answer([draw.random() < 0.7 for _ in range(LANES)], lost=True))

    def on_crash_in_a_put(self, draw: random.Random) -> None:
        self._plan(draw, Answer([draw.random() < 0.5 for _ in range(LANES)], kills=True))

    def on_crash(self, draw: random.Random) -> None:
        self.world.crash()

    def on_restart(self, draw: random.Random) -> None:
        if self.world.run is None:
            self.world.start()
        else:
            self.on_connect(draw)

    def on_stall(self, draw: random.Random) -> None:
        self.world.stall(draw.choice((0.5, 3.0, 20.0, 90.0)))

    def on_read(self, draw: random.Random) -> None:
        self.world.readers.step(draw.choice(ALL), draw.randint(1, 20), draw.randint(1, 2))

    def on_restart_readers(self, draw: random.Random) -> None:
        self.world.readers.restart()

    @invariant()
    def what_holds_at_every_moment(self) -> None:
        """I1 inside one life; I5; I6: the cache's last price never goes back."""
        if self.begun is None:
            return
        if self.world.run is not None:
            intake = self.world.run.ingester.intake
            outcomes = intake.accepted + intake.duplicates + sum(intake.quarantined.values()) + intake.waiting
            assert intake.received == outcomes
            self.world.play(self.world.filler.put_trades())
        assert all(self.world.last[sym] >= held for sym, held in self.cached.items())
        self.cached = dict(self.world.last)
        records = self.world.streams.bars.records()
        for data in records[self.bars_seen :]:
            for record in decode_bars(data):
                check_bar(record)
        self.bars_seen = len(records)

    def teardown(self) -> None:
        if self.begun is None:
            return
        try:
            self.world.finish()
            check_end(self.world)
        finally:
            self.world.close()
