"""The vendor's own WebSocket clients, unmodified, under both of their names, against our socket."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

import pytest

from shared.bars.algebra import present
from shared.frames import TradeRow
from tests.unit.serving_layer.push.support import (
    KEY,
    MINUTE,
    PATIENCE_S,
    S0,
    T0,
    Running,
    World,
    eventually,
    heartbeat,
    minute,
    part,
    partial_of,
    row,
    serving,
    signal_of,
    start,
)

CLIENTS = pytest.mark.parametrize("client", ["polygon", "massive"])


class Listener:
    """An official client that keeps what its parser made of our events."""

    def __init__(self, client: str, port: int, channels: str, key: str = KEY) -> None:
        kind = import_module(client).WebSocketClient
        self._client = kind(
            api_key=key,
            feed=f"127.0.0.1:{port}",
            market="stocks",
            secure=False,
            subscriptions=channels.split(","),
        )
        self.received: list[Any] = []

    async def run(self) -> None:
        async def take(events: Any) -> None:
            self.received += events

        await self._client.connect(take)

    def of(self, kind: str) -> list[Any]:
        return [event for event in self.received if event.event_type == kind]


@asynccontextmanager
async def listening(client: str, running: Running, channels: str) -> AsyncIterator[Listener]:
    """Connecting, and still connected at the end."""
    one = Listener(client, running.port, channels)
    task = asyncio.create_task(one.run())
    try:
        yield one
        assert not task.done(), task
    finally:
        while not task.done():  # a client that waits for a frame may swallow it
            task.cancel()
            await asyncio.wait([task], timeout=0.5)


class Feed:
    """Frames of one lane, its trades numbered."""

    def __init__(self, world: World) -> None:
        self.world, self.counter = world, 0

    def trades(self, *rows: TradeRow, sym: str = "SPY") -> None:
        self._put([part(self._name(), list(rows), sym)])

    def promise(self, sec: int) -> None:
        self._put([heartbeat(self._name(), sec)])

    async def until_heard(self, one: Listener, sym: str = "PROBE") -> None:
        """A probe's trades go out again and again until one has arrived: then the client's subscription counts."""
        while not any(event.symbol == sym for event in one.received):
            self.trades(row(0), sym=sym)
            await asyncio.sleep(0.05)
        count = -1
        while count != len(one.received):
            count = len(one.received)
            await asyncio.sleep(0.1)
        one.received.clear()

    def _put(self, parts: list[Any]) -> None:
        self.world.trades[0].put(parts)

    def _name(self) -> str:
        self.counter += 1
        return f"1-0-{self.counter}"


def run(test: Callable[[World], Any]) -> None:
    async def within() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await test(World())

    asyncio.run(within())


@CLIENTS
def test_a_client_reads_trades_and_bars_with_wildcards_and_passes_over_our_signals(client: str) -> None:
    async def test(world: World) -> None:
        feed = Feed(world)
        rows = [row(1, T0, "167.42", "100", c=(14,)), row(2, T0 + 7, "168.5", "0.5")]
        async with serving(world) as running, listening(client, running, "T.*,A.*,AM.*,S.*") as one:
            await feed.until_heard(one)
            feed.trades(*rows)
            world.signals.append(signal_of("a", T0))
            world.bars.put([minute("SPY", T0, rows)])
            await eventually(lambda: len(one.received) == 3)
            feed.promise(S0 + 1)
            await eventually(lambda: one.of("A"))
            trades = [(t.symbol, t.id, t.price, t.size, t.conditions, t.sequence_number) for t in one.of("T")]
            assert trades == [("SPY", "1", 167.42, 100, [14], 1), ("SPY", "2", 168.5, 0.5, None, 2)]
            bar = present(T0, partial_of(rows))
            assert bar is not None
            assert bar.vwap is not None
            second = next(second for second in one.of("A") if second.symbol == "SPY")
            for got, width in ((one.of("AM")[0], MINUTE), (second, 1_000)):
                assert (got.open, got.high, got.low, got.close) == (167.42, 168.5, 167.42, 168.5)
                assert (got.volume, got.vwap) == (100.5, bar.vwap / 10_000)
                assert (got.start_timestamp, got.end_timestamp) == (T0, T0 + width)

    run(test)


@CLIENTS
def test_a_revised_minute_upserted_by_symbol_and_start_is_the_last_one(client: str) -> None:
    async def test(world: World) -> None:
        feed, base, late = Feed(world), [row(1), row(2, T0 + 30_000, "168")], row(3, T0 + 10_000, "170")
        async with serving(world) as running, listening(client, running, "AM.SPY,T.PROBE") as one:
            await feed.until_heard(one)
            world.bars.put([minute("SPY", T0, base)])
            await eventually(lambda: one.of("AM"))
            world.bars.put([minute("SPY", T0 + MINUTE, [row(4, T0 + MINUTE)])])
            world.bars.put([minute("SPY", T0, [*base, late], rev=1)])
            world.bars.put([minute("SPY", T0, base)])  # delivered again
            world.bars.put([minute("SPY", T0 + 2 * MINUTE, [row(5, T0 + 2 * MINUTE)])])
            await eventually(lambda: len(one.of("AM")) == 4)
            assert [(bar.start_timestamp - T0) // MINUTE for bar in one.of("AM")] == [0, 1, 0, 2]
            bars = {(bar.symbol, bar.start_timestamp): bar for bar in one.of("AM")}
            assert (bars["SPY", T0].high, bars["SPY", T0].volume) == (170, 300)

    run(test)


@CLIENTS
def test_a_client_survives_a_restart_of_ours_and_subscribes_again(client: str) -> None:
    async def test(world: World) -> None:
        feed = Feed(world)
        running = await start(world)
        async with listening(client, running, "T.SPY,T.PROBE") as one:
            await feed.until_heard(one)
            feed.trades(row(1))
            await eventually(lambda: len(one.received) == 1)
            await running.stop()
            feed.trades(row(2))  # nobody listens: what happens meanwhile is read by REST
            again = await start(world, port=running.port)
            one.received.clear()
            await feed.until_heard(one)
            feed.trades(row(3), row(4))
            await eventually(lambda: len(one.received) == 2)
            assert [trade.sequence_number for trade in one.received] == [3, 4]
        await again.stop()

    run(test)


@CLIENTS
def test_a_client_is_told_that_its_key_is_refused(client: str) -> None:
    async def test(world: World) -> None:
        refused = import_module(f"{client}.exceptions").AuthError
        async with serving(world) as running:
            with pytest.raises(refused, match="authentication failed"):
                await Listener(client, running.port, "T.*", key="wrong").run()
            with pytest.raises(refused, match="live:read"):
                await Listener(client, running.port, "T.*", key="rest").run()

    run(test)


@CLIENTS
def test_a_client_comes_back_again_and_again_while_keys_cannot_be_checked(client: str) -> None:
    async def test(world: World) -> None:
        world.keys_down = True
        async with serving(world) as running, listening(client, running, "T.SPY") as one:
            await eventually(lambda: world.key_checks >= 2)
            assert one.received == []

    run(test)


@CLIENTS
def test_every_trade_of_a_busy_symbol_arrives_once_and_in_order(client: str) -> None:
    async def test(world: World) -> None:
        feed, rows = Feed(world), 40_000
        async with serving(world) as running, listening(client, running, "T.SPY,T.PROBE") as one:
            await feed.until_heard(one)
            for start_at in range(0, rows, 2_000):
                feed.trades(*(row(start_at + n) for n in range(2_000)))
                world.trades[0].records.append(world.trades[0].records[-1])
            await eventually(lambda: len(one.received) >= rows)
            assert [trade.sequence_number for trade in one.received] == list(range(rows))

    run(test)
