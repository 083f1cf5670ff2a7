"""The whole service over streams and tables in memory, and clients of its socket."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from serving_layer.auth.keys import Caller
from serving_layer.push.client import Limits
from serving_layer.push.day import Sums, sums_of
from serving_layer.push.service import Push, Sources
from shared.bars.algebra import prepare_rows
from shared.bars.sessions import new_york_sessions
from shared.clients.kinesis import Page, ReadRecord
from shared.errors import StoreUnavailable
from shared.frames import VERSION, BarRecord, Part, TradeRow, encode, partial_to_wire
from shared.models.alert import StoredCrossing
from shared.models.bar import Partial
from shared.models.signal import Status, StoredSignal

T0 = 1_381_239_000_000
"""2013-10-08 09:30 in New York, Unix ms."""
S0 = T0 // 1000
MINUTE = 60_000
KEY = "good"
POLL_S = 0.01
PATIENCE_S = 20.0


def row(n: int, t: int = T0, p: str = "167.42", s: str = "100", **changes: Any) -> TradeRow:
    """Trade `n`; conditions that let it count in everything."""
    fields: dict[str, Any] = {"q": n, "x": 12, "trfi": 0, "i": str(n), "c": (), "z": 2} | changes
    return TradeRow(t=t, p=p, s=s, **fields)


def partial_of(rows: Iterable[TradeRow]) -> Partial:
    """The partial of trades that count in everything; prices of at most two decimals, sizes of at most six."""
    scaled = [(r.t, r.q, round(float(r.p) * 100) * 10**7, round(float(r.s) * 10**6), 31) for r in rows]
    return prepare_rows(scaled)


def part(f: str, rows: list[TradeRow], sym: str = "SPY", late: int = 0) -> Part:
    """The part of one event second."""
    return Part(VERSION, f, sym, rows[0].t // 1000, partial_to_wire(partial_of(rows)), late, rows)


def heartbeat(f: str, promise: int) -> Part:
    return Part(VERSION, f, "", promise)


def minute(sym: str, t: int, rows: Iterable[TradeRow], rev: int = 0, tf: str = "1m") -> BarRecord:
    """A record of the bars stream."""
    return BarRecord(VERSION, sym, tf, t, partial_to_wire(partial_of(rows)), rev, "python", t // 1000 + 60)


class Shard:
    """A shard in memory. `down`: reads fail; `closed`: it ends after what it holds."""

    def __init__(self, name: str = "shardId-000000000000") -> None:
        self.name = name
        self.records: list[ReadRecord] = []
        self.opened = False
        self.down = self.closed = False
        self.reads = 0
        self._next = 0

    def put(self, parts: list[Part] | list[BarRecord] | bytes) -> None:
        data = parts if isinstance(parts, bytes) else encode(parts)
        self.records.append(ReadRecord(len(self.records) + 1, data))

    def open(self) -> None:
        self._next = len(self.records)
        self.opened = True

    def read(self) -> Page:
        self.reads += 1
        if self.down:
            raise StoreUnavailable("stream: throttled")
        records, self._next = self.records[self._next :], len(self.records)
        return Page(records, behind=False, closed=self.closed)


def signal_of(id_: str, known_at: int, *, sym: str = "SPY", status: Status = "active") -> StoredSignal:
    """A buy of the 5-minute bar at T0."""
    return StoredSignal(id_, "ema", "{}", sym, "5m", T0, "buy", "167.42", status, known_at)


class World:
    """What the service reads."""

    def __init__(self, shards: int = 1) -> None:
        self.trades = [Shard(f"shardId-{number:012d}") for number in range(shards)]
        self.bars = Shard()
        self.table: dict[str, dict[int, Sums]] = {}
        self.table_down = self.keys_down = False
        self.table_reads = self.key_checks = 0
        self.through: int | None = 10**9
        self.signals: list[StoredSignal] = []
        self.crossings: list[StoredCrossing] = []
        self.callers = {KEY: Caller("1", ("live:read", "bars:read")), "rest": Caller("2", ("bars:read",))}
        self.now_ms = T0

    def store(self, sym: str, t: int, rows: Iterable[TradeRow], rev: int = 0) -> None:
        """The table has this minute."""
        self.table.setdefault(sym, {})[t] = sums_of(partial_of(rows), rev)

    def stored_day(self, sym: str, start: int, end: int) -> list[tuple[int, Sums]]:
        self.table_reads += 1
        if self.table_down:
            raise StoreUnavailable("bars table: down")
        return sorted((t, sums) for t, sums in self.table.get(sym, {}).items() if start <= t < end)

    def known_since(self, ms: int) -> Iterator[StoredSignal]:
        return (signal for signal in self.signals if signal.known_at >= ms)

    def fired_since(self, ms: int) -> Iterator[StoredCrossing]:
        return (stored for stored in self.crossings if stored.known_at >= ms)

    def ask_key(self, key: str) -> Caller | None:
        self.key_checks += 1
        if self.keys_down:
            raise StoreUnavailable("control table: down")
        return self.callers.get(key)

    def sources(self) -> Sources:
        return Sources(
            trades=self.trades,
            bars=[self.bars],
            stored_day=self.stored_day,
            stored_through=lambda: self.through,
            known_since=self.known_since,
            fired_since=self.fired_since,
            ask_key=self.ask_key,
            sessions=new_york_sessions(),
            now_ms=lambda: self.now_ms,
        )


class Running(NamedTuple):
    """A service that listens."""

    port: int
    task: "asyncio.Task[None]"

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


async def start(world: World, limits: Limits | None = None, port: int = 0) -> Running:
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(Push(world.sources(), limits).run("127.0.0.1", port, POLL_S, ready))
    either: list[asyncio.Future[Any]] = [ready, task]
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    return Running(ready.result(), task)


@asynccontextmanager
async def serving(world: World, limits: Limits | None = None) -> AsyncIterator[Running]:
    async with asyncio.timeout(PATIENCE_S):
        running = await start(world, limits)
        try:
            yield running
        finally:
            await running.stop()


class User:
    """A bare WebSocket client."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, action: str, params: str) -> None:
        await self.socket.send(json.dumps({"action": action, "params": params}))

    async def frame(self) -> list[dict[str, Any]]:
        events = json.loads(await self.socket.recv())
        assert isinstance(events, list)
        return events

    async def status(self) -> tuple[str, str]:
        """The next frame, which must be one status."""
        (event,) = await self.frame()
        assert event["ev"] == "status"
        return event["status"], event["message"]

    async def subscribe(self, channels: str) -> None:
        """Take the answers too."""
        await self.say("subscribe", channels)
        statuses = await self.events(len(channels.split(",")))
        assert [event["status"] for event in statuses] == ["success"] * len(statuses)

    async def events(self, count: int) -> list[dict[str, Any]]:
        """Exactly so many events, in whatever frames."""
        events: list[dict[str, Any]] = []
        while len(events) < count:
            events += await self.frame()
        assert len(events) == count, events[count:]
        return events


@asynccontextmanager
async def user(running: Running, channels: str = "", key: str = KEY, **options: Any) -> AsyncIterator[User]:
    """Authenticated, subscribed."""
    address = f"ws://127.0.0.1:{running.port}/stocks"
    options |= {"ping_interval": None}  # a busy machine may answer late
    async with connect(address, compression=None, max_size=2**20, close_timeout=1, **options) as socket:
        one = User(socket)
        assert await one.status() == ("connected", "Connected Successfully")
        await one.say("auth", key)
        assert await one.status() == ("auth_success", "authenticated")
        if channels:
            await one.subscribe(channels)
        yield one


async def closing(one: User) -> tuple[list[dict[str, Any]], int | None]:
    """Everything up to the end, and the close code."""
    events: list[dict[str, Any]] = []
    try:
        while True:
            events += await one.frame()
    except ConnectionClosed as closed:
        return events, None if closed.rcvd is None else closed.rcvd.code


async def eventually(holds: Any) -> None:
    while not holds():
        await asyncio.sleep(0.005)
