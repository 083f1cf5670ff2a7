"""`python -m serving_layer.push`: live data to Polygon's own WebSocket clients.

At most once: a record that the stream holds twice counts once, and what happens while the service is away is not sent
later, as with the vendor; clients read it by REST. Exit codes: 0 stopped, 2 wrong settings, 1 anything else, such as a
resharded stream: whoever supervises starts it again.
"""

import asyncio
import gc
import signal
import sys
import time
from datetime import UTC, datetime

from serving_layer.auth.keys import KeyCheck
from serving_layer.push.day import Sums, sums_of
from serving_layer.push.reading import Resharded
from serving_layer.push.service import Push, Sources
from serving_layer.push.settings import PushSettings
from shared.bars.sessions import sessions_named
from shared.clients.aws import client
from shared.clients.kinesis import ShardReader, open_shards
from shared.errors import PermanentError, StoreUnavailable
from shared.observability import event, logger
from shared.settings import read
from shared.stores.alerts import AlertStore
from shared.stores.bars import BarStore
from shared.stores.control import ControlStore
from shared.stores.signals import SignalStore

READ_TIMEOUT_S = 3.0
STORED_BY = "persist"
"""The stream function that stores the bars that the bars stream brings."""

log = logger("push")


def wire(settings: PushSettings) -> Sources:
    """What the service reads, from now on. Raises StoreUnavailable, and PermanentError for a table of sessions that is
    none."""
    since = datetime.now(UTC)
    kinesis = client("kinesis", read_timeout_s=READ_TIMEOUT_S, attempts=1)
    dynamodb = client("dynamodb", read_timeout_s=1.0, attempts=2)
    bars = BarStore(dynamodb, settings.bars_table)
    control = ControlStore(dynamodb, settings.control_table)

    def readers(stream: str) -> list[ShardReader]:
        return [ShardReader(kinesis, stream, shard, since) for shard in open_shards(kinesis, stream)]

    def stored_day(sym: str, start: int, end: int) -> list[tuple[int, Sums]]:
        return [
            (item.t, sums_of(item.shown, len(item.late))) for item in bars.minutes(sym, start, end, int(time.time()))
        ]

    def stored_through() -> int | None:
        sequence = control.through(STORED_BY)
        return None if sequence is None else int(sequence)

    return Sources(
        trades=readers(settings.trades_stream),
        bars=readers(settings.bars_stream),
        stored_day=stored_day,
        stored_through=stored_through,
        known_since=SignalStore(dynamodb, settings.signals_table).known_since,
        fired_since=AlertStore(dynamodb, settings.alerts_table).fired_since,
        ask_key=KeyCheck(control, time.monotonic).caller,
        sessions=sessions_named(settings.sessions),
        now_ms=lambda: time.time_ns() // 1_000_000,
    )


async def _until_signalled(settings: PushSettings) -> None:
    push = Push(await asyncio.to_thread(wire, settings))
    task = asyncio.create_task(push.run(settings.host, settings.port, settings.poll_seconds))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        event(log, 20, "stopped")


def main() -> int:
    """Settings in, exit code out."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)  # events live for a moment and hold no cycles: looking through them costs more
    code = 1
    try:
        settings = read(PushSettings)
        asyncio.run(_until_signalled(settings))
        code = 0
    except* Resharded as ended:
        event(log, 50, "stopping: start again to read the new shards", error=str(ended.exceptions[0]))
    except* StoreUnavailable as away:
        event(log, 50, "stopping", error=str(away.exceptions[0])[:200])
    except* OSError as taken:
        event(log, 50, "stopping: the port cannot be used", error=str(taken.exceptions[0])[:200])
    except* PermanentError as wrong:
        event(log, 50, "stopping", error=str(wrong.exceptions[0]))
        code = 2
    return code


if __name__ == "__main__":
    sys.exit(main())
