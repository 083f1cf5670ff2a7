"""The service: shards are followed, events find their clients, until somebody stops it or a shard ends."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from serving_layer.push.alerts import AlertFeed, FiredSince
from serving_layer.push.bars import Bars
from serving_layer.push.client import AskKey, Limits
from serving_layer.push.day_reader import DayReader, StoredDay
from serving_layer.push.hub import Hub
from serving_layer.push.reading import Shard, follow
from serving_layer.push.seconds import Seconds
from serving_layer.push.server import PushServer
from serving_layer.push.signals import KnownSince, SignalFeed
from serving_layer.push.trades import Trades
from shared.bars.sessions import SessionTable
from shared.clients.kinesis import ReadRecord
from shared.frames import decode_bars
from shared.observability import event, logger

SIGNALS_POLL_S = 0.5
OTHER_THREADS = 16

log = logger("push")


@dataclass(frozen=True, slots=True)
class Sources:
    """What the service reads; all of it blocks and raises StoreUnavailable."""

    trades: Sequence[Shard]
    bars: Sequence[Shard]
    stored_day: StoredDay
    stored_through: Callable[[], int | None]
    known_since: KnownSince
    fired_since: FiredSince
    ask_key: AskKey
    sessions: SessionTable
    now_ms: Callable[[], int]


class Push:
    """Everything put together."""

    def __init__(self, sources: Sources, limits: Limits | None = None) -> None:
        self._sources = sources
        self._hub = Hub()
        self._days = DayReader(sources.stored_day, sources.stored_through)
        self._bars = Bars(self._hub, sources.sessions, self._days)
        self._trades = Trades(self._hub, Seconds(self._bars.second))
        self._signals = SignalFeed(self._hub, sources.known_since, sources.now_ms)
        self._alerts = AlertFeed(self._hub, sources.fired_since, sources.now_ms)
        self._server = PushServer(self._hub, sources.ask_key, limits)

    async def run(self, host: str, port: int, poll_s: float, ready: "asyncio.Future[int] | None" = None) -> None:
        """Never returns. Cancelled or failing, it closes every connection with 1012 first. `ready` gets the port once
        every shard's position is taken and the server listens."""
        shards = [*self._sources.trades, *self._sources.bars]
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(OTHER_THREADS))
        with ThreadPoolExecutor(len(shards)) as threads:  # of their own: a slow table must not hold up the shards
            await asyncio.gather(*(loop.run_in_executor(threads, shard.open) for shard in shards))
            listening = await self._server.start(host, port)
            event(log, 20, "listening", port=listening, shards=len(shards))
            if ready is not None:
                ready.set_result(listening)
            try:
                async with asyncio.TaskGroup() as group:
                    for shard in self._sources.trades:
                        group.create_task(follow(shard, self._take_trades, poll_s, threads))
                    for shard in self._sources.bars:
                        group.create_task(follow(shard, self._take_bars, poll_s, threads))
                    group.create_task(self._days.run())
                    group.create_task(self._signals.run(SIGNALS_POLL_S))
                    group.create_task(self._alerts.run(SIGNALS_POLL_S))
            finally:
                await self._server.stop()

    def _take_trades(self, record: ReadRecord) -> None:
        self._trades.take(record.data)

    def _take_bars(self, record: ReadRecord) -> None:
        self._days.saw(record.sequence)
        for bar in decode_bars(record.data):
            self._bars.record(bar)
