"""A gap that an ingester had not filled when it died is its successor's to fill."""

import asyncio

import pytest

from shared.errors import SourceUnavailable
from shared.frames import Part, encode
from shared.polygon.trades import TradesPage
from speed_layer.ingest import service
from speed_layer.ingest.gap import BACK_MS, LONGEST_S
from speed_layer.ingest.recovery import Tail
from tests.fakes import virtual_time
from tests.unit.speed_layer.consumers import Consumers
from tests.unit.speed_layer.feed import S0, T0, trade
from tests.unit.speed_layer.one_ingester import Run, Streams, Vendor

SLOW_S = LONGEST_S - 5
"""Each answer comes before it would be given up, but not all of them before the promise goes on."""


class SlowVendor(Vendor):
    """Its REST side takes its time over every new question."""

    slow = True

    def traded_since(self, t_ms: int) -> list[str]:
        self._think(str(t_ms))
        return super().traded_since(t_ms)

    def trades(self, sym: str, page: str) -> TradesPage:
        self._think(page)
        return super().trades(sym, page)

    def _think(self, question: str) -> None:
        now = asyncio.get_running_loop().time()
        if self.slow and now < self.__dict__.setdefault(question, now) + SLOW_S:
            raise SourceUnavailable


@pytest.mark.fault("F03", "F04")
@pytest.mark.parametrize("silence_s", [2, 10, 15, 60])
def test_what_a_silent_connection_kept_back_is_refilled_from_the_last_trade_on(
    silence_s: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trade every half second; for a while they go to REST alone, and the clock goes on as if nobody traded."""
    feed = [trade(n, T0 + n * 500) for n in range(2 * (10 + silence_s))]
    vendor, streams, heard = Vendor(feed), Streams(), 20

    class HostTime(virtual_time.LoopTime):
        time = staticmethod(lambda: T0 / 1000 + asyncio.get_running_loop().time() - virtual_time.START_S)

    monkeypatch.setattr(service, "time", HostTime)

    async def scene(run: Run) -> None:
        await run.ingester.on_up()
        for one in feed[:heard]:
            await run.send(one)
            await asyncio.sleep(0.5)
        for _ in feed[heard:]:
            await asyncio.sleep(0.5)
            vendor.passed += 1
        assert run.ingester.clock.now_ms == pytest.approx(T0 + (10 + silence_s) * 1000 - 1_000, abs=1_000)
        run.ingester.on_down()
        assert run.ingester.hole_from == feed[heard - 1]["t"] - BACK_MS
        await run.ingester.on_up()
        await asyncio.sleep(5)
        assert run.publisher.accepted == len(feed)

    async def play() -> None:
        assert await streams.ingester(1, vendor, live=True).live_through(scene)

    virtual_time.run(play())


def test_a_connection_that_closes_after_the_end_of_its_feed_leaves_no_hole() -> None:
    async def scene(run: Run) -> None:
        await run.ingester.on_up()
        await run.send(trade(1, T0))
        await run.end()
        run.ingester.on_down()
        assert run.ingester.hole_from == 0

    async def play() -> None:
        assert await Streams().ingester(1, Vendor([]), live=False).live_through(scene)

    virtual_time.run(play())


def test_a_start_after_a_quiet_night_refills_from_where_its_predecessor_had_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The stream's tail holds heartbeats alone, and the first trades of the morning came before the start."""
    feed = [trade(n, T0 + n * 1000) for n in range(90)]
    vendor, streams = Vendor(feed), Streams()
    vendor.passed = 60
    for shard in streams.trades.shards:
        shard.append(("0", encode([Part(1, "1-0-1", "", S0 - 30)])))

    class HostTime(virtual_time.LoopTime):
        time = staticmethod(lambda: T0 / 1000 + 60 + asyncio.get_running_loop().time() - virtual_time.START_S)

    monkeypatch.setattr(service, "time", HostTime)

    async def scene(run: Run) -> None:
        await run.ingester.on_up()
        await asyncio.sleep(1)
        for one in feed[60:]:
            await asyncio.sleep(1)
            await run.send(one)
        await asyncio.sleep(3)
        assert run.publisher.accepted == len(feed)

    async def play() -> None:
        assert await streams.ingester(2, vendor, live=True).live_through(scene)

    virtual_time.run(play())


@pytest.mark.parametrize("lives", [2, 3])
def test_a_gap_that_outlasts_its_ingester_is_filled_by_a_later_one(lives: int) -> None:
    feed = [trade(n, T0 + n * 1000, sym=("SPY", "BAC")[n % 2]) for n in range(200)]
    vendor, streams = SlowVendor(feed), Streams()

    async def gap(run: Run) -> None:
        await run.ingester.on_up()
        await run.send(*feed[vendor.passed : vendor.passed + 20])
        await asyncio.sleep(2)
        run.ingester.on_down()
        vendor.passed += 20  # these are sent while nobody listens
        await run.ingester.on_up()
        await asyncio.sleep(LONGEST_S + 1)
        await run.send(*feed[vendor.passed : vendor.passed + 20])
        await asyncio.sleep(3)

    async def last(run: Run) -> None:
        vendor.slow = False
        await run.ingester.on_up()
        await asyncio.sleep(1)
        await run.send(*feed[vendor.passed :])
        await run.end()

    for epoch, scene in enumerate([gap] * (lives - 1) + [last], start=1):
        virtual_time.run(streams.ingester(epoch, vendor).live_through(scene))
    consumers = Consumers(streams.trades, streams.bars)
    consumers.run(seed=1)
    assert consumers.logged() == sorted((one["sym"], one["t"], one["i"]) for one in feed), "each trade once"


def test_the_last_heartbeat_says_from_where_a_gap_is_not_filled() -> None:
    tail = Tail()
    for sec, gap in ((S0, 0), (S0 + 1, T0 - BACK_MS), (S0 + 2, T0 - 2 * BACK_MS)):
        tail.read(Part(1, "1-0-1", "", sec, gap=gap))
    tail.next_shard()
    tail.read(Part(1, "1-1-1", "", S0 + 1))
    assert tail.gap == T0 - 2 * BACK_MS
    tail.read(Part(1, "1-1-2", "", S0 + 3))
    assert tail.gap == 0


@pytest.mark.parametrize("first", ["ahead", "behind"])
def test_of_two_shards_with_one_promise_the_one_that_names_a_gap_is_believed(first: str) -> None:
    tail, ahead, behind = Tail(), (0, T0), (0,)
    for gaps in (ahead, behind) if first == "ahead" else (behind, ahead):
        tail.next_shard()
        for gap in gaps:
            tail.read(Part(1, "1-0-1", "", S0, gap=gap))
    assert tail.gap == T0
    tail.read(Part(1, "1-0-2", "", S0 + 1))
    assert tail.gap == 0, "a promise that goes on is told to every lane after what was before"
