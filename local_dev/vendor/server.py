"""Both sides of the vendor on one port of 127.0.0.1."""

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Mapping
from typing import Self

from aiohttp import WSCloseCode, web

from local_dev.vendor.audience import Audience
from local_dev.vendor.errors import WrongInputError
from local_dev.vendor.faults import FaultPlan, parse_faults
from local_dev.vendor.feed import Feed
from local_dev.vendor.quota import CallQuota
from local_dev.vendor.recorded import RecordedTrades
from local_dev.vendor.recording import Recording
from local_dev.vendor.rest import Answer, RestSide, TradesSource
from local_dev.vendor.settings import VendorSettings
from local_dev.vendor.silence import NoTrades, Silence
from local_dev.vendor.stocks import StocksSocket
from local_dev.vendor.table_routes import table_routes
from local_dev.vendor.tables import Tables

HOST = "127.0.0.1"
SOCKET_PATH = "/stocks"
STOP_S = 2.0
NO_ROUTES: Mapping[str, Answer] = {}


class MarketServer:
    """`async with MarketServer(...) as server:` serves at `server.url` until the block ends.

    Raises WrongInputError if the port cannot be used.
    """

    def __init__(
        self,
        feed: Audience,
        source: TradesSource,
        settings: VendorSettings,
        faults: FaultPlan,
        port: int,
        *,
        others: Mapping[str, Answer] = NO_ROUTES,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`others`: REST routes beside those of the trades; `monotonic` gives the seconds of the quota."""
        self._feed = feed
        self._stocks = StocksSocket(feed, settings)
        self._rest = RestSide(source, settings, faults, CallQuota(settings.calls_a_minute, monotonic), others)
        self._wanted_port = port
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.add_routes([web.get(SOCKET_PATH, self._stocks.serve), *self._rest.routes()])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_S)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, HOST, self._wanted_port).start()
        except (OSError, OverflowError) as error:
            await self._runner.cleanup()
            raise WrongInputError(f"port {self._wanted_port} cannot be used: {error}") from error
        self.port = self._runner.addresses[0][1]
        self._running = asyncio.create_task(self._feed.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._running.cancel()
        try:
            await self._running
        except asyncio.CancelledError:
            pass  # by us; any other failure of the feed is raised
        finally:
            await self._stocks.close_all(int(WSCloseCode.SERVICE_RESTART), STOP_S)
            await self._runner.cleanup()

    async def watch(self) -> None:
        """Never returns; a failure of the feed is raised here."""
        await self._running


class VendorServer(MarketServer):
    """A recording and its tables, served. `monotonic` gives seconds and drives the feed's clock."""

    def __init__(
        self,
        recording: Recording,
        settings: VendorSettings,
        tables: Tables | None = None,
        *,
        port: int = 0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        faults = parse_faults(settings.faults)
        self.feed = Feed(recording.tape, settings, faults, monotonic)
        others = table_routes(tables or Tables(), list(recording.tape.symbols), self.feed.clock_ms)
        source = RecordedTrades(recording, self.feed)
        super().__init__(self.feed, source, settings, faults, port, others=others, monotonic=monotonic)


class TablesServer(MarketServer):
    """Tables without trades, served: a feed that has ended, at the host's time."""

    def __init__(
        self,
        tables: Tables,
        settings: VendorSettings,
        *,
        port: int = 0,
        monotonic: Callable[[], float] = time.monotonic,
        host_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        faults = parse_faults(settings.faults)
        others = table_routes(tables, [], host_ms)
        source = NoTrades(host_ms)
        super().__init__(Silence(settings), source, settings, faults, port, others=others, monotonic=monotonic)


async def serve(make: Callable[[], MarketServer]) -> None:
    """Say "ready URL" on standard output and serve until SIGTERM or SIGINT; a failure of the feed is raised."""
    told_to_stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told_to_stop.set)
    async with make() as server:
        sys.stdout.write(f"ready {server.url}\n")
        sys.stdout.flush()
        waits = [asyncio.create_task(told_to_stop.wait()), asyncio.create_task(server.watch())]
        done, rest = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in rest:
            wait.cancel()
        for wait in done:
            wait.result()
