"""The socket: handshake, data, refusals, slow consumers, stops. Streams and tables are in memory, sockets are real."""

import asyncio
import json
import threading
import urllib.request
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import InvalidStatus

from serving_layer.auth.keys import Caller
from serving_layer.push import server
from serving_layer.push.client import AskKey, Client, Limits
from serving_layer.push.hub import Hub
from serving_layer.push.server import LARGEST_MESSAGE
from tests.unit.serving_layer.push.support import (
    KEY,
    MINUTE,
    S0,
    T0,
    User,
    World,
    closing,
    eventually,
    heartbeat,
    minute,
    part,
    row,
    serving,
    signal_of,
    start,
    user,
)

PATIENCE_S = 30.0


def run(test: Callable[[World], Coroutine[Any, Any, None]]) -> None:
    async def within() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await test(World())

    asyncio.run(within())


async def health(port: int) -> dict[str, Any]:
    def get() -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            body: dict[str, Any] = json.load(answer)
            return body

    return await asyncio.to_thread(get)


# -- data ---------------------------------------------------------------------------------------------------------


def test_trades_second_bars_minute_bars_and_signals_reach_a_subscriber_of_all() -> None:
    async def test(world: World) -> None:
        rows = [row(1), row(2, T0 + 5, p="168", s="300")]
        async with serving(world) as running, user(running, "T.*,A.*,AM.*,S.*") as one:
            world.trades[0].put([part("1-0-1", rows), heartbeat("1-0-2", S0 + 1)])
            events = await one.events(3)
            world.bars.put([minute("SPY", T0, rows)])
            world.signals.append(signal_of("a", T0))
            events += await one.events(2)
            by_kind = {event["ev"]: event for event in events}
            assert [event["q"] for event in events if event["ev"] == "T"] == [1, 2]
            for kind, width in (("A", 1_000), ("AM", MINUTE)):
                bar = by_kind[kind]
                assert (bar["o"], bar["h"], bar["l"], bar["c"], bar["v"]) == (167.42, 168, 167.42, 168, 400)
                assert (bar["vw"], bar["z"], bar["s"], bar["e"]) == (167.855, 200, T0, T0 + width)
            assert by_kind["AM"]["av"] == 400
            assert (by_kind["S"]["id"], by_kind["S"]["p"]) == ("a", 167.42)

    run(test)


def test_every_trade_goes_out_once_though_records_are_delivered_again() -> None:
    async def test(world: World) -> None:
        world.trades[0].put([part("1-0-1", [row(0)])])  # before our beginning
        async with serving(world) as running, user(running, "T.SPY") as one:
            for counter in range(2, 30):
                frame = [part(f"1-0-{counter}", [row(counter), row(1_000 + counter)])]
                for _ in range(1 + counter % 3):
                    world.trades[0].put(frame)
            events = await one.events(2 * 28)
            world.trades[0].put([part("1-0-30", [row(9_999)])])
            events += await one.events(1)
            assert [event["q"] for event in events] == [
                *(q for counter in range(2, 30) for q in (counter, 1_000 + counter)),
                9_999,
            ]

    run(test)


def test_only_what_was_subscribed_to_arrives() -> None:
    async def test(world: World) -> None:
        async with serving(world) as running, user(running, "T.BRK.A") as one, user(running, "AM.SPY") as other:
            world.trades[0].put([part("1-0-1", [row(1)]), part("1-0-1", [row(2)], sym="BRK.A")])
            world.bars.put([minute("QQQ", T0, [row(3)]), minute("SPY", T0, [row(3)])])
            assert [(event["sym"], event["q"]) for event in await one.events(1)] == [("BRK.A", 2)]
            assert [(event["ev"], event["sym"]) for event in await other.events(1)] == [("AM", "SPY")]
            await one.subscribe("T.QQQ")
            await one.say("unsubscribe", "T.BRK.A")
            assert await one.status() == ("success", "unsubscribed to: T.BRK.A")
            world.trades[0].put([part("1-0-2", [row(4)], sym="BRK.A"), part("1-0-2", [row(5)], sym="QQQ")])
            assert [event["q"] for event in await one.events(1)] == [5]

    run(test)


