"""What the REST side serves: every trade once, by symbol and event time."""

from dataclasses import dataclass

import numpy as np

from local_dev.vendor.lines import NO_SYMBOL, Int64s, Rows, UInt32s
from local_dev.vendor.schedule import new_york_days

_MIX = np.int64(0x1E3779B97F4A7C15)  # spreads the trade date over the identity hash


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Trades sorted by (symbol, t, q); a *row* is an index into this order and never changes."""

    times_ms: Int64s
    positions: UInt32s  # on the tape
    bounds: Int64s  # symbol number n has the rows [bounds[n], bounds[n + 1])

    def rows(self, symbol: int, first_ms: int, last_ms: int, *, sent: int) -> Int64s:
        """Rows of a symbol with first_ms <= t <= last_ms among the first `sent` lines of the tape, ascending."""
        begin, end = int(self.bounds[symbol]), int(self.bounds[symbol + 1])
        times = self.times_ms[begin:end]
        low = begin + int(np.searchsorted(times, first_ms, side="left"))
        high = begin + int(np.searchsorted(times, last_ms, side="right"))
        return low + np.flatnonzero(self.positions[low:high] < sent)

    def last_row(self, symbol: int, *, sent: int) -> int | None:
        """The newest trade of a symbol by (t, q) among the first `sent` lines of the tape."""
        begin, end = int(self.bounds[symbol]), int(self.bounds[symbol + 1])
        seen = np.flatnonzero(self.positions[begin:end] < sent)
        return begin + int(seen[-1]) if len(seen) else None


def build_history(rows: Rows, symbol_count: int) -> History:
    """From rows in tape order.

    A trade is (symbol, New York date, exchange, TRF, trade id); the first line that carries it is kept.
    """
    trades = np.flatnonzero(rows.symbol != NO_SYMBOL)
    keys = rows.identity[trades] ^ (new_york_days(rows.time_ms[trades]) * _MIX)
    order = np.argsort(keys, kind="stable")  # among equal keys the first line stays first
    keys = keys[order]
    first_seen = np.concatenate(([True], keys[1:] != keys[:-1])) if len(keys) else np.zeros(0, np.bool_)
    kept = trades[order[first_seen]].astype(np.uint32)
    del trades, keys, order
    kept.sort()  # a stable order below, so equal (symbol, t, q) stay as recorded
    kept = kept[np.lexsort((rows.sequence[kept], rows.time_ms[kept], rows.symbol[kept]))]
    bounds = np.searchsorted(rows.symbol[kept], np.arange(symbol_count + 1))
    return History(rows.time_ms[kept], kept, bounds)
