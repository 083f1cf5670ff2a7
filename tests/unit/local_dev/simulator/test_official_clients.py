"""The vendor's own Python client, unmodified, against the simulated market."""

import asyncio
from typing import Any

from polygon import RESTClient  # type: ignore[import-untyped]  # it ships no type information

from local_dev.simulator.market import SYMBOLS, Market
from local_dev.simulator.trades import Trades
from local_dev.vendor.settings import VendorSettings
from tests.unit.local_dev.simulator.support import NOW_MS, SEED, MovedHost, serving
from tests.unit.local_dev.vendor.support import PATIENCE_S, eventually
from tests.unit.local_dev.vendor.test_official_clients import socket_client


def test_the_official_clients_read_the_same_trades_from_stream_and_rest() -> None:
    received: list[Any] = []
    expected = Trades(Market(SEED)).between(NOW_MS // 1000 + 1, NOW_MS // 1000 + 61, [SYMBOLS.index("AAPL")])
    expected = [trade for trade in expected if trade.due_ms <= NOW_MS + 60_000]

    async def listen() -> list[Any]:
        host = MovedHost()
        settings = VendorSettings(hold=True, api_key="key")
        async with asyncio.timeout(PATIENCE_S * 3), serving(settings, host) as server:
            user = socket_client(server.port, "T.AAPL")

            async def take(trades: list[Any]) -> None:
                received.extend(trades)

            reading = asyncio.create_task(user.connect(take))
            await eventually(lambda: server.feed.first_sec > 0)
            host.now_ms += 60_000
            await eventually(lambda: len(received) >= len(expected))
            await user.close()
            await reading
            rest = RESTClient(api_key="key", base=server.url)
            return await asyncio.to_thread(lambda: list(rest.list_trades("AAPL", order="asc", limit=50)))

    refilled = asyncio.run(listen())
    assert sorted(int(got.id) for got in received) == [trade.row for trade in expected]
    by_id = {got.id: got for got in received}
    for row in refilled:
        streamed = by_id[row.id]
        assert (row.price, row.size, row.exchange) == (streamed.price, streamed.size, streamed.exchange)
        assert (row.sequence_number, row.tape) == (streamed.sequence_number, streamed.tape)
        assert row.sip_timestamp == streamed.timestamp * 10**6
        assert row.conditions == streamed.conditions
    assert [int(row.id) for row in refilled] == [trade.row for trade in expected]
