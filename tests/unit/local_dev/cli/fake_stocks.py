"""A platform's front door made up for a test: `/stocks` acts out a script per connection, REST answers are fixed."""

import asyncio
import io
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

PATIENCE_S = 10.0
KEY = "cv_local_secret"
SNAPSHOT = {
    "ticker": "AIG",
    "updated": 1_381_239_000_000_000_000,
    "prevDay": {"c": 45.0},
    "day": {"v": 1200},
    "lastTrade": {"p": 45.05, "s": 50, "t": 1_381_239_000_000_000_000},
}
SIGNAL = {
    "id": "s1",
    "ticker": "AIG",
    "strategy": "macd_cross",
    "timeframe": "5m",
    "t": 1_381_238_700_000,
    "side": "buy",
    "price": 45.01,
    "status": "active",
}
HEALTH = {"feed": {"source": "sim", "simulated": True, "last_trade_ms": 0}, "local_key": KEY}


class Client:
    """The other end of one connection, as a script sees it."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection

    async def send(self, *events: dict[str, Any]) -> None:
        await self._connection.send(json.dumps(events))

    async def status(self, status: str, message: str = "as the script wants it") -> None:
        await self.send({"ev": "status", "status": status, "message": message})

    async def said(self) -> str:
        """Parameters of the client's next message."""
        return str(json.loads(await self._connection.recv())["params"])

    async def log_in(self) -> str:
        """The whole handshake; the channels that were asked for."""
        await self.status("connected")
        assert await self.said() == KEY
        await self.status("auth_success")
        channels = await self.said()
        await self.send(
            *({"ev": "status", "status": "success", "message": f"subscribed to: {c}"} for c in channels.split(","))
        )
        return channels

    async def close(self, code: int, reason: str = "") -> None:
        await self._connection.close(code, reason)

    def cut(self) -> None:
        self._connection.transport.abort()


Script = Callable[[Client], Awaitable[None]]


class FakeStocks:
    """`failed`: what went wrong in a script. `answers`: path without its query -> status and body.
    `door`: statuses that the first requests for `/stocks` are answered with."""

    def __init__(self, scripts: tuple[Script, ...], door: tuple[int, ...]) -> None:
        self.connections, self.failed = 0, list[BaseException]()
        self.asked: list[str] = []
        self.answers: dict[str, tuple[int, dict[str, Any]]] = {
            "/v1/health": (200, HEALTH),
            "/v2/snapshot/locale/us/markets/stocks/tickers": (200, {"tickers": [SNAPSHOT]}),
            "/v1/signals": (200, {"results": [SIGNAL]}),
        }
        self.url = ""
        self._scripts, self._door = scripts, list(door)

    def request(self, connection: ServerConnection, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        if path == "/stocks":
            return connection.respond(HTTPStatus(self._door.pop(0)), "no\n") if self._door else None
        self.asked.append(request.path)
        status, body = self.answers.get(path, (404, {"error": "not found"}))
        return connection.respond(HTTPStatus(status), json.dumps(body))

    async def connection(self, connection: ServerConnection) -> None:
        script = self._scripts[min(self.connections, len(self._scripts) - 1)]
        self.connections += 1
        try:
            await script(Client(connection))
            await connection.wait_closed()
        except ConnectionClosed:
            pass  # the client has ended
        except BaseException as error:
            self.failed.append(error)
            interrupt()
            raise


@contextmanager
def stocks(
    *scripts: Script, door: tuple[int, ...] = (), after: Callable[[], bool] = lambda: True
) -> Iterator[FakeStocks]:
    """Connections are refused until `after` holds."""
    fake, stop = FakeStocks(scripts, door), asyncio.Event()
    loop, bound = asyncio.new_event_loop(), socket.socket()
    bound.bind(("127.0.0.1", 0))
    fake.url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    listening = threading.Event()

    async def run() -> None:
        while not after() and not stop.is_set():
            await asyncio.sleep(0.005)
        async with serve(fake.connection, sock=bound, process_request=fake.request, close_timeout=1):
            listening.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    try:
        assert not after() or listening.wait(PATIENCE_S)
        yield fake
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
        loop.close()
        assert fake.failed == []


async def shown(out: io.StringIO, *texts: str) -> None:
    """Wait until all of these stand in the output."""
    deadline = time.monotonic() + PATIENCE_S
    while missing := [text for text in texts if text not in out.getvalue()]:
        assert time.monotonic() < deadline, f"{missing} never shown in:\n{out.getvalue()}"
        await asyncio.sleep(0.005)


def interrupt() -> None:
    """Ctrl-C."""
    os.kill(os.getpid(), signal.SIGINT)
