"""The simulated market behind the vendor's protocols, on one port of 127.0.0.1.

Its trades, its bars, its tickers and its hours; there are no splits and no dividends.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from local_dev.simulator.bars import SimulatedBars
from local_dev.simulator.feed import SimulatedFeed, host_ms
from local_dev.simulator.market import SYMBOLS, Market
from local_dev.simulator.minutes import Minutes, Spans
from local_dev.simulator.source import SimulatedTrades
from local_dev.simulator.trades import Trades
from local_dev.vendor.faults import parse_faults
from local_dev.vendor.server import MarketServer
from local_dev.vendor.settings import VendorSettings
from local_dev.vendor.table_routes import market_routes
from local_dev.vendor.tables import Tables
from shared.bars.sessions import SIMULATED, sessions_named


class SimulatorServer(MarketServer):
    """Serves a market until the block ends. `host` gives the host's time, Unix ms; `streamed`: see `Minutes`."""

    def __init__(
        self,
        market: Market,
        settings: VendorSettings,
        *,
        port: int = 0,
        host: Callable[[], int] = host_ms,
        streamed: Spans = (),
    ) -> None:
        self.feed = SimulatedFeed(Trades(market), settings, host)
        self._bars = SimulatedBars(Minutes(market, self.feed, streamed))
        faults, source = parse_faults(settings.faults), SimulatedTrades(self.feed)
        sessions = sessions_named(SIMULATED)
        others = market_routes(self._bars, Tables(), SYMBOLS, sessions, self.feed.clock_ms)
        super().__init__(self.feed, source, settings, faults, port, others=others)

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._making = asyncio.create_task(self._bars.keep_up())
        return self

    async def __aexit__(self, *error: object) -> None:
        self._making.cancel()
        try:
            with suppress(asyncio.CancelledError):  # by us; any other failure is raised
                await self._making
        finally:
            await super().__aexit__(*error)
