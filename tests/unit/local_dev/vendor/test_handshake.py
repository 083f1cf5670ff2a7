"""The WebSocket handshake and subscriptions, seen by a bare client."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from local_dev.vendor.settings import VendorSettings
from tests.unit.local_dev.vendor.support import (
    MovedClock,
    client,
    eventually,
    line,
    record,
    serving,
    trade,
)

HELD = VendorSettings(speed=None, hold=True)


def test_the_handshake_is_the_vendors(tmp_path: Path) -> None:
    path = record(tmp_path / "a.jsonl", [trade(1), trade(2, sym="BRK.A")])

    async def talk() -> None:
        settings = VendorSettings(speed=None, hold=True, api_key="right")
        async with serving(path, settings) as server, client(server) as user:
            assert await user.status() == ("connected", "Connected Successfully")
            await user.say("subscribe", "T.SPY")
            assert await user.status() == ("error", "not authenticated")
            await user.say("auth", "right")
            assert await user.status() == ("auth_success", "authenticated")
            await user.say("subscribe", "Q.SPY,T.,X,T.BRK.A")
            denied = [await user.status() for _ in range(3)]
            assert denied == [("error", f"not authorized to subscribe to: {name}") for name in ("Q.SPY", "T.", "X")]
            assert await user.status() == ("success", "subscribed to: T.BRK.A")
            assert await user.until_end() == [trade(2, sym="BRK.A")]
            await user.say("unsubscribe", "T.BRK.A")
            assert await user.status() == ("success", "unsubscribed to: T.BRK.A")
            await user.socket.send("not json")
            await user.say("dance", "T.SPY")
            assert [(await user.status())[0] for _ in range(2)] == ["error", "error"]

    asyncio.run(talk())


def test_a_client_may_authenticate_before_it_is_told_that_it_is_connected(tmp_path: Path) -> None:
    path = record(tmp_path / "a.jsonl", [trade(1)])

    async def talk() -> None:
        async with serving(path, HELD) as server, client(server) as user:
            await user.say("auth", "key")
            await user.say("subscribe", "T.*")
            assert [(await user.status())[0] for _ in range(3)] == ["connected", "auth_success", "success"]
            assert await user.until_end() == [trade(1)]

    asyncio.run(talk())


@pytest.mark.parametrize("key", ["wrong", ""])
def test_a_wrong_key_is_told_so_and_closed(tmp_path: Path, key: str) -> None:
    path = record(tmp_path / "a.jsonl", [trade(1)])

    async def talk() -> None:
        async with serving(path, VendorSettings(api_key="right")) as server, client(server) as user:
            await user.say("auth", key)
            assert (await user.status())[0] == "connected"
            assert await user.status() == ("auth_failed", "authentication failed")
            with pytest.raises(ConnectionClosed) as closed:
                await user.frame()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1008

    asyncio.run(talk())


def test_a_client_that_never_authenticates_is_told_so_and_closed(tmp_path: Path) -> None:
    path = record(tmp_path / "a.jsonl", [trade(1)])

    async def talk() -> None:
        async with serving(path, VendorSettings(auth_s=0.05)) as server, client(server) as user:
            assert [(await user.status())[0] for _ in range(2)] == ["connected", "auth_timeout"]
            with pytest.raises(ConnectionClosed):
                await user.frame()

    asyncio.run(talk())


def test_another_market_is_not_served(tmp_path: Path) -> None:
    path = record(tmp_path / "a.jsonl", [trade(1)])

    async def talk() -> None:
        async with serving(path, HELD) as server:
            with pytest.raises(InvalidStatus):
                await connect(f"ws://127.0.0.1:{server.port}/crypto")

    asyncio.run(talk())


def test_everything_arrives_in_the_recorded_order_with_odd_lines_alone(tmp_path: Path) -> None:
    nan = line(trade(2_500)).replace(b"167.42", b"NaN")
    good = [trade(number) for number in range(3_000)]
    events: list[dict[str, Any] | bytes] = [*good[:2_500], nan, b"{half a li", *good[2_501:]]
    path = record(tmp_path / "a.jsonl", events)

    async def talk() -> list[str]:
        async with serving(path, HELD) as server, client(server) as user:
            await user.login("T.*")
            frames: list[str] = []
            while not frames or "feed_ended" not in frames[-1]:
                frames.append(str(await user.socket.recv()))
            return frames[:-1]

    frames = asyncio.run(talk())
    assert frames.count(f"[{nan.decode()}]") == frames.count("[{half a li]") == 1
    recorded = [event if isinstance(event, bytes) else line(event) for event in events]
    assert ",".join(frame[1:-1] for frame in frames) == b",".join(recorded).decode()


def test_a_client_gets_only_the_symbols_it_asked_for_and_can_take_some_back(tmp_path: Path) -> None:
    events = [trade(number, sym=sym) for number in range(1, 4) for sym in "ABC"]
    path, clock = record(tmp_path / "a.jsonl", [*events]), MovedClock()

    async def talk() -> None:
        async with serving(path, VendorSettings(hold=True), clock) as server, client(server) as user:
            await user.login("T.A,T.B")
            assert [event["sym"] for event in await user.trades(2)] == ["A", "B"]
            await user.say("unsubscribe", "T.A")
            assert await user.status() == ("success", "unsubscribed to: T.A")
            clock.now += 1
            assert [event["sym"] for event in await user.until_end()] == ["B", "B"]

    asyncio.run(talk())


def test_who_subscribes_after_the_end_is_told_at_once(tmp_path: Path) -> None:
    path = record(tmp_path / "a.jsonl", [trade(1)])

    async def talk() -> None:
        async with serving(path, VendorSettings(speed=None)) as server:
            await eventually(lambda: server.feed.ended)
            for _ in range(2):
                async with client(server) as user:
                    await user.login("T.*")
                    assert (await user.status())[0] == "feed_ended"

    asyncio.run(talk())
