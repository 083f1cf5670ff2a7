"""What the simulated market says of itself to the vendor's own client."""

import asyncio
from typing import Any

from polygon import RESTClient  # type: ignore[import-untyped]  # it ships no type information

from local_dev.simulator.market import SYMBOLS
from local_dev.vendor.settings import VendorSettings
from tests.unit.local_dev.simulator.support import MovedHost, serving


def test_it_lists_its_symbols_is_always_open_and_splits_nothing() -> None:
    def ask(url: str) -> tuple[Any, ...]:
        rest = RESTClient(api_key="key", base=url)
        listed = [one.ticker for one in rest.list_tickers(limit=7)]
        return listed, rest.get_market_status().market, rest.get_market_holidays(), list(rest.list_splits())

    async def go() -> tuple[Any, ...]:
        async with serving(VendorSettings(hold=True), MovedHost()) as server:
            return await asyncio.to_thread(ask, server.url)

    assert asyncio.run(go()) == (sorted(SYMBOLS), "open", [], [])
