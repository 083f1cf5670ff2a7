"""What REST knows of a recording: the trades that its feed's clock has passed."""

import asyncio

from local_dev.vendor.answers import snapshot_object, trade_object
from local_dev.vendor.feed import Feed
from local_dev.vendor.recording import Recording
from local_dev.vendor.rest import Page
from local_dev.vendor.trade_query import TradeQuery


class RecordedTrades:
    """A source for RestSide."""

    def __init__(self, recording: Recording, feed: Feed) -> None:
        self._tape, self._history = recording.tape, recording.history
        self._feed = feed

    async def page(self, ticker: str, query: TradeQuery) -> Page:
        rows, more = self._rows(ticker, query)
        # Rendering a full page takes a tenth of a second: in a thread, so that the stream goes on.
        return Page(await asyncio.to_thread(self._objects, rows), rows[-1] if more else None)

    async def last_trades(self, names: list[str]) -> list[bytes]:
        numbers = (self._tape.symbols.get(name) for name in names or sorted(self._tape.symbols))
        rows = (self._history.last_row(number, sent=self._feed.sent) for number in numbers if number is not None)
        positions = self._history.positions[[row for row in rows if row is not None]]
        return [snapshot_object(line) for line in self._tape.lines(positions)]

    def state(self) -> dict[str, object]:
        """`sent` = lines the clock has passed, of `total`."""
        feed = self._feed
        state: dict[str, object] = {
            "clock_ms": feed.clock_ms(),
            "sent": feed.sent,
            "total": len(self._tape),
            "ended": feed.ended,
        }
        return state | {"held": feed.held, "clients": len(feed.connections)}

    def _rows(self, ticker: str, query: TradeQuery) -> tuple[list[int], bool]:
        symbol = self._tape.symbols.get(ticker)
        if symbol is None:
            return [], False
        rows = self._history.rows(symbol, query.first_ms, query.last_ms, sent=self._feed.sent)
        if query.descending:
            rows = rows[::-1]
        if query.after_row is not None:
            rows = rows[rows < query.after_row] if query.descending else rows[rows > query.after_row]
        return rows[: query.limit].tolist(), len(rows) > query.limit

    def _objects(self, rows: list[int]) -> list[bytes]:
        return [trade_object(line) for line in self._tape.lines(self._history.positions[rows])]
