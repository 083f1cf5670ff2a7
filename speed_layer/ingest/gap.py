"""Gaps of the feed: while one is open the promise stands still, and REST fills it.

A gap opens when the connection is lost, and with every start that finds trades in the stream. It closes when the refill
is done, or 30 s after the feed is back; what is filled in later is late. Heartbeats say from where it is not filled
yet: a successor goes on with it.
"""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeVar

from shared.bars.windows import end_of_new_york_day_ms
from shared.errors import CondvestError, InvalidRecord, SourceUnavailable
from shared.observability import event, logger
from shared.polygon.trades import TradeEvent, TradesPage

BACK_MS = 5_000
LONGEST_S = 30.0
STEP = 2_000
TRY_AGAIN_S = 0.5
MOST_HOLES = 1_000
"""That are told of one by one: of more the two oldest are one, and what lies between them."""

P = ParamSpec("P")
R = TypeVar("R")

log = logger("ingest.gap")


class TradesSource(Protocol):
    """The vendor's REST side (shared/clients/polygon_rest.py)."""

    def first_page(self, sym: str, from_ms: int) -> str: ...

    def trades(self, sym: str, page: str) -> TradesPage: ...

    def traded_since(self, t_ms: int) -> list[str]: ...


class Sink(Protocol):
    """Takes refilled trades, and rows that are none; waits while there is no room."""

    async def refill(self, events: list[TradeEvent]) -> None: ...

    def refuse(self, row: bytes) -> None: ...


class Gap:
    """Whether the promise stands still, and the task that fills the gap."""

    def __init__(
        self,
        source: TradesSource,
        symbols: list[str],
        sink: Sink,
        unfilled_from: int = 0,
        now_ms: Callable[[], int | None] = lambda: None,
    ) -> None:
        """`symbols` to ask for; empty = every symbol that the vendor's snapshot says has traded since.
        `unfilled_from` (Unix ms): what a predecessor left; 0 = nothing. `now_ms`: the feed's time, None without one."""
        self._source, self._symbols, self._sink, self._now_ms = source, symbols, sink, now_ms
        self._task: asyncio.Task[None] | None = None
        self._unfilled_from = unfilled_from or None
        self._stood_at = 0
        """The feed's time when the feed came back: what it has passed meanwhile shows only with its next trade."""
        self._given_up = False
        self.is_open = True
        self.filled = self.unfilled = 0
        self.holes: list[tuple[int, int]] = []
        """[start, end), Unix ms, of gaps that were given up: trades of them may be missing for good."""

    @property
    def unfilled_from(self) -> int:
        """Event time (Unix ms) from which trades may be missing, 0 when none are."""
        return self._unfilled_from or 0

    def open(self) -> None:
        """The feed is gone. A refill that is under way begins again with the next, from where it began."""
        self.is_open, self._given_up = True, False
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def fill(self, from_ms: int | None) -> None:
        """The feed is back: fetch what came since `from_ms` (Unix ms); None = there is nothing to fill."""
        self._stood_at, self._given_up = self._now_ms() or 0, False
        if from_ms is None:
            self.is_open = False
        else:
            before = self._unfilled_from
            self._unfilled_from = from_ms if before is None else min(before, from_ms)
            self._task = asyncio.create_task(self._fill(self._unfilled_from))

    async def closed(self) -> None:
        """Wait until no gap is left to fill, however long it takes, though the feed may be gone again meanwhile."""
        while self._unfilled_from is not None:
            if self._task is None:
                self._task = asyncio.create_task(self._fill(self._unfilled_from))
            await asyncio.wait([self._task])
            if self._given_up:  # nothing comes any more that could show where the hole ends
                self._end_hole(end_of_new_york_day_ms(max(self._unfilled_from, self._stood_at)))

    def went_on(self) -> None:
        """The feed has brought something: what was given up ends here, once the feed's time has moved."""
        if self._given_up and (now := self._now_ms() or 0) > self._stood_at:
            self._end_hole(now)

    async def _fill(self, from_ms: int) -> None:
        standing = asyncio.get_running_loop().call_later(LONGEST_S, self._stand_no_longer)
        whole = False
        try:
            whole = await self._fetch(from_ms)
        except CondvestError as error:
            event(log, 40, "gap not filled", from_ms=from_ms, error=str(error))
        finally:
            standing.cancel()
            if self._task is asyncio.current_task():  # else it was cancelled: the gap is still open
                self._task = None
                self.is_open = False
                self.filled += whole
                self.unfilled += not whole
                self._given_up = not whole
                if whole:
                    self._unfilled_from = None

    def _end_hole(self, end_ms: int) -> None:
        if self._unfilled_from is not None:
            self.holes.append((self._unfilled_from, max(self._unfilled_from, end_ms)))
        self._unfilled_from, self._given_up = None, False
        if len(self.holes) > MOST_HOLES:
            (start, _), (_, end) = self.holes[:2]
            self.holes[:2] = [(start, end)]

    async def _fetch(self, from_ms: int) -> bool:
        """Whether every symbol was filled: one that the vendor refuses keeps none of the others from it."""
        refused = 0
        for sym in self._symbols or await _patiently(self._source.traded_since, from_ms):
            try:
                await self._fill_symbol(sym, from_ms)
            except InvalidRecord as error:
                refused += 1
                event(log, 40, "symbol not filled", sym=sym, from_ms=from_ms, error=str(error))
        return not refused

    async def _fill_symbol(self, sym: str, from_ms: int) -> None:
        page: str | None = self._source.first_page(sym, from_ms)
        seen: set[str] = set()
        while page is not None:
            if page in seen:
                raise InvalidRecord("pages", f"the vendor's pages of {sym} go round in a circle")
            seen.add(page)
            events, page, refused = await _patiently(self._source.trades, sym, page)
            for start in range(0, len(events), STEP):
                await self._sink.refill(events[start : start + STEP])
            for row in refused:
                self._sink.refuse(row)

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
