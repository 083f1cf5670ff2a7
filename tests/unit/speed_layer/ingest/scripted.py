"""A vendor that does as it is told at each connection, and a listener that notes what the feed says."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from speed_layer.ingest.socket import Feed

Scene = Callable[[ServerConnection], Awaitable[None]]


def status(name: str, message: str = "told") -> str:
    return json.dumps([{"ev": "status", "status": name, "message": message}])


async def accept(socket: ServerConnection) -> list[str]:
    """The whole handshake; the channels that were asked for."""
    await socket.send(status("connected"))
    await socket.recv()
    await socket.send(status("auth_success"))
    channels = str(json.loads(await socket.recv())["params"]).split(",")
    for channel in channels:
        await socket.send(status("success", f"subscribed to: {channel}"))
    return channels


async def reset(socket: ServerConnection) -> None:
    socket.transport.abort()


async def stay(socket: ServerConnection) -> None:
    await socket.wait_closed()


class Vendor:
    """`scenes` in turn, after a handshake each; the last one for every further connection."""

    def __init__(self, *scenes: Scene, handshake: bool = True) -> None:
        self.scenes, self.handshake = scenes, handshake
        self.asked: list[list[str]] = []
        self.connections = 0
        self.url = ""

    async def serve(self, socket: ServerConnection) -> None:
        self.connections += 1
        try:
            if self.handshake:
                self.asked.append(await accept(socket))
            await self.scenes[min(self.connections, len(self.scenes)) - 1](socket)
        except ConnectionClosed:
            pass


class Listener:
    """`silent` is what the feed is told when it asks."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.frames: list[Any] = []
        self.silent = False

    async def on_up(self) -> None:
        self.said.append("up")

    def on_down(self) -> None:
        self.said.append("down")

    async def on_frame(self, data: bytes) -> None:
        self.frames += json.loads(data)

    def is_silent(self) -> bool:
        return self.silent

    def ups(self) -> int:
        return self.said.count("up")


@asynccontextmanager
async def open_vendor(vendor: Vendor) -> AsyncIterator[Vendor]:
    async with serve(vendor.serve, "127.0.0.1", 0, compression=None, ping_interval=None, close_timeout=0.2) as server:
        vendor.url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        yield vendor


async def until(holds: Callable[[], bool], feed: "asyncio.Task[None]") -> None:
    """Wait while the feed runs; what ends the feed is raised here."""
    async with asyncio.timeout(10):
        while not holds():
            if feed.done():
                feed.result()
            await asyncio.sleep(0.002)


@asynccontextmanager
async def running(url: str, listener: Any, *channels: str) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(Feed(url, "key", channels or ("T.*",), listener).run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
