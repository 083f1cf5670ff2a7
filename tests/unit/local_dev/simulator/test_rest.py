"""REST over the simulated market: exactly what the stream has sent, made again."""

import asyncio
from collections.abc import Callable
from typing import Any

from local_dev.simulator.market import SYMBOLS, Market
from local_dev.simulator.server import SimulatorServer
from local_dev.simulator.trades import Trades
from local_dev.vendor.settings import VendorSettings
from shared.clients.polygon_rest import PolygonRest
from shared.polygon.trades import TradeEvent, event_of
from tests.unit.local_dev.simulator.support import NOW_MS, SEED, MovedHost, serving
from tests.unit.local_dev.vendor.support import PATIENCE_S, client, eventually

FIRST_S = NOW_MS // 1000 + 1
RUN_MS = 120_000


def refilled(rest: PolygonRest, sym: str, from_ms: int) -> list[TradeEvent]:
    """Every page, as the ingester asks for them."""
    events: list[TradeEvent] = []
    page: str | None = rest.first_page(sym, from_ms)
    while page is not None:
        found, page, refused = rest.trades(sym, page)
        assert not refused
        events += found
    return events


def after_a_run(ask: Callable[[SimulatorServer, MovedHost], Any], settings: VendorSettings | None = None) -> Any:
    """Two minutes of the feed, and then a question that blocks."""

    async def run() -> Any:
        host = MovedHost()
        async with asyncio.timeout(PATIENCE_S * 3), serving(settings or VendorSettings(), host) as server:
            await eventually(lambda: server.feed.first_sec > 0)
            host.now_ms += RUN_MS
            await eventually(lambda: server.feed.sent_ms == host.now_ms)
            return await asyncio.to_thread(ask, server, host)

    return asyncio.run(run())


def sent(sym: str, from_ms: int = 0, until_ms: int = NOW_MS + RUN_MS, first_s: int = FIRST_S) -> list[int]:
    """Rows of the trades from a time on that have arrived by then."""
    trades = Trades(Market(SEED)).between(first_s, until_ms // 1000 + 1, [SYMBOLS.index(sym)])
    return [trade.row for trade in trades if trade.due_ms <= until_ms and trade.t_ms >= from_ms]


def test_a_refill_is_exactly_what_the_stream_has_sent() -> None:
    async def run() -> None:
        host = MovedHost()
        async with asyncio.timeout(PATIENCE_S * 3), serving(VendorSettings(hold=True), host) as server:
            async with client(server) as user:
                await user.login("T.*")
                await eventually(lambda: server.feed.first_sec > 0)
                host.now_ms += RUN_MS
                await eventually(lambda: server.feed.sent_ms == host.now_ms)
                streamed = [event_of(event) for event in await user.trades(server.feed.sent)]
            rest = PolygonRest(server.url, "key")
            for sym in ("SPY", "NVDA", "BRK.B"):
                got = await asyncio.to_thread(refilled, rest, sym, NOW_MS + 20_000)
                expected = [event for event in streamed if event.sym == sym and event.t >= NOW_MS + 20_000]
                assert got == sorted(expected, key=lambda event: (event.t, event.q))
                assert len(got) > 20

    asyncio.run(run())


def test_nothing_is_served_from_before_the_start() -> None:
    rows = after_a_run(lambda server, host: refilled(PolygonRest(server.url, "key"), "SPY", NOW_MS - 10**7))
    assert [int(event.i) for event in rows] == sent("SPY")


def test_a_feed_that_goes_on_from_an_earlier_one_serves_what_came_between() -> None:
    before_ms = NOW_MS - 400_000
    settings = VendorSettings(from_ms=before_ms)
    rows = after_a_run(lambda server, host: refilled(PolygonRest(server.url, "key"), "SPY", before_ms), settings)
    assert [int(event.i) for event in rows] == sent("SPY", before_ms, first_s=before_ms // 1000)


def test_the_clock_bounds_what_is_served_though_late_trades_of_the_past_are_still_to_come() -> None:
    everything = Trades(Market(SEED)).between(FIRST_S, FIRST_S + 110)
    assert any(trade.due_ms > NOW_MS + RUN_MS for trade in everything), "else this shows nothing"

    def ask(server: SimulatorServer, host: MovedHost) -> int:
        rest = PolygonRest(server.url, "key")
        return sum(len(refilled(rest, sym, NOW_MS)) for sym in SYMBOLS)

    assert after_a_run(ask) == sum(len(sent(sym)) for sym in SYMBOLS)


def test_pages_hold_every_trade_once_whatever_their_size() -> None:
    window = f"timestamp.gte={(NOW_MS + 30_000) * 10**6}&timestamp.lt={(NOW_MS + 90_000) * 10**6}"

    def read(server: SimulatorServer, order: str, limit: int) -> list[int]:
        rest, rows = PolygonRest(server.url, "key"), []
        page: str | None = f"{server.url}/v3/trades/TSLA?{window}&order={order}&limit={limit}"
        while page is not None:
            found, page, _ = rest.trades("TSLA", page)
            assert len(found) == limit or page is None
            rows += [int(event.i) for event in found]
        return rows

    def ask(server: SimulatorServer, host: MovedHost) -> dict[tuple[str, int], list[int]]:
        return {(order, limit): read(server, order, limit) for order in ("asc", "desc") for limit in (7, 100, 50_000)}

    trades = {t.row: t.t_ms for t in Trades(Market(SEED)).between(FIRST_S, FIRST_S + 200, [SYMBOLS.index("TSLA")])}
    expected = [row for row in sent("TSLA", NOW_MS + 30_000) if trades[row] < NOW_MS + 90_000]
    assert len(expected) > 100
    for (order, limit), rows in after_a_run(ask).items():
        assert rows == (expected if order == "asc" else expected[::-1]), (order, limit)


def test_the_snapshot_says_when_each_symbol_traded_last() -> None:
    symbols = after_a_run(lambda server, host: PolygonRest(server.url, "key").traded_since(NOW_MS))
    assert symbols == SYMBOLS


def test_a_symbol_whose_last_trade_is_older_is_not_asked_for() -> None:
    def ask(server: SimulatorServer, host: MovedHost) -> list[str]:
        return PolygonRest(server.url, "key").traded_since(host.now_ms - 300)

    trades = Trades(Market(SEED)).between(FIRST_S, FIRST_S + RUN_MS // 1000 + 1)
    recent = {t.symbol for t in trades if t.due_ms <= NOW_MS + RUN_MS and t.t_ms >= NOW_MS + RUN_MS - 300}
    assert 0 < len(recent) < len(SYMBOLS)
    assert after_a_run(ask) == [SYMBOLS[number] for number in sorted(recent)]


def test_an_unknown_ticker_has_no_trades_and_a_held_market_none_yet() -> None:
    assert after_a_run(lambda server, host: refilled(PolygonRest(server.url, "key"), "GONE", 0)) == []

    async def held() -> None:
        async with asyncio.timeout(PATIENCE_S), serving(VendorSettings(hold=True), MovedHost()) as server:
            rest = PolygonRest(server.url, "key")
            assert await asyncio.to_thread(refilled, rest, "SPY", 0) == []
            assert await asyncio.to_thread(rest.traded_since, 0) == []

    asyncio.run(held())
