"""A hole that the control table has not taken is in the heartbeats, and a successor's to fill or to tell."""

import asyncio

import pytest

from shared.errors import InvalidRecord
from shared.polygon.trades import TradesPage
from shared.stores.gaps import gaps_of
from speed_layer.ingest.gap import BACK_MS, Gap
from speed_layer.ingest.refill import Refill
from speed_layer.ingest.report import report
from tests.fakes import virtual_time
from tests.unit.speed_layer.consumers import Consumers
from tests.unit.speed_layer.epochs import Epochs
from tests.unit.speed_layer.feed import T0, trade
from tests.unit.speed_layer.ingest.test_gap import Sink, Source
from tests.unit.speed_layer.one_ingester import Run, Streams, Vendor

FEED = [trade(n, T0 + n * 1000, sym=("SPY", "BAC")[n % 2]) for n in range(80)]
MISSED = slice(20, 40)
"""Sent while nobody listens."""


class Refusing(Vendor):
    """Its REST side refuses every symbol until it `answers`."""

    answers = False

    def trades(self, sym: str, page: str) -> TradesPage:
        if not self.answers:
            raise InvalidRecord("status")
        return super().trades(sym, page)


def lives(vendor: Refusing, epochs: Epochs) -> list[tuple[str, int, str]]:
    """One ingester gives a hole up while the table is down and dies of it; the next sees the table. What is logged."""
    streams = Streams()

    async def first(run: Run) -> None:
        epochs.down = True
        telling = asyncio.create_task(report(run.ingester, run.publisher, epochs.table, 1))
        await run.ingester.on_up()
        await run.send(*FEED[: MISSED.start])
        await asyncio.sleep(2)
        run.ingester.on_down()
        vendor.passed = MISSED.stop
        await run.ingester.on_up()
        await asyncio.sleep(1)
        await run.send(*FEED[MISSED.stop : 60])
        await asyncio.sleep(5)
        assert run.ingester.gap.holes == [(T0 + 19_000 - BACK_MS, T0 + 59_000)]
        assert run.ingester.gap.unfilled_from == 0
        telling.cancel()

    async def second(run: Run) -> None:
        epochs.down = False
        telling = asyncio.create_task(report(run.ingester, run.publisher, epochs.table, 2))
        await run.ingester.on_up()
        await asyncio.sleep(1)
        await run.send(*FEED[60:])
        await run.end()
        await telling

    for epoch, scene in enumerate((first, second), start=1):
        assert virtual_time.run(streams.ingester(epoch, vendor).live_through(scene))
    assert epochs.refused > 5, "the fault happened"
    consumers = Consumers(streams.trades, streams.bars)
    consumers.run(seed=1)
    return consumers.logged()


@pytest.mark.fault("F01")
def test_a_hole_that_an_ingester_could_not_tell_is_told_by_its_successor() -> None:
    vendor, epochs = Refusing(FEED), Epochs()
    logged = lives(vendor, epochs)
    missing = {one["t"] for one in FEED} - {t for _, t, _ in logged}
    assert missing == {one["t"] for one in FEED[MISSED]}
    told = list(gaps_of(epochs.epochs()))
    assert all(any(gap.start <= t < (gap.end or 0) for gap in told) for t in missing), told


@pytest.mark.fault("F01")
def test_a_hole_that_an_ingester_could_not_tell_is_filled_by_a_successor_that_can() -> None:
    class Later(Refusing):
        """It answers from its second refill on, which is the successor's."""

        def traded_since(self, t_ms: int) -> list[str]:
            self.answers = self.passed >= 60
            return super().traded_since(t_ms)

    epochs = Epochs()
    assert lives(Later(FEED), epochs) == sorted((one["sym"], one["t"], one["i"]) for one in FEED), "each trade once"
    assert list(gaps_of(epochs.epochs())) == [], "nothing is missing"


@pytest.mark.fault("F01")
def test_what_a_successor_no_longer_remembers_is_told_and_not_fetched_twice() -> None:
    """The table is down for an hour: of most of it the stream's tail does not say what has come."""
    feed = [trade(n, T0 + n // 2 * 60_000 + n % 2, sym=("SPY", "BAC")[n % 2]) for n in range(120)]
    vendor, epochs, streams = Refusing(feed), Epochs(), Streams()
    missed, known_from = feed[10:20], T0 + 30 * 60_000

    async def first(run: Run) -> None:
        await run.ingester.on_up()
        for n in range(0, 110, 2):
            if n == 10:
                run.ingester.on_down()
                vendor.passed = 20
                await run.ingester.on_up()
                await asyncio.sleep(1)
            if not 10 <= n < 20:
                await run.send(*feed[n : n + 2])
                await asyncio.sleep(2)
        assert len(run.ingester.gap.holes) == 1

    async def second(run: Run) -> None:
        vendor.answers = True
        telling = asyncio.create_task(report(run.ingester, run.publisher, epochs.table, 2))
        await run.ingester.on_up()
        await asyncio.sleep(1)
        await run.send(*feed[110:])
        await run.end()
        await telling

    for epoch, scene in enumerate((first, second), start=1):
        assert virtual_time.run(streams.ingester(epoch, vendor).live_through(scene))
    consumers = Consumers(streams.trades, streams.bars)
    consumers.run(seed=1)
    came = [one for one in feed if one not in missed]
    assert consumers.logged() == sorted((one["sym"], one["t"], one["i"]) for one in came), "each trade once"
    assert list(gaps_of(epochs.epochs())) == [(feed[8]["t"] - BACK_MS, known_from)]


def test_of_holes_only_those_that_are_not_told_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speed_layer.ingest.gap.MOST_HOLES", 2)
    now = [T0]

    async def play() -> None:
        source = Source({"B1": (1, None)}, {"A1": [InvalidRecord("pages") for _ in range(4)]})
        gap = Gap(Refill(source, [], Sink()), now_ms=lambda: now[0])

        async def hole(start: int) -> None:
            gap.open()
            gap.fill(start)
            await asyncio.sleep(1)
            now[0] += 100
            gap.went_on()

        await hole(T0)
        assert gap.untold_from == T0
        written = gap.ended
        await hole(T0 + 10)
        gap.told(written)
        assert gap.untold_from == T0 + 10, "the second came while the first was written"
        await hole(T0 + 500)
        assert gap.holes == [(T0, T0 + 200), (T0 + 500, T0 + 500)]
        assert gap.untold_from == T0, "the oldest are one, and not all of it is told"
        gap.told(gap.ended)
        gap.told(written)
        assert gap.untold_from == 0
        gap.open()
        gap.fill(T0 + 900)
        assert gap.untold_from == T0 + 900, "what is unfilled is told of too"
        await gap.closed()

    virtual_time.run(play())
