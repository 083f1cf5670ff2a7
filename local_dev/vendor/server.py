"""Both sides of the vendor on one port of 127.0.0.1."""

import asyncio
import time
from collections.abc import Callable

from aiohttp import WSCloseCode, web

from local_dev.vendor.errors import WrongInputError
from local_dev.vendor.faults import parse_faults
from local_dev.vendor.feed import Feed
from local_dev.vendor.recording import Recording
from local_dev.vendor.rest import RestSide
from local_dev.vendor.settings import VendorSettings
from local_dev.vendor.stocks import StocksSocket

HOST = "127.0.0.1"
SOCKET_PATH = "/stocks"
STOP_S = 2.0


class VendorServer:
    """`async with VendorServer(recording, settings, port=0) as server:` serves at `server.url` until the block ends.

    `monotonic` gives seconds and drives the feed's clock. Raises WrongInputError if the port cannot be used.
    """

    def __init__(
        self,
        recording: Recording,
        settings: VendorSettings,
        *,
        port: int = 0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        faults = parse_faults(settings.faults)
        self.feed = Feed(recording.tape, settings, faults, monotonic)
        self._stocks = StocksSocket(self.feed, settings)
        self._rest = RestSide(recording, self.feed, settings, faults)
        self._wanted_port = port
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    async def __aenter__(self) -> "VendorServer":
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
        self._running = asyncio.create_task(self.feed.run())
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
