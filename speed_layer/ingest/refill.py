"""How a gap is filled from REST: a call or a few for each symbol, and a whole market has thousands of them.

Only symbols that the vendor's snapshot says have traded since are asked for, those that trade most first: what comes
within the 30 s in which the promise stands is on time, so most trades and the windows that most look at are. A few are
asked for at once. A vendor that refuses calls (a quota) slows all of them down, and ends the refill only when it has
answered nothing at all for 30 s. What is left after the 30 s goes on and is late; what is left in the end is a hole.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import ParamSpec, Protocol, TypeVar

from shared.errors import AccessRefused, InvalidRecord, SourceUnavailable
from shared.observability import event, logger
from shared.polygon.trades import TradeEvent, TradesPage
from speed_layer.ingest.threads import HangingThreads

PATIENCE_S = 30.0
TRY_AGAIN_S = 0.5
AT_ONCE = 8
"""Symbols asked for at a time: each may hold a page of 50,000 trades."""
FEW = 25
"""Named symbols up to which to ask for each is as quick as to find out which have traded."""
STEP = 2_000

P = ParamSpec("P")
R = TypeVar("R")

log = logger("ingest.refill")


class TradesSource(Protocol):
    """The vendor's REST side (shared/clients/polygon_rest.py)."""

    def first_page(self, sym: str, from_ms: int) -> str: ...

    def trades(self, sym: str, page: str) -> TradesPage: ...

    def traded_since(self, t_ms: int) -> list[str]: ...


class Sink(Protocol):
    """Takes refilled trades, and rows that are none; waits while there is no room."""

    async def refill(self, events: list[TradeEvent]) -> None: ...

    def refuse(self, row: bytes) -> None: ...


class Round:
    """The symbols of one run. Each has its own: one that was cancelled may still be ending when the next begins."""

    def __init__(self, symbols: list[str]) -> None:
        self.waiting = deque(symbols)
        self.under_way = 0


class Refill:
    """One after another; `run` may be cancelled, and begins anew with the next call."""

    def __init__(
        self, source: TradesSource, symbols: list[str], sink: Sink, trades_of: Callable[[str], int] = lambda sym: 0
    ) -> None:
        """`symbols`: empty = the whole market. `trades_of`: how much a symbol trades."""
        self._source, self._symbols, self._sink, self._trades_of = source, symbols, sink, trades_of
        self._threads = HangingThreads(AT_ONCE, "refill")
        """A call that hangs goes on when its run is cancelled: no more of them than one run makes, and none of those
        that puts and the lease need."""
        self._round = Round([])
        self._answered = self._not_before = 0.0

    @property
    def left(self) -> int:
        """Symbols that are not filled yet."""
        return len(self._round.waiting) + self._round.under_way

    async def run(self, from_ms: int) -> bool:
        """Everything since `from_ms` (Unix ms); whether every symbol was filled: one that the vendor refuses keeps none
        of the others from it. Raises SourceUnavailable, AccessRefused."""
        self._answered = asyncio.get_running_loop().time()
        symbols = await self._who_traded(from_ms)
        this = self._round = Round(sorted(symbols, key=lambda sym: (-self._trades_of(sym), sym)))
        if len(symbols) > FEW:
            event(log, 20, "refilling", symbols=len(symbols), from_ms=from_ms)
        workers = [asyncio.create_task(self._work(this, from_ms)) for _ in range(min(AT_ONCE, len(symbols)))]
        try:
            return not sum(await asyncio.gather(*workers))
        finally:
            this.waiting.clear()
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _who_traded(self, from_ms: int) -> list[str]:
        if 0 < len(self._symbols) <= FEW:
            return self._symbols
        try:
            traded = await self._patiently(self._source.traded_since, from_ms)
        except (AccessRefused, InvalidRecord) as error:  # not every plan has snapshots
            if not self._symbols:
                raise
            event(log, 30, "no snapshot: every symbol is asked for", error=str(error))
            return self._symbols
        wanted = set(self._symbols)
        return [sym for sym in traded if sym in wanted] if wanted else traded

    async def _work(self, this: Round, from_ms: int) -> int:
        """Fill symbol after symbol until none waits; how many were refused."""
        refused = 0
        while this.waiting:
            sym = this.waiting.popleft()
            this.under_way += 1
            try:
                await self._fill(sym, from_ms)
            except InvalidRecord as error:
                refused += 1
                event(log, 40, "symbol not filled", sym=sym, from_ms=from_ms, error=str(error))
            finally:
                this.under_way -= 1
        return refused

    async def _fill(self, sym: str, from_ms: int) -> None:
        page: str | None = self._source.first_page(sym, from_ms)
        seen: set[str] = set()
        while page is not None:
            if page in seen:
                raise InvalidRecord("pages", f"the vendor's pages of {sym} go round in a circle")
            seen.add(page)
            events, page, refused = await self._patiently(self._source.trades, sym, page)
            for start in range(0, len(events), STEP):
                await self._sink.refill(events[start : start + STEP])
            for row in refused:
                self._sink.refuse(row)

    async def _patiently(self, call: Callable[P, R], *arguments: P.args, **keywords: P.kwargs) -> R:
        """The call's result, tried again while the source is unavailable, as long as it answers anybody."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(max(0.0, self._not_before - loop.time()))
            try:
                result = await loop.run_in_executor(self._threads, partial(call, *arguments, **keywords))
            except SourceUnavailable:
                if loop.time() > self._answered + PATIENCE_S:
                    raise
                self._not_before = loop.time() + TRY_AGAIN_S
            else:
                self._answered = loop.time()
                return result
