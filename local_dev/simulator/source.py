"""What REST knows of the simulated market: the trades that its feed has sent since it started, made again."""

import asyncio
from collections.abc import Iterator

from local_dev.simulator.feed import SimulatedFeed
from local_dev.simulator.market import SYMBOLS
from local_dev.simulator.trades import MOST, Trade
from local_dev.vendor.answers import snapshot_object, trade_object
from local_dev.vendor.rest import Page
from local_dev.vendor.trade_query import TradeQuery

BLOCK_S = 300
"""Seconds of trades made at once."""


class SimulatedTrades:
    """A source for the vendor's REST side."""

    def __init__(self, feed: SimulatedFeed) -> None:
        self._feed = feed

    async def page(self, ticker: str, query: TradeQuery) -> Page:
        if ticker not in SYMBOLS:
            return Page([], None)
        return await asyncio.to_thread(self._page, SYMBOLS.index(ticker), query, self._feed.sent_ms)

    async def last_trades(self, names: list[str]) -> list[bytes]:
        symbols = [SYMBOLS.index(name) for name in names or SYMBOLS if name in SYMBOLS]
        return await asyncio.to_thread(self._last_trades, symbols, self._feed.sent_ms)

    def state(self) -> dict[str, object]:
        """`sent` = trades whose turn has come."""
        feed = self._feed
        state: dict[str, object] = {"simulated": True, "clock_ms": feed.clock_ms(), "sent": feed.sent, "ended": False}
        return state | {"held": feed.held, "clients": len(feed.connections)}

    def _page(self, symbol: int, query: TradeQuery, sent_ms: int) -> Page:
        found: list[Trade] = []
        for trade in self._walk(symbol, query, sent_ms):
            if len(found) == query.limit:
                return Page([trade_object(one.line) for one in found], found[-1].row)
            found.append(trade)
        return Page([trade_object(one.line) for one in found], None)

    def _walk(self, symbol: int, query: TradeQuery, sent_ms: int) -> Iterator[Trade]:
        """What the query asks for, in its order."""
        first, end = max(self._feed.first_sec, query.first_ms // 1000), min(sent_ms, query.last_ms) // 1000 + 1
        after = query.after_row
        if after is not None:
            first, end = (first, min(end, after // MOST + 1)) if query.descending else (max(first, after // MOST), end)
        for block in self._blocks(first, end, descending=query.descending):
            trades = self._feed.trades.between(*block, [symbol])
            for trade in reversed(trades) if query.descending else trades:
                follows = after is None or (trade.row < after if query.descending else trade.row > after)
                if follows and trade.due_ms <= sent_ms and query.first_ms <= trade.t_ms <= query.last_ms:
                    yield trade

    def _blocks(self, first: int, end: int, *, descending: bool) -> Iterator[tuple[int, int]]:
        """[first, end) in blocks, none before the feed's start."""
        if not self._feed.first_sec:
            return
        starts = range(first, end, BLOCK_S)
        for start in reversed(starts) if descending else starts:
            yield start, min(start + BLOCK_S, end)

    def _last_trades(self, symbols: list[int], sent_ms: int) -> list[bytes]:
        last: dict[int, Trade] = {}
        for block in self._blocks(self._feed.first_sec, sent_ms // 1000 + 1, descending=True):
            missing = [symbol for symbol in symbols if symbol not in last]
            if not missing:
                break
            trades = self._feed.trades.between(*block, missing)
            last |= {trade.symbol: trade for trade in trades if trade.due_ms <= sent_ms}
        return [snapshot_object(last[symbol].line) for symbol in symbols if symbol in last]
