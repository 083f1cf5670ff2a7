"""What an ingester has done, as an item of its epoch in the control table, and the minutes it is forming."""

import asyncio
from typing import Any

from shared.errors import StoreUnavailable
from shared.observability import event, logger
from shared.stores.control import ControlStore
from speed_layer.ingest.publisher import Publisher
from speed_layer.ingest.service import Ingester, MinuteCache

EVERY_S = 1.0

log = logger("ingest.report")


def counts(ingester: Ingester, trades: Publisher) -> dict[str, Any]:
    """Totals since the start of this epoch. received = accepted + duplicates + quarantined, once nothing waits."""
    intake, framer = ingester.intake, ingester.framer
    return {
        "state": "ended" if ingester.ended.is_set() else "running",
        "trades_in": intake.received,
        "accepted": trades.accepted,
        "duplicates": intake.duplicates,
        "quarantined": sum(intake.quarantined.values()),
        "quarantined_by_reason": dict(intake.quarantined),
        "ignored": dict(intake.ignored),
        "unknown_conditions": intake.unknown_conditions,
        "frames": framer.counts["frames"],
        "parts": framer.counts["parts"],
        "late": framer.counts["late"],
        "bars": ingester.bars_out.bars,
        "gaps_filled": ingester.gap.filled,
        "gaps_unfilled": ingester.gap.unfilled,
        "put_failures": trades.failures,
        "last_trade_ms": ingester.clock.now_ms or 0,
        "promise": framer.promise,
    }


async def report(
    ingester: Ingester, trades: Publisher, control: ControlStore, epoch: int, cache: MinuteCache | None
) -> None:
    """Once a second, until the feed has ended; the last report says so."""
    while True:
        ended = ingester.ended.is_set()
        written = await write(ingester, trades, control, epoch)
        if cache is not None:
            minutes = {(sym, sec * 1000): partial for sym, sec, partial in ingester.engine.touched_minutes()}
            await asyncio.to_thread(cache.put_minutes, minutes)
        if ended and written:
            return
        await asyncio.sleep(EVERY_S)


async def write(ingester: Ingester, trades: Publisher, control: ControlStore, epoch: int) -> bool:
    """The counts as they are now; False when the table did not take them."""
    try:
        await asyncio.to_thread(control.put_epoch, epoch, counts(ingester, trades))
    except StoreUnavailable as error:
        event(log, 30, "counts not written", error=str(error))
        return False
    return True
