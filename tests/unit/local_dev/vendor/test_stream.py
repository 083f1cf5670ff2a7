"""The WebSocket side, seen by a bare client."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from local_dev.vendor.settings import VendorSettings
from tests.unit.local_dev.vendor.support import (
    DAY_MS,
    OPEN_MS,
    Client,
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


def test_a_held_clock_starts_with_the_first_subscription(tmp_path: Path) -> None:
    path, clock = record(tmp_path / "a.jsonl", [trade(0), trade(100)]), MovedClock()

    async def talk() -> None:
        async with serving(path, VendorSettings(hold=True), clock) as server, client(server) as user:
            await user.say("auth", "key")
            assert [(await user.status())[0] for _ in range(2)] == ["connected", "auth_success"]
            clock.now += 1_000
            await asyncio.sleep(0.1)
            assert (server.feed.held, server.feed.sent, server.feed.clock_ms()) == (True, 0, OPEN_MS)
            await user.say("subscribe", "T.SPY")
            assert (await user.status())[0] == "success"
            assert await user.trades(1) == [trade(0)]
            assert not server.feed.held
            clock.now += 1
            assert await user.until_end() == [trade(100)]

    asyncio.run(talk())


def test_the_clock_sends_what_is_due_and_nothing_before(tmp_path: Path) -> None:
    path, clock = record(tmp_path / "a.jsonl", [trade(number) for number in range(100)]), MovedClock()

    async def talk() -> None:
        async with serving(path, VendorSettings(speed=2, hold=True), clock) as server, client(server) as user:
            await user.login("T.*")
            assert await user.trades(1) == [trade(0)]
            clock.now += 0.1
            assert await user.trades(20) == [trade(number) for number in range(1, 21)]
            assert server.feed.clock_ms() == OPEN_MS + 200
            clock.now += 0.005
            assert await user.trades(1) == [trade(21)]

    asyncio.run(talk())


def test_the_clock_never_waits_for_an_absent_client(tmp_path: Path) -> None:
    path, clock = record(tmp_path / "a.jsonl", [trade(number) for number in range(100)]), MovedClock()

    async def talk() -> None:
        async with serving(path, VendorSettings(hold=True), clock) as server:
            async with client(server) as user:
                await user.login("T.*")
                assert await user.trades(1) == [trade(0)]
            await eventually(lambda: not server.feed.connections)
            clock.now += 0.5
            await eventually(lambda: server.feed.sent == 51)
            async with client(server) as user:
                await user.login("T.*")
                clock.now += 0.01
                assert await user.trades(1) == [trade(51)]

    asyncio.run(talk())


def test_at_max_speed_the_clock_runs_on_when_the_last_client_has_left(tmp_path: Path) -> None:
    path = record(tmp_path / "a.jsonl", [trade(number) for number in range(30_000)])

    async def talk() -> None:
        async with serving(path, HELD) as server:
            async with client(server, max_queue=1) as user:
                await user.login("T.*")
            await eventually(lambda: server.feed.ended)
            assert server.feed.sent == 30_000

    asyncio.run(talk())


def test_the_night_between_two_sessions_is_skipped(tmp_path: Path) -> None:
    path, clock = (
        record(
            tmp_path / "a.jsonl", [trade(0), trade(1, at_ms=OPEN_MS + DAY_MS), trade(2, at_ms=OPEN_MS + DAY_MS + 500)]
        ),
        MovedClock(),
    )

    async def talk() -> None:
        async with serving(path, VendorSettings(hold=True), clock) as server, client(server) as user:
            await user.login("T.*")
            assert [event["i"] for event in await user.trades(2)] == ["0", "1"]
            clock.now += 0.25
            assert server.feed.clock_ms() == OPEN_MS + DAY_MS + 250
            clock.now += 0.25
            assert [event["i"] for event in await user.until_end()] == ["2"]

    asyncio.run(talk())


def test_the_feed_can_start_in_the_middle(tmp_path: Path) -> None:
    path = record(tmp_path / "a.jsonl", [trade(number) for number in range(100)])

    async def talk() -> None:
        settings = VendorSettings(speed=None, hold=True, from_ms=OPEN_MS + 895)
        async with serving(path, settings) as server, client(server) as user:
            assert server.feed.sent == 90
            await user.login("T.*")
            assert await user.until_end() == [trade(number) for number in range(90, 100)]

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


BULK = [trade(number, at_ms=OPEN_MS + number // 10, note="x" * 1_000) for number in range(40_000)]  # 45 MB


def test_a_slow_consumer_is_told_and_closed_and_holds_up_nobody(tmp_path: Path) -> None:
    path, clock = record(tmp_path / "a.jsonl", [*BULK]), MovedClock()

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
            while len(taken) < len(BULK):
                clock.now += 0.1
                taken += await quick.trades(1_000 if len(taken) + 1_000 <= len(BULK) else len(BULK) - len(taken))
            assert taken == BULK
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


def test_at_max_speed_the_feed_waits_for_a_slow_consumer(tmp_path: Path) -> None:
    path = record(tmp_path / "a.jsonl", [*BULK])

    async def talk() -> None:
        settings = VendorSettings(speed=None, hold=True, buffer_bytes=1_000_000)
        async with serving(path, settings) as server, client(server, max_queue=1) as slow:
            await slow.login("T.*")
            await asyncio.sleep(0.5)
            assert server.feed.sent < len(BULK)
            stands_at = server.feed.sent
            await asyncio.sleep(0.2)
            assert server.feed.sent == stands_at
            assert await slow.until_end() == BULK

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
