"""Gaps of the feed: while one is open the promise stands still, and REST fills it.

A gap opens when the connection is lost, and with every start that finds trades in the stream. It closes when the refill
is done, or 30 s after the feed is back; what is filled in later is late.
"""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeVar

from shared.errors import CondvestError, SourceUnavailable
from shared.observability import event, logger
from shared.polygon.trades import TradeEvent

BACK_MS = 5_000
LONGEST_S = 30.0
STEP = 2_000
TRY_AGAIN_S = 0.5

P = ParamSpec("P")
R = TypeVar("R")

log = logger("ingest.gap")


class TradesSource(Protocol):
    """The vendor's REST side (shared/clients/polygon_rest.py)."""

    def first_page(self, sym: str, from_ms: int) -> str: ...

    def trades(self, sym: str, page: str) -> tuple[list[TradeEvent], str | None]: ...

    def traded_since(self, t_ms: int) -> list[str]: ...


class Sink(Protocol):
    """Takes refilled trades; waits while there is no room."""

    async def refill(self, events: list[TradeEvent]) -> None: ...


class Gap:
    """Whether the promise stands still, and the task that fills the gap."""

    def __init__(self, source: TradesSource, symbols: list[str], sink: Sink) -> None:
        """`symbols` to ask for; empty = every symbol that the vendor's snapshot says has traded since."""
        self._source, self._symbols, self._sink = source, symbols, sink
        self._task: asyncio.Task[None] | None = None
        self.is_open = True
        self.filled = self.unfilled = 0

    def open(self) -> None:
        """The feed is gone."""
        self.is_open = True
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def fill(self, from_ms: int | None) -> None:
        """The feed is back: fetch what came since `from_ms` (Unix ms); None = there is nothing to fill."""
        if from_ms is None:
            self.is_open = False
        else:
            self._task = asyncio.create_task(self._fill(from_ms))

    async def closed(self) -> None:
        """Wait for the refill that is under way, however long it takes."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _fill(self, from_ms: int) -> None:
        standing = asyncio.get_running_loop().call_later(LONGEST_S, self._stand_no_longer)
        try:
            symbols = self._symbols or await _patiently(self._source.traded_since, from_ms)
            for sym in symbols:
                await self._fill_symbol(sym, from_ms)
            self.filled += 1
        except CondvestError as error:
            self.unfilled += 1
            event(log, 40, "gap not filled", from_ms=from_ms, error=str(error))
        finally:
            standing.cancel()
        self.is_open = False

    async def _fill_symbol(self, sym: str, from_ms: int) -> None:
        page: str | None = self._source.first_page(sym, from_ms)
        seen: set[str] = set()
        while page is not None:
            if page in seen:
                raise SourceUnavailable(f"the vendor's pages of {sym} go round in a circle")
            seen.add(page)
            events, page = await _patiently(self._source.trades, sym, page)
            for start in range(0, len(events), STEP):
                await self._sink.refill(events[start : start + STEP])

    def _stand_no_longer(self) -> None:
        self.is_open = False


async def _patiently(call: Callable[P, R], *arguments: P.args, **keywords: P.kwargs) -> R:
    """The call's result, tried again while the source is unavailable, for as long as the promise may stand."""
    loop = asyncio.get_running_loop()
    last = loop.time() + LONGEST_S
    while True:
        try:
            return await asyncio.to_thread(call, *arguments, **keywords)
        except SourceUnavailable:
            if loop.time() > last:
                raise
            await asyncio.sleep(TRY_AGAIN_S)
