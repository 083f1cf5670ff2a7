"""What the feed's clock sends and when, seen by a bare client."""

import asyncio
from pathlib import Path

from local_dev.vendor.settings import VendorSettings
from tests.unit.local_dev.vendor.support import (
    DAY_MS,
    OPEN_MS,
    MovedClock,
    client,
    eventually,
    record,
    serving,
    trade,
)

HELD = VendorSettings(speed=None, hold=True)


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
