"""`/stocks` through the front door, against a push process made of the same library that the real one uses."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

from local_dev.runtime.gateway.pages import Pages
from local_dev.runtime.gateway.server import Gateway
from serving_layer.push.server import LARGEST_MESSAGE
from tests.unit.local_dev.runtime_servers.gateway.conftest import Functions, rest_api

SECONDS = 20
Behaviour = Callable[[ServerConnection], Awaitable[None]]


async def echo(client: ServerConnection) -> None:
    async for message in client:
        await client.send(message)


@asynccontextmanager
async def front_door(folder: Path, push_port: int) -> AsyncIterator[int]:
    gateway = Gateway(
        rest_api(),
        Functions(),
        socket.create_server(("127.0.0.1", 0)),
        pages=Pages(folder),
        push=f"http://127.0.0.1:{push_port}/stocks",
    )
    gateway.start()
    try:
        async with asyncio.timeout(SECONDS):
            yield gateway.port
    finally:
        await asyncio.to_thread(gateway.stop)


@asynccontextmanager
async def pushing(behaviour: Behaviour, port: int = 0) -> AsyncIterator[tuple[Server, int]]:
    async with serve(behaviour, "127.0.0.1", port, max_size=None) as server:
        yield server, int(next(iter(server.sockets)).getsockname()[1])


def client(port: int, **options: object) -> connect:
    return connect(f"ws://127.0.0.1:{port}/stocks", proxy=None, **options)  # type: ignore[arg-type]  # the options differ in type


async def last_word(connection: ClientConnection) -> tuple[int, str]:
    try:
        while True:
            await connection.recv()
    except ConnectionClosed as closed:
        return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")


def run(test: Awaitable[None]) -> None:
    async def main() -> None:
        await test

    asyncio.run(main())


def test_messages_go_through_in_order_and_as_they_are(tmp_path: Path) -> None:
    async def test() -> None:
        async with pushing(echo) as (_, push), front_door(tmp_path, push) as port, client(port) as connection:
            sent: list[str | bytes] = [json.dumps({"n": n, "t": "ü"}) for n in range(200)] + [b"\x00\xff"]
            for message in sent:
                await connection.send(message)
            assert [await connection.recv() for _ in sent] == sent

    run(test())


def test_a_ping_is_answered_by_the_far_end(tmp_path: Path) -> None:
    async def test() -> None:
        async with pushing(echo) as (server, push), front_door(tmp_path, push) as port, client(port) as connection:
            await asyncio.wait_for(await connection.ping(), SECONDS)
            (far,) = server.connections
            await asyncio.wait_for(await far.ping(), SECONDS)

    run(test())


def test_nothing_is_compressed(tmp_path: Path) -> None:
    async def test() -> None:
        async with (
            pushing(echo) as (_, push),
            front_door(tmp_path, push) as port,
            client(port, compression="deflate") as connection,
        ):
            assert connection.response is not None
            assert "Sec-WebSocket-Extensions" not in connection.response.headers

    run(test())


def test_the_push_process_says_why_it_closes(tmp_path: Path) -> None:
    async def test() -> None:
        async def refuse(connection: ServerConnection) -> None:
            await connection.send("slow consumer")
            await connection.close(1008, "too slow")

        async with pushing(refuse) as (_, push), front_door(tmp_path, push) as port, client(port) as connection:
            assert await connection.recv() == "slow consumer"
            assert await last_word(connection) == (1008, "too slow")

    run(test())


def test_clients_of_a_push_process_that_dies_are_told_to_come_back_and_may(tmp_path: Path) -> None:
    async def test() -> None:
        async with pushing(echo) as (server, push), front_door(tmp_path, push) as port:
            async with client(port) as connection:
                await connection.send("alive")
                assert await connection.recv() == "alive"
                for far in server.connections:
                    far.transport.abort()  # what a kill does
                assert (await last_word(connection))[0] == 1012
            server.close(close_connections=True)
            await server.wait_closed()
            with pytest.raises(InvalidStatus) as refused:
                await client(port)
            assert refused.value.response.status_code == 503
            async with pushing(echo, push), client(port) as connection:
                await connection.send("again")
                assert await connection.recv() == "again"

    run(test())


def test_the_push_process_hears_that_a_client_has_gone(tmp_path: Path) -> None:
    async def test() -> None:
        gone: asyncio.Queue[int | None] = asyncio.Queue()

        async def watch(connection: ServerConnection) -> None:
            await connection.wait_closed()
            gone.put_nowait(connection.close_code)

        async with pushing(watch) as (_, push), front_door(tmp_path, push) as port:
            connection = await client(port)
            await connection.close(4000, "done")
            assert await gone.get() == 4000
            connection = await client(port)
            connection.transport.abort()
            assert await gone.get() == 1001

    run(test())


def test_a_stop_of_the_platform_tells_clients_to_come_back(tmp_path: Path) -> None:
    async def test() -> None:
        async with pushing(echo) as (_, push):
            async with front_door(tmp_path, push) as port:
                connection = await client(port)
            assert (await last_word(connection))[0] == 1012

    run(test())


def test_a_client_that_does_not_read_holds_up_the_push_process_and_loses_nothing(tmp_path: Path) -> None:
    async def test() -> None:
        message, sent = "x" * 100_000, 0
        enough = asyncio.Event()

        async def flood(connection: ServerConnection) -> None:
            nonlocal sent
            for _ in range(2000):  # 200 MB: more than any buffer in between
                await connection.send(message)
                sent += 1
            enough.set()

        async with (
            pushing(flood) as (_, push),
            front_door(tmp_path, push) as port,
            client(port, max_queue=1) as connection,
        ):
            before = -1
            while before != sent:
                before = sent
                await asyncio.sleep(0.3)
            assert sent < 400
            for _ in range(2000):
                assert await connection.recv() == message
            await enough.wait()

    run(test())


def test_the_largest_message_that_the_push_process_takes_goes_through_and_a_larger_one_ends_the_connection(
    tmp_path: Path,
) -> None:
    async def test() -> None:
        message = "x" * LARGEST_MESSAGE
        async with (
            pushing(echo) as (_, push),
            front_door(tmp_path, push) as port,
            client(port, max_size=None) as connection,
        ):
            await connection.send(message)
            assert await connection.recv() == message
            await connection.send(message + "x")
            assert (await last_word(connection))[0] == 1009

    run(test())


def test_a_page_of_another_site_is_turned_away_before_the_push_process_hears_of_it(tmp_path: Path) -> None:
    async def test() -> None:
        heard = []

        async def listen(connection: ServerConnection) -> None:
            heard.append(connection.id)
            await echo(connection)

        async with pushing(listen) as (_, push), front_door(tmp_path, push) as port:
            for origin in ("http://evil.example", f"http://localhost:{port}", f"http://127.0.0.1:{port + 1}", "null"):
                with pytest.raises(InvalidStatus) as refused:
                    await client(port, origin=origin)
                assert refused.value.response.status_code == 403
            assert heard == []
            async with client(port, origin=f"http://127.0.0.1:{port}") as connection:
                await connection.send("from our own page")
                assert await connection.recv() == "from our own page"
            assert len(heard) == 1

    run(test())


def test_another_host_or_a_plain_request_is_no_client(tmp_path: Path) -> None:
    async def test() -> None:
        async with pushing(echo) as (_, push), front_door(tmp_path, push) as port:
            assert await status(port, f"127.0.0.1:{port}") == 426
            upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            assert await status(port, "evil.example", f"{upgrade}Sec-WebSocket-Key: {'A' * 22}==\r\n") == 421

    run(test())


async def status(port: int, host: str, headers: str = "") -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /stocks HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n".encode())
    line = await reader.readline()
    writer.close()
    return int(line.split()[1])