def test_an_unreadable_record_and_an_unreadable_part_take_nothing_else_along() -> None:
    async def test(world: World) -> None:
        broken = part("1-0-2", [row(2)], sym="BAD")
        broken.trades[0].p = "NaN"
        async with serving(world) as running, user(running, "T.*") as one:
            world.trades[0].put([part("1-0-1", [row(1)])])
            world.trades[0].put(b"\x00 no frame")
            world.trades[0].put([broken, part("1-0-2", [row(3)])])
            assert [event["q"] for event in await one.events(2)] == [1, 3]

    run(test)


def test_events_of_a_burst_share_frames() -> None:
    async def test(world: World) -> None:
        async with serving(world) as running, user(running, "T.*") as one:
            for counter in range(1, 101):
                world.trades[0].put([part(f"1-0-{counter}", [row(counter)])])
            frames, events = 0, 0
            while events < 100:
                events += len(await one.frame())
                frames += 1
            assert frames < 10

    run(test)


# -- handshake ----------------------------------------------------------------------------------------------------


def test_a_client_may_send_its_key_before_it_reads_anything() -> None:
    async def test(world: World) -> None:
        async with serving(world) as running, connect(f"ws://127.0.0.1:{running.port}/stocks") as socket:
            one = User(socket)
            await one.say("auth", KEY)
            await one.say("subscribe", "T.SPY")
            assert [(await one.status())[0] for _ in range(3)] == ["connected", "auth_success", "success"]

    run(test)


@pytest.mark.parametrize(
    ("key", "message"), [("wrong", "authentication failed"), ("rest", "live:read"), ("", "failed")]
)
def test_a_key_that_opens_nothing_here_is_refused_and_the_connection_closed(key: str, message: str) -> None:
    async def test(world: World) -> None:
        async with serving(world) as running, connect(f"ws://127.0.0.1:{running.port}/stocks") as socket:
            one = User(socket)
            assert (await one.status())[0] == "connected"
            await one.say("auth", key)
            (told,), code = await closing(one)
            assert (told["status"], code) == ("auth_failed", 1008)
            assert message in told["message"]

    run(test)


def test_while_keys_cannot_be_checked_a_client_is_asked_to_come_back() -> None:
    async def test(world: World) -> None:
        world.keys_down = True
        async with serving(world) as running, connect(f"ws://127.0.0.1:{running.port}/stocks") as socket:
            one = User(socket)
            await one.say("auth", KEY)
            events, code = await closing(one)
            assert ([event["status"] for event in events], code) == (["connected", "error"], 1013)

    run(test)


def test_without_a_key_nothing_is_given_and_the_connection_ends_in_time() -> None:
    async def test(world: World) -> None:
        async with (
            serving(world, Limits(auth_s=0.3)) as running,
            connect(f"ws://127.0.0.1:{running.port}/stocks") as socket,
        ):
            one = User(socket)
            await one.say("subscribe", "T.*")
            await one.socket.send("no json")
            world.trades[0].put([part("1-0-1", [row(1)])])
            events, code = await closing(one)
            assert [event["status"] for event in events] == ["connected", "error", "error", "auth_timeout"]
            assert code == 1008

    run(test)


def test_a_key_that_is_revoked_loses_its_connection_and_a_table_that_is_away_costs_nobody_his() -> None:
    async def test(world: World) -> None:
        async with serving(world, Limits(recheck_s=0.05)) as running, user(running, "T.SPY") as one:
            world.keys_down = True
            await asyncio.sleep(0.3)
            world.keys_down = False
            await one.subscribe("T.QQQ")
            del world.callers[KEY]
            (told,), code = await closing(one)
            assert (told["status"], code) == ("auth_failed", 1008)

    run(test)


def test_what_is_no_request_is_answered_and_the_conversation_goes_on() -> None:
    async def test(world: World) -> None:
        async with serving(world) as running, user(running) as one:
            for message in ("[", "[]", '{"action":7}'):
                await one.socket.send(message)
            assert [event["status"] for event in await one.events(3)] == ["error"] * 3
            await one.say("auth", KEY)
            assert (await one.status())[0] == "auth_success"
            await one.subscribe("T.SPY")

    run(test)


