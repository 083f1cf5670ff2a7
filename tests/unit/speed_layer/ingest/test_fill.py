"""The cache is filled as the feed goes, and what it did not take comes again."""

import asyncio
from collections.abc import Iterable, Mapping

from shared.models.bar import Partial
from shared.models.trade import Trade
from speed_layer.ingest.fill import Filler, fill
from tests.fakes import virtual_time
from tests.unit.speed_layer.feed import MINUTE, T0, trade
from tests.unit.speed_layer.one_ingester import Run, Streams, Vendor


class Held:
    """A cache with its compare-and-set; `away` makes it refuse everything."""

    def __init__(self) -> None:
        self.minutes: dict[tuple[str, int], Partial] = {}
        self.last: dict[str, Trade] = {}
        self.away = False
        self.refused = 0
        self.puts_of_trades: list[float] = []

    def put_minutes(self, updates: Mapping[tuple[str, int], Partial]) -> bool:
        self.refused += self.away
        if not self.away:
            self.minutes |= updates
        return not self.away

    def put_last(self, trades: Iterable[Trade]) -> bool:
        self.refused += self.away
        self.puts_of_trades.append(asyncio.get_running_loop().time())
        for one in [] if self.away else trades:
            held = self.last.get(one.sym)
            if held is None or (held.t, held.q) <= (one.t, one.q):
                self.last[one.sym] = one
        return not self.away


def test_last_trades_are_put_four_times_a_second_and_minutes_once_until_the_feed_has_ended() -> None:
    cache = Held()

    async def scene(run: Run) -> None:
        filling = asyncio.create_task(fill(run.ingester, cache))
        await run.ingester.on_up()
        await run.send(trade(1, T0), trade(2, T0 + 1_000, sym="BAC"))
        await asyncio.sleep(0.4)
        assert {sym: one.i for sym, one in cache.last.items()} == {"SPY": "1", "BAC": "2"}
        await asyncio.sleep(0.8)
        assert {key: partial.count for key, partial in cache.minutes.items()} == {("SPY", T0): 1, ("BAC", T0): 1}
        await run.send(trade(3, T0 + 2_000))
        await run.end()
        await filling
        assert cache.last["SPY"].i == "3", "what came just before the end"

    assert virtual_time.run(_play(scene))
    pauses = [later - earlier for earlier, later in zip(cache.puts_of_trades, cache.puts_of_trades[1:], strict=False)]
    assert min(pauses) >= 0.25
    assert len(pauses) >= 4


def test_what_a_cache_that_was_away_did_not_take_is_put_when_it_is_back() -> None:
    cache = Held()

    async def scene(run: Run) -> None:
        await run.ingester.on_up()
        filler = Filler(run.ingester, cache)
        cache.away = True
        await run.send(trade(1, T0), trade(2, T0 + 500, sym="BAC"))
        await asyncio.sleep(0.2)
        await filler.put_trades()
        await filler.put_minutes()
        assert cache.refused == 2
        cache.away = False
        await run.send(trade(3, T0 - 500))
        await asyncio.sleep(0.2)
        await filler.put_trades()
        await filler.put_minutes()
        assert {sym: one.i for sym, one in cache.last.items()} == {"SPY": "1", "BAC": "2"}
        assert cache.minutes["BAC", T0].count == 1

    assert virtual_time.run(_play(scene))


def test_minutes_that_closed_while_the_cache_was_away_are_not_put_any_more() -> None:
    cache = Held()

    async def scene(run: Run) -> None:
        await run.ingester.on_up()
        filler = Filler(run.ingester, cache)
        cache.away = True
        await run.send(trade(1, T0))
        await asyncio.sleep(0.2)
        await filler.put_minutes()
        assert cache.refused == 1
        for n in range(2, 10):
            await run.send(trade(n, T0 + 20_000 * (n - 1), sym="BAC"))
            await asyncio.sleep(1.5)
        cache.away = False
        await filler.put_minutes()
        assert ("SPY", T0) not in cache.minutes
        assert ("BAC", T0 + 2 * MINUTE) in cache.minutes

    assert virtual_time.run(_play(scene))


async def _play(scene: object) -> bool:
    return await Streams().ingester(1, Vendor([])).live_through(scene)  # type: ignore[arg-type]  # a scene
