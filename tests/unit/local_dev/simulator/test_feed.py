"""What the simulated feed sends and when, seen by a bare client; its host's clock is moved by hand."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from local_dev.simulator.feed import SLEPT_MS
from local_dev.simulator.market import SYMBOLS, Market
from local_dev.simulator.server import SimulatorServer
from local_dev.simulator.trades import LATEST_MS, Trade, Trades
from local_dev.vendor.settings import VendorSettings
from tests.unit.local_dev.simulator.support import NOW_MS, SEED, MovedHost, serving
from tests.unit.local_dev.vendor.support import PATIENCE_S, Client, client, eventually

FIRST_S = NOW_MS // 1000 + 1
Scene = Callable[[SimulatorServer, Client, MovedHost], Coroutine[Any, Any, None]]


def made(first_s: int, until_ms: int, symbols: list[int] | None = None) -> list[Trade]:
    """What has arrived by then of the trades since a second, in the order of arrival."""
    trades = Trades(Market(SEED)).between(first_s, until_ms // 1000 + 1, symbols)
    return sorted(trade for trade in trades if trade.due_ms <= until_ms)


def ids(trades: list[Trade]) -> list[tuple[str, str]]:
    return [(SYMBOLS[trade.symbol], str(trade.row)) for trade in trades]


def got(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(event["sym"], event["i"]) for event in events]


def play(settings: VendorSettings, scene: Scene) -> None:
    async def run() -> None:
        host = MovedHost()
        async with asyncio.timeout(PATIENCE_S * 3), serving(settings, host) as server, client(server) as user:
            await scene(server, user, host)

    asyncio.run(run())


def test_a_held_clock_starts_with_the_first_subscription_at_the_hosts_time() -> None:
    async def scene(server: SimulatorServer, user: Client, host: MovedHost) -> None:
        host.now_ms -= 60_000
        assert (server.feed.held, server.feed.clock_ms()) == (True, NOW_MS - 60_000)
        host.now_ms += 60_000
        await user.login("T.*")
        await eventually(lambda: server.feed.first_sec > 0)
        assert (server.feed.held, server.feed.clock_ms(), server.feed.first_sec) == (False, NOW_MS, FIRST_S)

    play(VendorSettings(hold=True), scene)


def test_at_speed_1_what_is_due_by_the_hosts_time_is_sent_in_order_of_arrival() -> None:
    async def scene(server: SimulatorServer, user: Client, host: MovedHost) -> None:
        await user.login("T.*")
        await eventually(lambda: server.feed.first_sec > 0)
        received: list[dict[str, Any]] = []
        for step_ms in (700, 800, 5_000):
            host.now_ms += step_ms
            expected = made(FIRST_S, host.now_ms)
            received += await user.trades(len(expected) - len(received))
            assert got(received) == ids(expected)
        assert server.feed.sent == len(received)
        assert server.feed.clock_ms() == host.now_ms
        times = [event["t"] for event in received]
        assert times != sorted(times), "some come out of order"

    play(VendorSettings(hold=True), scene)


def test_late_trades_are_sent_when_they_arrive() -> None:
    async def scene(server: SimulatorServer, user: Client, host: MovedHost) -> None:
        await user.login("T.*")
        await eventually(lambda: server.feed.first_sec > 0)
        host.now_ms += 60_000
        early = await user.trades(len(made(FIRST_S, host.now_ms)))
        host.now_ms += LATEST_MS
        later = await user.trades(len(made(FIRST_S, host.now_ms)) - len(early))
        late = [event for event in later if event["t"] < NOW_MS + 50_000]
        assert late
        assert {event["x"] for event in late} == {4}

    play(VendorSettings(hold=True), scene)


def test_at_another_speed_feed_time_runs_away_from_the_host() -> None:
    async def scene(server: SimulatorServer, user: Client, host: MovedHost) -> None:
        await user.login("T.*")
        await eventually(lambda: server.feed.first_sec > 0)
        host.now_ms += 2_000
        expected = made(FIRST_S, NOW_MS + 20_000)
        assert got(await user.trades(len(expected))) == ids(expected)
        assert server.feed.clock_ms() == NOW_MS + 20_000

    play(VendorSettings(hold=True, speed=10.0), scene)


def test_a_host_clock_that_is_set_back_does_not_take_the_feed_back() -> None:
    async def scene(server: SimulatorServer, user: Client, host: MovedHost) -> None:
        await user.login("T.*")
        await eventually(lambda: server.feed.first_sec > 0)
        host.now_ms += 3_000
        received = await user.trades(len(made(FIRST_S, host.now_ms)))
        host.now_ms -= 2_000
        assert server.feed.clock_ms() == NOW_MS + 3_000
        host.now_ms += 4_000
        received += await user.trades(len(made(FIRST_S, host.now_ms)) - len(received))
        assert len(set(got(received))) == len(received)

    play(VendorSettings(hold=True), scene)


@pytest.mark.parametrize("speed", [1.0, 10.0])
def test_after_the_host_has_slept_only_what_arrives_from_then_on_is_sent(speed: float) -> None:
    async def scene(server: SimulatorServer, user: Client, host: MovedHost) -> None:
        await user.login("T.*")
        await eventually(lambda: server.feed.first_sec > 0)
        host.now_ms += 2_000
        before = len(made(FIRST_S, NOW_MS + int(2_000 * speed)))
        await user.trades(before)
        host.now_ms += SLEPT_MS + 1
        awake_ms = NOW_MS + int((2_000 + SLEPT_MS + 1) * speed)
        await eventually(lambda: server.feed.sent_ms == awake_ms)
        assert server.feed.sent == before
        host.now_ms += 2_000
        arriving = made((awake_ms - LATEST_MS) // 1000, awake_ms + int(2_000 * speed))  # older ones all have
        expected = [one for one in arriving if one.due_ms > awake_ms]
        assert got(await user.trades(len(expected))) == ids(expected)
        assert any(one.t_ms < awake_ms for one in expected), "late ones are not lost"

    play(VendorSettings(hold=True, speed=speed), scene)


def test_a_host_that_was_only_busy_is_sent_all_of_it() -> None:
    async def scene(server: SimulatorServer, user: Client, host: MovedHost) -> None:
        await user.login("T.KO")
        await eventually(lambda: server.feed.first_sec > 0)
        host.now_ms += SLEPT_MS
        expected = made(FIRST_S, host.now_ms, [SYMBOLS.index("KO")])
        assert got(await user.trades(len(expected))) == ids(expected)

    play(VendorSettings(hold=True), scene)


def test_a_client_gets_the_symbols_that_it_subscribed_to() -> None:
    async def scene(server: SimulatorServer, user: Client, host: MovedHost) -> None:
        await user.login("T.SPY,T.BRK.B,T.GONE")
        await eventually(lambda: server.feed.first_sec > 0)
        host.now_ms += 10_000
        expected = made(FIRST_S, host.now_ms, [SYMBOLS.index("SPY"), SYMBOLS.index("BRK.B")])
        assert got(await user.trades(len(expected))) == ids(expected)

    play(VendorSettings(hold=True), scene)


def test_at_max_speed_the_clock_stands_until_somebody_listens_and_follows_the_listener() -> None:
    async def scene(server: SimulatorServer, user: Client, host: MovedHost) -> None:
        await eventually(lambda: server.feed.first_sec > 0)
        await asyncio.sleep(0.1)
        assert server.feed.sent_ms == NOW_MS
        await user.login("T.*")
        received: list[dict[str, Any]] = []
        while len(received) < 3_000:
            received += await user.frame()
        assert got(received) == ids(made(FIRST_S, NOW_MS + 300_000))[: len(received)]
        assert server.feed.clock_ms() > NOW_MS + 20_000

    play(VendorSettings(speed=None), scene)


@pytest.mark.parametrize("speed", [1.0, 10.0])
def test_a_feed_that_goes_on_from_an_earlier_one_sends_what_arrives_after_its_start(speed: float) -> None:
    before_ms = NOW_MS - 30_500

    async def scene(server: SimulatorServer, user: Client, host: MovedHost) -> None:
        await user.login("T.*")
        await eventually(lambda: server.feed.first_sec > 0)
        start_ms = NOW_MS if speed == 1.0 else before_ms
        assert server.feed.first_sec == before_ms // 1000
        host.now_ms += 1_000
        clock_ms = start_ms + int(1_000 * speed)
        expected = [trade for trade in made(before_ms // 1000, clock_ms) if trade.due_ms > start_ms]
        assert got(await user.trades(len(expected))) == ids(expected)
        assert server.feed.clock_ms() == clock_ms

    play(VendorSettings(hold=True, speed=speed, from_ms=before_ms), scene)


def test_a_second_connection_with_the_same_key_ends_the_first() -> None:
    async def scene(server: SimulatorServer, user: Client, host: MovedHost) -> None:
        await user.login("T.*")
        async with client(server) as second:
            await second.login("T.*")
            assert (await user.status())[0] == "max_connections"
        await user.socket.wait_closed()
        assert user.socket.close_code == 1008

    play(VendorSettings(hold=True), scene)


def test_a_client_that_does_not_read_is_told_so_and_closed() -> None:
    async def scene(server: SimulatorServer, user: Client, host: MovedHost) -> None:
        await user.login("T.*")
        await eventually(lambda: server.feed.first_sec > 0)
        host.now_ms += 600_000
        await eventually(lambda: not server.feed.connections)
        events = await user.frame()
        while events[-1]["ev"] != "status":
            events = await user.frame()
        assert events[-1]["status"] == "slow_consumer"

    play(VendorSettings(hold=True, buffer_bytes=100_000), scene)
