"""Following a shard: read, hand on record by record, wait, for ever."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Protocol

from shared.clients.kinesis import Page, ReadRecord
from shared.errors import InvalidRecord, PermanentError, StoreUnavailable
from shared.observability import event, logger

CATCH_UP_S = 0.2
"""Between two reads while more is there: a shard gives five reads a second to all its readers."""
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.5, 5.0

log = logger("push.reading")


class Resharded(PermanentError):
    """A shard was split or merged: a new start reads the shards that there are now."""


class Shard(Protocol):
    """Where records come from (shared/clients/kinesis.py); reading blocks."""

    @property
    def name(self) -> str: ...
    def open(self) -> None: ...
    def read(self) -> Page: ...


async def follow(shard: Shard, take: Callable[[ReadRecord], None], poll_s: float, threads: Executor) -> None:
    """Hand every record to `take`, in order, others getting their turn in between. A record that cannot be read is
    logged and left out: other consumers put it in quarantine. Raises Resharded at the end of a closed shard."""
    loop, backoff = asyncio.get_running_loop(), FIRST_BACKOFF_S
    while True:
        began = loop.time()
        try:
            page = await loop.run_in_executor(threads, shard.read)
        except StoreUnavailable as error:
            event(log, 30, "shard not read", shard=shard.name, error=str(error)[:200])
            await asyncio.sleep(backoff)
            backoff = min(2 * backoff, LONGEST_BACKOFF_S)
            continue
        backoff = FIRST_BACKOFF_S
        for record in page.records:
            try:
                take(record)
            except InvalidRecord as error:
                event(log, 40, "record of the stream left out", reason=error.reason, shard=shard.name)
            await asyncio.sleep(0)
        if page.closed:
            raise Resharded(f"{shard.name} was split or merged")
        pause = min(CATCH_UP_S, poll_s) if page.behind else poll_s
        await asyncio.sleep(max(0.0, began + pause - loop.time()))
