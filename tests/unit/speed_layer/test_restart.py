"""An ingester killed at any put, with or without what it had put, is followed by one that brings the same bars."""

import asyncio
from collections.abc import Sequence
from functools import reduce
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.bars.algebra import merge, prepare
from shared.bars.sessions import new_york_sessions
from shared.bars.windows import STREAM_TIMEFRAMES
from shared.frames import partial_to_wire
from shared.models.bar import EMPTY, Partial
from shared.polygon.trades import event_of, trade_of
from tests.effort import examples
from tests.fakes import virtual_time
from tests.fakes.kinesis import Answer
from tests.unit.speed_layer.consumers import Consumers, kept
from tests.unit.speed_layer.feed import LANES, T0, trade
from tests.unit.speed_layer.one_ingester import Run, Streams, Vendor, check_laws

SYMBOLS = ["AIG", "BAC", "SPY"]
DISORDER_MS = 2_000


def feed_of(steps: Sequence[tuple[int, int, int]]) -> list[dict[str, Any]]:
    """Trades in order of arrival: steps are (ms to the next trade, how late it comes in ms, symbol)."""
    t, arrivals = T0, []
    for n, (step, delay, sym) in enumerate(steps):
        t += step
        changes = {"p": 100 + n % 7, "s": 1 + n % 5, "c": ([], [37], [12], [14, 41])[n % 4]}
        arrivals.append((t + delay, n, trade(n, t, sym=SYMBOLS[sym], **changes)))
    return [one for _, _, one in sorted(arrivals, key=lambda arrival: arrival[:2])]


class Life:
    """Ingesters one after another over one feed: killed at given puts, cut off at given trades."""

    def __init__(self, feed: list[dict[str, Any]], kills: list[tuple[int, list[bool]]], cuts: set[int], pace: float):
        self.vendor = Vendor(feed)
        self.kills, self.cuts, self.pace = kills, cuts, pace
        self.streams = Streams(self._answer, self._answer)
        self.epochs = 0
        self._puts = 0

    def _answer(self, _: int) -> Answer:
        self._puts += 1
        if self.kills and self._puts > self.kills[0][0]:
            self._puts = 0
            return Answer(self.kills.pop(0)[1], kills=True)
        return Answer()

    async def run(self) -> Run:
        while True:
            self.epochs += 1
            run = self.streams.ingester(self.epochs, self.vendor)
            if await run.live_through(self._feed):
                return run
            self.vendor.passed = min(self.vendor.passed + 3, len(self.vendor.trades_of_feed))  # it never waits

    async def _feed(self, run: Run) -> None:
        feed = self.vendor.trades_of_feed
        await run.ingester.on_up()
        while self.vendor.passed < len(feed):
            await run.send(*feed[self.vendor.passed : self.vendor.passed + 2])
            await asyncio.sleep(self.pace)
            if self.vendor.passed in self.cuts:
                run.ingester.on_down()
                self.vendor.passed = min(self.vendor.passed + 5, len(feed))
                await asyncio.sleep(0.3)
                await run.ingester.on_up()
        await run.end()


def expected(feed: list[dict[str, Any]]) -> dict[tuple[str, str, int], Partial]:
    """(symbol, timeframe, start in Unix ms) -> the merge of every trade in it."""
    windows: dict[tuple[str, str, int], Partial] = {}
    for one in feed:
        session = new_york_sessions().day_of(one["t"])
        assert session is not None
        partial = prepare(trade_of(event_of(one)), session)
        for tf, width in STREAM_TIMEFRAMES.items():
            key = (one["sym"], tf, one["t"] - one["t"] % (width * 1000))
            windows[key] = reduce(merge, [windows.get(key, EMPTY), partial])
    return windows


steps = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 1_500), st.sampled_from([0, 2_001, 20_000, 70_000, 400_000, 1_900_000])),
        st.integers(0, DISORDER_MS - 1),
        st.integers(0, 2),
    ),
    min_size=1,
    max_size=50,
)
kills = st.lists(st.tuples(st.integers(0, 40), st.lists(st.booleans(), max_size=LANES)), max_size=4)


@pytest.mark.fault("F01", "F65")
@settings(max_examples=examples(120), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    steps, kills, st.sets(st.integers(2, 50), max_size=2), st.sampled_from([0.0, 0.05, 0.3, 0.9]), st.integers(0, 99)
)
@example([(500, 0, n % 3) for n in range(50)], [(3, [True, False]), (9, [False])], {20}, 0.3, 1)
@example([(70_000, 0, 0)] * 6, [(6, [False] * LANES)], set(), 0.9, 1)  # bars of a promise that was told are not there
def test_kills_at_any_put_and_lost_connections_change_no_bar(
    steps: list[tuple[int, int, int]],
    kills: list[tuple[int, list[bool]]],
    cuts: set[int],
    pace: float,
    seed: int,
) -> None:
    feed = feed_of(steps)
    life = Life(feed, list(kills), cuts, pace)
    virtual_time.run(life.run())
    check_laws(life.streams.log)
    consumers = Consumers(life.streams.trades, life.streams.bars)
    consumers.run(seed)

    windows = expected(feed)
    assert consumers.logged() == sorted((one["sym"], one["t"], one["i"]) for one in feed), "each trade once"
    minutes = {(sym, t): partial for (sym, tf, t), partial in windows.items() if tf == "1m"}
    assert consumers.shown(SYMBOLS) == minutes
    assert kept(life.streams.bar_records()) == {key: partial_to_wire(partial) for key, partial in windows.items()}


def test_the_kills_of_this_file_do_kill() -> None:
    """A kill that hits nothing would prove nothing."""
    life = Life(feed_of([(500, 0, n % 3) for n in range(50)]), [(3, [True, False]), (9, [False])], set(), 0.3)
    virtual_time.run(life.run())
    assert life.epochs == 3
    assert life.vendor.asked, "and the successors refilled"
