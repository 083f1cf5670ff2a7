"""What an ingester has and no table yet, put into the cache: last trades and forming minutes.

Four times a second trades, once a second minutes, each in a thread: a cache that is away costs the feed nothing, and
what it did not take is put again.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Protocol

from shared.bars.windows import MINUTE_MS
from shared.models.bar import Partial
from shared.models.trade import Trade
from speed_layer.ingest.service import Ingester

EVERY_S = 0.25
TRADES_PER_MINUTES = 4
"""Rounds of last trades to one of minutes."""


class FormingCache(Protocol):
    """shared/stores/cache.py: neither call raises; False when the cache did not take what it was given."""

    def put_minutes(self, updates: Mapping[tuple[str, int], Partial]) -> bool: ...
    def put_last(self, trades: Iterable[Trade]) -> bool: ...


class Filler:
    """What has changed since the last round, and what the cache did not take in rounds before."""

    def __init__(self, ingester: Ingester, cache: FormingCache) -> None:
        self._ingester, self._cache = ingester, cache
        self._trades: dict[str, Trade] = {}
        self._minutes: dict[tuple[str, int], Partial] = {}

    async def put_trades(self) -> None:
        for trade in self._ingester.framer.newest.take():
            held = self._trades.get(trade.sym)
            if held is None or (held.t, held.q) <= (trade.t, trade.q):
                self._trades[trade.sym] = trade
        if await asyncio.to_thread(self._cache.put_last, list(self._trades.values())):
            self._trades = {}

    async def put_minutes(self) -> None:
        """A minute that has closed on its way is forgotten: it is stored by now."""
        open_from = self._ingester.framer.promise * 1000 - MINUTE_MS
        self._minutes = {key: partial for key, partial in self._minutes.items() if key[1] > open_from}
        touched = self._ingester.engine.touched_minutes()
        self._minutes |= {(sym, start * 1000): partial for sym, start, partial in touched}
        if await asyncio.to_thread(self._cache.put_minutes, self._minutes):
            self._minutes = {}


async def fill(ingester: Ingester, cache: FormingCache) -> None:
    """Until the feed has ended: the last round puts what came before that."""
    filler, number = Filler(ingester, cache), 0
    while True:
        ended = ingester.ended.is_set()
        if ingester.is_pressed and not ended:  # nobody is worse off than without a cache; the feed would be
            await asyncio.sleep(EVERY_S)
            continue
        await filler.put_trades()
        if ended or number % TRADES_PER_MINUTES == 0:
            await filler.put_minutes()
        if ended:
            return
        number += 1
        await asyncio.sleep(EVERY_S)
