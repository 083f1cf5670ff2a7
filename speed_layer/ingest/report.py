"""What an ingester has done, as items of the control table: the counts of its epoch, and all symbols there are."""

import asyncio
import time
from typing import Any

from shared.errors import StoreUnavailable
from shared.observability import event, logger
from shared.stores.control import ControlStore
from speed_layer.ingest.publisher import Publisher
from speed_layer.ingest.service import Ingester
from speed_layer.ingest.telling import EVERY_S as METRICS_EVERY_S
from speed_layer.ingest.telling import Telling

EVERY_S = 1.0
SYMBOLS_EVERY_S = 10.0

log = logger("ingest.report")


def counts(ingester: Ingester, trades: Publisher) -> dict[str, Any]:
    """Totals since the start of this epoch. received = accepted + duplicates + quarantined, once nothing waits."""
    intake, framer = ingester.intake, ingester.framer
    return {
        "state": "ended" if ingester.ended.is_set() else "stopped" if ingester.has_stopped else "running",
        "connection": ingester.connection,
        "channels_refused": sorted(ingester.refused_channels),
        "frames_given_up": ingester.given_up,
        "host_behind_ms": ingester.host_behind_ms,
        "told_ms": int(time.time() * 1000),
        "trades_in": intake.received,
        "accepted": trades.accepted,
        "duplicates": intake.duplicates,
        "quarantined": sum(intake.quarantined.values()),
        "quarantined_by_reason": dict(intake.quarantined),
        "ignored": dict(intake.ignored),
        "unknown_conditions": intake.unknown_conditions,
        "outliers": framer.oddities.counts["outliers"],
        "sequence_jumps": framer.oddities.counts["sequence_jumps"],
        "frames": framer.counts["frames"],
        "parts": framer.counts["parts"],
        "late": framer.counts["late"],
        "bars": ingester.bars_out.bars,
        "gaps_filled": ingester.gap.filled,
        "gaps_unfilled": ingester.gap.unfilled,
        "holes": ingester.gap.holes,
        "hole_from": ingester.hole_from,
        "refill_left": ingester.gap.left,
        "put_failures": trades.failures,
        "last_trade_ms": ingester.clock.now_ms or 0,
        "promise": framer.promise,
    }


async def report(ingester: Ingester, trades: Publisher, control: ControlStore, epoch: int) -> None:
    """Counts once a second, symbols when there are new ones, until the feed has ended; the last report says so.

    Metrics each minute, and once more when this ends, however it does.
    """
    telling = Telling()
    try:
        await _report(ingester, trades, control, epoch, telling)
    finally:
        telling.tell(counts(ingester, trades))


async def _report(ingester: Ingester, trades: Publisher, control: ControlStore, epoch: int, telling: Telling) -> None:
    symbols, symbols_due, told = Symbols(control), 0.0, False
    metrics_due = asyncio.get_running_loop().time() + METRICS_EVERY_S
    while True:
        if asyncio.get_running_loop().time() >= metrics_due:
            metrics_due += METRICS_EVERY_S
            telling.tell(counts(ingester, trades))
        ended = ingester.ended.is_set()
        if ended or asyncio.get_running_loop().time() >= symbols_due:
            symbols_due = asyncio.get_running_loop().time() + SYMBOLS_EVERY_S
            told = await symbols.tell(ingester.framer.newest.symbols)
        written = await write(ingester, trades, control, epoch)
        if ended and written and told:
            return
        await asyncio.sleep(EVERY_S)


class Symbols:
    """Symbols accepted so far, added to those that the table holds; only this process writes them."""

    def __init__(self, control: ControlStore) -> None:
        self._control = control
        self._known: set[str] | None = None

    async def tell(self, seen: set[str]) -> bool:
        """False when the table did not answer: what it has not taken is told the next time."""
        try:
            if self._known is None:
                self._known = set(await asyncio.to_thread(self._control.symbols))
            if not seen <= self._known:
                together = self._known | seen
                await asyncio.to_thread(self._control.put_symbols, sorted(together))
                self._known = together
        except StoreUnavailable as error:
            event(log, 30, "symbols not written", error=str(error))
            return False
        return True


async def write(ingester: Ingester, trades: Publisher, control: ControlStore, epoch: int) -> bool:
    """The counts as they are now; False when the table did not take them. Holes that it took are told."""
    ended = ingester.gap.ended
    try:
        await asyncio.to_thread(control.put_epoch, epoch, counts(ingester, trades))
    except StoreUnavailable as error:
        event(log, 30, "counts not written", error=str(error))
        return False
    ingester.gap.told(ended)
    return True
