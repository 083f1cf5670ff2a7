"""Recordings made up for a test, a vendor server beside the test, and a bare client."""

import asyncio
import gzip
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from local_dev.vendor.recording import load
from local_dev.vendor.server import MarketServer, VendorServer
from local_dev.vendor.settings import VendorSettings

OPEN_MS = 1_381_239_000_000  # 2013-10-08 09:30 in New York
DAY_MS = 86_400_000
PATIENCE_S = 20.0


def trade(number: int, *, sym: str = "SPY", at_ms: int | None = None, **fields: object) -> dict[str, Any]:
    """Trade `number` of a symbol, 10 ms after the one before."""
    at_ms = OPEN_MS + 10 * number if at_ms is None else at_ms
    event = {"ev": "T", "sym": sym, "x": 12, "i": str(number), "z": 2, "p": 167.42, "s": 100, "c": [12], "t": at_ms}
    return event | {"q": number} | fields


def line(event: dict[str, Any]) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()


def record(path: Path, events: list[dict[str, Any] | bytes]) -> Path:
    """Write events (or raw lines) as a recording, gzip if the name says so."""
    data = b"".join((event if isinstance(event, bytes) else line(event)) + b"\n" for event in events)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


class MovedClock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def serving(
    path: Path, settings: VendorSettings, monotonic: Callable[[], float] = time.monotonic
) -> AsyncIterator[VendorServer]:
    async with asyncio.timeout(PATIENCE_S), VendorServer(load(path), settings, monotonic=monotonic) as server:
        yield server


@contextmanager
def serving_beside(
    path: Path, settings: VendorSettings, monotonic: Callable[[], float] = time.monotonic
) -> Iterator[VendorServer]:
    """The server in a thread of its own, for clients that block."""
    started: list[VendorServer] = []
    ready, loop, stop = threading.Event(), asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        async with VendorServer(load(path), settings, monotonic=monotonic) as server:
            started.append(server)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert ready.wait(PATIENCE_S)
        yield started[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
        loop.close()


class Client:
    """A bare WebSocket client that keeps what it was sent."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, action: str, params: str) -> None:
        await self.socket.send(json.dumps({"action": action, "params": params}))

    async def frame(self) -> list[Any]:
        events = json.loads(await self.socket.recv())
        assert isinstance(events, list)
        return events

    async def status(self) -> tuple[str, str]:
        """The next frame, which must be one status."""
        (event,) = await self.frame()
        assert event["ev"] == "status"
        return event["status"], event["message"]

    async def login(self, channels: str, key: str = "key") -> None:
        """Authenticate and subscribe, taking the answers."""
        await self.say("auth", key)
        assert [(await self.status())[0] for _ in range(2)] == ["connected", "auth_success"]
        await self.say("subscribe", channels)
        for channel in channels.split(","):
            assert await self.status() == ("success", f"subscribed to: {channel}")

    async def trades(self, count: int) -> list[dict[str, Any]]:
        """Read frames until `count` trades have come; a frame must not go beyond."""
        events: list[dict[str, Any]] = []
        while len(events) < count:
            events += await self.frame()
        assert len(events) == count
        return events

    async def until_end(self) -> list[dict[str, Any]]:
        """Everything up to `feed_ended`, that status left out."""
        events: list[dict[str, Any]] = []
        while not (events and events[-1].get("status") == "feed_ended"):
            events += await self.frame()
        return events[:-1]


@asynccontextmanager
async def client(server: MarketServer, **options: Any) -> AsyncIterator[Client]:
    address = f"ws://127.0.0.1:{server.port}/stocks"
    options |= {"ping_interval": None}  # a busy machine may answer late
    async with connect(address, compression=None, max_size=2**20, close_timeout=1, **options) as socket:
        yield Client(socket)


async def eventually(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.005)


def wait_until(holds: Callable[[], bool]) -> None:
    """`eventually` for a test that blocks."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)
