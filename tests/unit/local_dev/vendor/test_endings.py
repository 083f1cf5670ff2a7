"""How connections end, on purpose and by fault, seen by a bare client."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from local_dev.vendor.server import VendorServer
from local_dev.vendor.settings import VendorSettings
from tests.unit.local_dev.vendor.support import (
    OPEN_MS,
    Client,
    MovedClock,
    client,
    eventually,
    record,
    serving,
    trade,
)


@pytest.fixture(scope="module")
def bulk() -> list[dict[str, Any]]:
    """More than the buffers of both ends take: 22 MB."""
    return [trade(number, at_ms=OPEN_MS + number // 10, note="x" * 1_000) for number in range(20_000)]


def test_a_second_connection_of_a_key_is_served_and_the_older_told_and_closed(tmp_path: Path) -> None:
    path, clock = record(tmp_path / "a.jsonl", [trade(0), trade(100)]), MovedClock()

    async def talk() -> None:
        async with (
            serving(path, VendorSettings(hold=True), clock) as server,
            client(server) as older,
            client(server) as newer,
            client(server) as other,
        ):
            await older.login("T.*")
            assert await older.trades(1) == [trade(0)]
            await other.login("T.*", key="another key")
            await newer.login("T.*")
            assert await _last_status(older) == ("max_connections", 1008)
            clock.now += 1
            assert await newer.until_end() == await other.until_end() == [trade(100)]

    asyncio.run(talk())


def test_a_slow_consumer_is_told_and_closed_and_holds_up_nobody(tmp_path: Path, bulk: list[dict[str, Any]]) -> None:
    path, clock = record(tmp_path / "a.jsonl", [*bulk]), MovedClock()

    async def talk() -> None:
        settings = VendorSettings(hold=True, buffer_bytes=2_000_000)
        async with (
            serving(path, settings, clock) as server,
            client(server, max_queue=1) as slow,
            client(server) as quick,
        ):
            await quick.login("T.*", key="quick")
            await slow.login("T.*", key="slow")
            taken = await quick.trades(10)
            while len(taken) < len(bulk):
                clock.now += 0.1
                taken += await quick.trades(1_000 if len(taken) + 1_000 <= len(bulk) else len(bulk) - len(taken))
            assert taken == bulk
            assert [connection.key for connection in server.feed.connections] == ["quick"]
            assert await _last_status(slow) == ("slow_consumer", 1008)

    asyncio.run(talk())


async def _last_status(user: Client) -> tuple[str, int]:
    """Read to the end of a connection that is closed with a status: the status and the close code."""
    events: list[dict[str, Any]] = []
    try:
        while True:
            events = await user.frame()
    except ConnectionClosed as closed:
        return events[-1]["status"], closed.rcvd.code if closed.rcvd else 0


def test_at_max_speed_the_feed_waits_for_a_slow_consumer(tmp_path: Path, bulk: list[dict[str, Any]]) -> None:
    path = record(tmp_path / "a.jsonl", [*bulk])

    async def talk() -> None:
        settings = VendorSettings(speed=None, hold=True, buffer_bytes=1_000_000)
        async with serving(path, settings) as server, client(server, max_queue=1) as slow:
            await slow.login("T.*")
            await asyncio.sleep(0.5)
            assert server.feed.sent < len(bulk)
            stands_at = server.feed.sent
            await asyncio.sleep(0.2)
            assert server.feed.sent == stands_at
            assert await slow.until_end() == bulk

    asyncio.run(talk())


def test_a_server_that_stops_says_that_it_restarts(tmp_path: Path) -> None:
    path = record(tmp_path / "a.jsonl", [trade(0), trade(100)])

    async def talk() -> int:
        async with serving(path, VendorSettings(speed=0.1, hold=True)) as server:
            connection = client(server)
            user = await connection.__aenter__()
            await user.login("T.*")
            reading = asyncio.create_task(user.trades(2))
            await eventually(lambda: server.feed.sent == 1)
        with pytest.raises(ConnectionClosed) as closed:
            await reading
        await connection.__aexit__(None, None, None)
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code

    assert asyncio.run(talk()) == 1012


@pytest.mark.parametrize(("fault", "code"), [("drop@30", None), ("close@30:1011", 1011)])
def test_a_connection_ends_after_exactly_as_many_lines_and_the_next_goes_on(
    tmp_path: Path, fault: str, code: int | None
) -> None:
    path, clock = record(tmp_path / "a.jsonl", [trade(number) for number in range(100)]), MovedClock()

    async def talk() -> None:
        async with serving(path, VendorSettings(hold=True, faults=fault), clock) as server:
            async with client(server) as user:
                await user.login("T.*")
                clock.now += 0.5
                assert len(await user.trades(30)) == 30
                with pytest.raises(ConnectionClosed) as closed:
                    await user.frame()
                assert (closed.value.rcvd and closed.value.rcvd.code) == code
            async with client(server) as user:
                await user.login("T.*")
                clock.now += 1
                assert await user.until_end() == [trade(number) for number in range(51, 100)]

    asyncio.run(talk())


def test_a_silence_delays_trades_and_answers_pings(tmp_path: Path) -> None:
    path = record(tmp_path / "a.jsonl", [trade(number) for number in range(100)])

    async def talk() -> None:
        loop = asyncio.get_running_loop()
        settings = VendorSettings(speed=10, hold=True, faults="silence@40:0.6s")
        async with serving(path, settings) as server, client(server) as user:
            await user.login("T.*")
            assert len(await user.trades(40)) == 40
            began = loop.time()
            await (await user.socket.ping())
            assert loop.time() - began < 0.5
            assert await user.until_end() == [trade(number) for number in range(40, 100)]
            assert loop.time() - began > 0.5

    asyncio.run(talk())


def has_sent(server: VendorServer, lines: int) -> bool:
    return server.feed.sent == lines


def test_what_piles_up_in_a_silence_does_not_make_a_slow_consumer(tmp_path: Path) -> None:
    path, clock = record(tmp_path / "a.jsonl", [trade(number) for number in range(100)]), MovedClock()

    async def talk() -> None:
        settings = VendorSettings(hold=True, faults="silence@10:0.3s", buffer_bytes=3_000)
        async with serving(path, settings, clock) as server, client(server) as user:
            await user.login("T.*")
            clock.now += 0.095
            assert len(await user.trades(10)) == 10
            for sent in range(20, 101, 10):
                clock.now += 0.1
                await eventually(partial(has_sent, server, sent))
            assert await user.until_end() == [trade(number) for number in range(10, 100)]

    asyncio.run(talk())
