"""A simulated market served beside the test, whose host clock moves only when told to."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from local_dev.simulator.feed import host_ms
from local_dev.simulator.market import Market
from local_dev.simulator.server import SimulatorServer
from local_dev.vendor.settings import VendorSettings

NOW_MS = 1_764_083_000_400
SEED = 7


class MovedHost:
    """The host's time, Unix ms."""

    def __init__(self, now_ms: int = NOW_MS) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms


@asynccontextmanager
async def serving(
    settings: VendorSettings, host: Callable[[], int] = host_ms, activity: float = 1.0
) -> AsyncIterator[SimulatorServer]:
    async with SimulatorServer(Market(SEED, activity), settings, host=host) as server:
        yield server
