"""The simulated market behind the vendor's protocols, on one port of 127.0.0.1.

Its trades, its tickers and its hours; there are no splits and no dividends, and no bars of past days.
"""

from collections.abc import Callable

from local_dev.simulator.feed import SimulatedFeed, host_ms
from local_dev.simulator.market import SYMBOLS, Market
from local_dev.simulator.source import SimulatedTrades
from local_dev.simulator.trades import Trades
from local_dev.vendor.faults import parse_faults
from local_dev.vendor.server import MarketServer
from local_dev.vendor.settings import VendorSettings
from local_dev.vendor.table_routes import reference_routes
from local_dev.vendor.tables import Tables
from shared.bars.sessions import SIMULATED, sessions_named


class SimulatorServer(MarketServer):
    """Serves a market until the block ends. `host` gives the host's time, Unix ms."""

    def __init__(
        self, market: Market, settings: VendorSettings, *, port: int = 0, host: Callable[[], int] = host_ms
    ) -> None:
        self.feed = SimulatedFeed(Trades(market), settings, host)
        faults, source = parse_faults(settings.faults), SimulatedTrades(self.feed)
        others = reference_routes(Tables(), SYMBOLS, sessions_named(SIMULATED), self.feed.clock_ms)
        super().__init__(self.feed, source, settings, faults, port, others=others)
