"""The vendor's own Python client, unmodified, against our server."""

import asyncio
import math
from pathlib import Path
from typing import Any

import pytest
from polygon import RESTClient, WebSocketClient  # type: ignore[import-untyped]  # it ships no type information
from polygon.exceptions import AuthError, BadResponse  # type: ignore[import-untyped]  # the same

from local_dev.vendor.settings import VendorSettings
from tests.unit.local_dev.vendor.support import OPEN_MS, record, serving, serving_beside, trade, wait_until

HELD = VendorSettings(speed=None, hold=True, api_key="key")


def socket_client(port: int, *channels: str, key: str = "key", raw: bool = False) -> WebSocketClient:
    return WebSocketClient(
        api_key=key, feed=f"127.0.0.1:{port}", market="stocks", secure=False, raw=raw, subscriptions=list(channels)
    )


def test_the_websocket_client_receives_every_trade_it_subscribed_to(tmp_path: Path) -> None:
    events = [trade(number, sym="AB"[number % 2]) for number in range(3_000)]
    path = record(tmp_path / "a.jsonl", [*events])
    received: list[Any] = []

    async def listen() -> None:
        async with serving(path, HELD) as server:
            user = socket_client(server.port, "T.A")
            done = asyncio.Event()

            async def take(trades: list[Any]) -> None:
                received.extend(trades)
                if len(received) >= 1_500:
                    done.set()

            reading = asyncio.create_task(user.connect(take))
            await done.wait()
            await user.close()
            await reading

    asyncio.run(listen())
    fields = [(got.symbol, got.id, got.price, got.size, got.timestamp, got.sequence_number) for got in received]
    assert fields == [(e["sym"], e["i"], e["p"], e["s"], e["t"], e["q"]) for e in events if e["sym"] == "A"]


def test_the_websocket_client_says_that_a_key_was_refused(tmp_path: Path) -> None:
    path = record(tmp_path / "a.jsonl", [trade(1)])

    async def listen() -> None:
        async with serving(path, HELD) as server:
            with pytest.raises(AuthError, match="authentication failed"):
                await socket_client(server.port, "T.*", key="wrong").connect(print)

    asyncio.run(listen())


def test_the_websocket_client_reconnects_after_a_drop_and_goes_on(tmp_path: Path) -> None:
    path = record(tmp_path / "a.jsonl", [trade(number) for number in range(200)])
    received: list[int] = []

    async def listen() -> None:
        settings = VendorSettings(speed=4, hold=True, faults="drop@50")
        async with serving(path, settings) as server:
            user = socket_client(server.port, "T.*")
            done = asyncio.Event()

            async def take(trades: list[Any]) -> None:
                received.extend(got.sequence_number for got in trades)
                if received[-1] == 199:
                    done.set()

            reading = asyncio.create_task(user.connect(take))
            await done.wait()
            await user.close()
            await reading

    asyncio.run(listen())
    assert received[:50] == list(range(50))
    assert received == sorted(set(received))


def test_the_rest_client_pages_through_exactly_what_was_recorded(tmp_path: Path) -> None:
    events = [trade(number, p=100 + number / 7, c=[number % 50]) for number in range(1_234)]
    path = record(tmp_path / "a.jsonl.gz", [*events, trade(7)])
    with serving_beside(path, VendorSettings(speed=None, api_key="key")) as server:
        wait_until(lambda: server.feed.ended)
        rest = RESTClient(api_key="key", base=server.url)
        ascending = list(rest.list_trades("SPY", order="asc", limit=100))
        bounds = {"timestamp_gte": OPEN_MS * 10**6, "timestamp_lt": (OPEN_MS + 95) * 10**6}
        window = list(rest.list_trades("SPY", **bounds, limit=4))
        day = list(rest.list_trades("SPY", timestamp="2013-10-08", limit=50_000))
        snapshot = rest.get_snapshot_all("stocks", ["SPY"])
    got = [(t.id, t.price, t.size, t.exchange, t.conditions, t.sip_timestamp, t.tape) for t in ascending]
    assert got == [(e["i"], e["p"], e["s"], e["x"], e["c"], e["t"] * 10**6, e["z"]) for e in events]
    assert [t.sequence_number for t in window] == list(range(9, -1, -1))
    assert [t.id for t in day] == [t.id for t in reversed(ascending)]
    assert math.isclose(snapshot[0].last_trade.price, events[-1]["p"])
    assert snapshot[0].ticker == "SPY"


def test_the_rest_client_retries_server_errors_and_limits(tmp_path: Path) -> None:
    path = record(tmp_path / "a.jsonl", [trade(0)])
    settings = VendorSettings(speed=None, api_key="key", faults="http500@1,http429@1:0s")
    with serving_beside(path, settings) as server:
        wait_until(lambda: server.feed.ended)
        assert len(list(RESTClient(api_key="key", base=server.url).list_trades("SPY"))) == 1
        with pytest.raises(BadResponse, match="Unknown API Key"):
            list(RESTClient(api_key="wrong", base=server.url).list_trades("SPY"))
