"""The simulated market behind the vendor's protocols, on one port of 127.0.0.1."""

from collections.abc import Callable

from local_dev.simulator.feed import SimulatedFeed, host_ms
from local_dev.simulator.market import Market
from local_dev.simulator.source import SimulatedTrades
from local_dev.simulator.trades import Trades
from local_dev.vendor.faults import parse_faults
from local_dev.vendor.server import MarketServer
from local_dev.vendor.settings import VendorSettings


class SimulatorServer(MarketServer):
    """Serves a market until the block ends. `host` gives the host's time, Unix ms."""

    def __init__(
        self, market: Market, settings: VendorSettings, *, port: int = 0, host: Callable[[], int] = host_ms
    ) -> None:
        self.feed = SimulatedFeed(Trades(market), settings, host)
        super().__init__(self.feed, SimulatedTrades(self.feed), settings, parse_faults(settings.faults), port)