def test_a_message_of_every_symbol_is_taken_and_a_larger_one_than_allowed_ends_the_connection() -> None:
    async def test(world: World) -> None:
        async with serving(world) as running, user(running) as one:
            await one.subscribe(",".join(f"T.SYM{number}" for number in range(11_000)))
            await one.socket.send("x" * (LARGEST_MESSAGE + 1))
            _, code = await closing(one)
            assert code == 1009

    run(test)


# -- the port -----------------------------------------------------------------------------------------------------


def test_health_counts_connections_and_subscribers() -> None:
    async def test(world: World) -> None:
        async with serving(world) as running:
            assert await health(running.port) == {"ready": True, "connections": 0, "subscribed": 0}
            async with user(running), user(running, "T.SPY"):
                assert await health(running.port) == {"ready": True, "connections": 2, "subscribed": 1}
            await asyncio.sleep(0)
            while (await health(running.port))["connections"]:
                await asyncio.sleep(0.01)

    run(test)


def test_positions_are_taken_before_the_server_says_that_it_is_ready() -> None:
    async def test(world: World) -> None:
        running = await start(world)
        assert all(shard.opened for shard in [*world.trades, world.bars])
        assert (await health(running.port))["ready"] is True
        await running.stop()

    run(test)


@pytest.mark.parametrize(
    ("path", "origin", "status"),
    [
        ("/other", None, 404),
        ("/", None, 404),
        ("/stocks", "https://elsewhere.example", 403),
        ("/stocks", "null", 403),
        ("/stocks", "http://127.0.0.1:1", 403),
        ("/stocks", "http://[", 403),
    ],
)
def test_other_paths_and_pages_of_other_sites_are_refused(path: str, origin: str | None, status: int) -> None:
    async def test(world: World) -> None:
        headers = {} if origin is None else {"Origin": origin}
        async with serving(world) as running:
            with pytest.raises(InvalidStatus) as refused:
                async with connect(f"ws://127.0.0.1:{running.port}{path}", additional_headers=headers):
                    pass
            assert refused.value.response.status_code == status

    run(test)


def test_a_page_of_our_own_may_connect() -> None:
    async def test(world: World) -> None:
        async with (
            serving(world) as running,
            user(running, "T.SPY", additional_headers={"Origin": f"http://127.0.0.1:{running.port}"}),
        ):
            pass

    run(test)


def test_one_connection_too_many_is_told_so_and_the_others_stay() -> None:
    async def test(world: World) -> None:
        async with serving(world, Limits(connections=1)) as running, user(running, "T.SPY") as one:
            async with connect(f"ws://127.0.0.1:{running.port}/stocks") as socket:
                (told,), code = await closing(User(socket))
                assert (told["status"], code) == ("max_connections", 1008)
            world.trades[0].put([part("1-0-1", [row(1)])])
            assert len(await one.events(1)) == 1

    run(test)


def test_only_so_many_connections_may_have_given_no_key_and_those_that_have_do_not_count() -> None:
    async def test(world: World) -> None:
        limits = Limits(unauthenticated=2)
        async with serving(world, limits) as running, user(running), user(running), user(running) as one:
            address = f"ws://127.0.0.1:{running.port}/stocks"
            async with connect(address) as first, connect(address) as second:
                for socket in (first, second):
                    assert (await User(socket).status())[0] == "connected"
                async with connect(address) as third:
                    (told,), code = await closing(User(third))
                    assert (told["status"], code) == ("max_connections", 1008)
                await User(first).say("auth", KEY)
                assert (await User(first).status())[0] == "auth_success"
                async with user(running):
                    await one.subscribe("T.SPY")

    run(test)


class SlowKeys(World):
    """Keys are checked once that is allowed."""

    def __init__(self) -> None:
        super().__init__()
        self.allowed = threading.Event()

    def ask_key(self, key: str) -> Caller | None:
        assert self.allowed.wait(PATIENCE_S)
        return super().ask_key(key)


