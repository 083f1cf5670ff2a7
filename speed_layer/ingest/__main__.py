"""`python -m speed_layer.ingest`: the process that owns the vendor's socket.

Exit codes: 0 stopped or feed ended, 2 the vendor refused us, 3 the lease is lost, 1 anything else.
"""

import asyncio
import gc
import signal
import sys
import time
import uuid
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from shared.bars.sessions import sessions_named
from shared.clients.aws import client
from shared.clients.kinesis import PutRecords
from shared.clients.polygon_rest import PolygonRest
from shared.errors import AccessRefused, LeaseLost, PermanentError
from shared.observability import event, logger
from shared.settings import read
from shared.stores.cache import Cache
from shared.stores.control import ControlStore
from shared.stores.valkey import Valkey, connect
from speed_layer.ingest.fill import fill
from speed_layer.ingest.lease import Lease
from speed_layer.ingest.publisher import Publisher
from speed_layer.ingest.recovery import find_tail
from speed_layer.ingest.report import report, write
from speed_layer.ingest.service import Ingester
from speed_layer.ingest.settings import IngestSettings
from speed_layer.ingest.socket import Feed

PUT_TIMEOUT_S = 3.0
READ_TIMEOUT_S = 10.0
STOP_S = 3.0
BARS_SHARDS = 1
THREADS = 32
"""For calls that wait, a put of each shard among them. A refill has its own: puts and the lease never wait for it."""

log = logger("ingest")


async def serve(settings: IngestSettings) -> None:
    """Run until the feed has ended, a task fails, or this task is cancelled."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
    control = ControlStore(client("dynamodb"), settings.control_table)
    lease = Lease(control, settings.lease_owner or uuid.uuid4().hex, settings.lease_seconds)
    epoch = await lease.take()
    event(log, 20, "lease taken", epoch=epoch)
    kinesis = client("kinesis", read_timeout_s=PUT_TIMEOUT_S, attempts=1)
    trades = Publisher(PutRecords(kinesis, settings.trades_stream, settings.shards), settings.lanes, lease.check)
    bars = Publisher(PutRecords(kinesis, settings.bars_stream, BARS_SHARDS), BARS_SHARDS, lease.check)
    async with asyncio.TaskGroup() as group:
        background = [group.create_task(task) for task in (lease.keep(), trades.run(), bars.run())]
        tail = await asyncio.to_thread(
            find_tail,
            client("kinesis", read_timeout_s=READ_TIMEOUT_S),
            settings.trades_stream,
            control.newest_epoch,
            live=settings.live,
            now=datetime.now(UTC),
        )
        symbols = [] if settings.symbols == "*" else settings.symbols.split(",")
        ingester = Ingester(
            epoch=epoch,
            lanes=settings.lanes,
            trades=trades,
            bars=bars,
            source=PolygonRest(settings.rest_url, settings.polygon_api_key),
            symbols=symbols,
            sessions=sessions_named(settings.sessions),
            live=settings.live,
            tail=tail,
            makes_bars=settings.bar_engine == "python",
        )
        await ingester.recover()
        channels = [f"T.{sym}" for sym in symbols] or ["T.*"]
        feed = Feed(settings.socket_url, settings.polygon_api_key, channels, ingester)
        tasks: list[Coroutine[Any, Any, None]] = [
            feed.run(),
            ingester.take_frames(),
            ingester.frame(),
            ingester.decide(),
        ]
        if settings.live:
            tasks.append(ingester.watch_silence())
        feeding = [group.create_task(task) for task in tasks]
        try:
            async with asyncio.TaskGroup() as telling:
                telling.create_task(report(ingester, trades, control, epoch))
                if settings.cache_endpoint:
                    telling.create_task(fill(ingester, _cache(settings)))
        finally:
            for task in feeding:
                task.cancel()
            ingester.framer.flush()
            try:
                async with asyncio.timeout(STOP_S):
                    await trades.drained()
            except TimeoutError:  # a put may still be under way: a successor waits the lease out, then refills
                event(log, 30, "stopped before everything was acknowledged")
            else:
                ingester.has_stopped = True
                await write(ingester, trades, control, epoch)
                await lease.release()
            for task in background:
                task.cancel()


def _cache(settings: IngestSettings) -> Cache:
    return Cache(Valkey(connect(settings.cache_endpoint, settings.cache_user, settings.cache_name), time.monotonic))


async def _until_signalled(settings: IngestSettings) -> None:
    task = asyncio.create_task(serve(settings))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        event(log, 20, "stopped")


def main() -> int:
    """Supervisor of the one process: settings in, exit code out."""
    try:
        settings = read(IngestSettings)
        if settings.lanes % settings.shards:
            raise PermanentError(f"LANES must be a multiple of SHARDS, was {settings.lanes} for {settings.shards}")
    except PermanentError as error:
        event(log, 50, str(error))
        return 2
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)  # most objects here live for minutes: looking through them often costs more
    code = 0
    try:
        asyncio.run(_until_signalled(settings))
    except* LeaseLost as lost:
        event(log, 50, "stopping", error=str(lost.exceptions[0]))
        code = 3
    except* AccessRefused as refused:
        event(log, 50, "stopping", error=str(refused.exceptions[0]))
        code = 2
    return code


if __name__ == "__main__":
    sys.exit(main())