def test_of_a_client_that_sends_faster_than_it_is_heard_few_messages_are_taken_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sockets: list[ServerConnection] = []

    def client(socket: ServerConnection, hub: Hub, ask: AskKey, limits: Limits) -> Client:
        sockets.append(socket)
        return Client(socket, hub, ask, limits)

    async def test(_: World) -> None:
        world, limits = SlowKeys(), Limits(auth_s=PATIENCE_S, key_check_s=PATIENCE_S)
        async with serving(world, limits) as running, connect(f"ws://127.0.0.1:{running.port}/stocks") as socket:
            one = User(socket)
            await one.say("auth", KEY)
            sending = asyncio.create_task(_send_all(one, ["x" * LARGEST_MESSAGE] * 4))
            try:
                await eventually(lambda: sockets and not sockets[0].transport.is_reading())
            finally:
                world.allowed.set()
            assert [(await one.status())[0] for _ in range(2)] == ["connected", "auth_success"]
            assert [event["status"] for event in await one.events(4)] == ["error"] * 4, "each is heard in the end"
            await sending

    monkeypatch.setattr(server, "Client", client)
    run(test)


async def _send_all(one: User, messages: list[str]) -> None:
    for message in messages:
        await one.socket.send(message)


# -- slow consumers, stops ----------------------------------------------------------------------------------------


def test_a_slow_consumer_is_told_and_closed_and_another_gets_everything() -> None:
    async def test(world: World) -> None:
        limits = Limits(buffer_bytes=800_000, farewell_s=20)
        async with (
            serving(world, limits) as running,
            user(running, "T.*", max_queue=1) as slow,
            user(running, "T.*") as quick,
        ):
            got: list[int] = []

            async def read() -> None:
                while len(got) < 120_000:
                    got.extend(event["q"] for event in await quick.frame())

            reading = asyncio.create_task(read())
            for counter in range(60):
                rows = [row(2_000 * counter + n) for n in range(2_000)]
                world.trades[0].put([part(f"1-0-{counter + 1}", rows)])
                await eventually(lambda so_far=2_000 * (counter + 1): len(got) >= so_far)
            await reading
            assert got == list(range(120_000)), "every trade, once, in order"
            events, code = await closing(slow)
            told = [event for event in events if event["ev"] == "status"]
            assert ([event["status"] for event in told], code) == (["slow_consumer"], 1012)
            assert 0 < len(events) < 120_000, "it missed some, and was cut off for it"

    run(test)


def test_a_slow_consumer_that_never_reads_again_is_cut_off() -> None:
    async def test(world: World) -> None:
        limits = Limits(buffer_bytes=100_000, farewell_s=0.2)
        async with serving(world, limits) as running, user(running, "T.*", max_queue=1):
            counter = 0
            while (await health(running.port))["connections"]:
                counter += 1
                world.trades[0].put([part(f"1-0-{counter}", [row(n) for n in range(2_000)])])
                await asyncio.sleep(0.01)
            assert counter, "it was connected until something was sent"

    run(test)


def test_a_stop_closes_every_connection_with_1012_and_does_not_wait_for_who_does_not_read() -> None:
    async def test(world: World) -> None:
        running = await start(world)
        async with (
            user(running, "T.SPY") as one,
            user(running, "T.*", max_queue=1),
            connect(f"ws://127.0.0.1:{running.port}/stocks") as socket,
        ):
            assert (await User(socket).status())[0] == "connected"
            for counter in range(1, 40):
                world.trades[0].put([part(f"1-0-{counter}", [row(n) for n in range(2_000)], sym="QQQ")])
            await asyncio.sleep(0.3)
            begin = asyncio.get_running_loop().time()
            await running.stop()
            assert asyncio.get_running_loop().time() - begin < 4, "it does not wait for who does not read"
            for left in (one, User(socket)):
                _, code = await closing(left)
                assert code == 1012

    run(test)


def test_the_end_of_a_shard_ends_the_service_and_its_connections_with_1012() -> None:
    async def test(world: World) -> None:
        running = await start(world)
        async with user(running, "T.SPY") as one:
            world.trades[0].closed = True
            _, code = await closing(one)
            assert code == 1012
            with pytest.raises(ExceptionGroup) as ended:
                await running.task
            assert "was split or merged" in str(ended.value.exceptions[0])

    run(test)
