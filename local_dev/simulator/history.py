"""Past minutes of the simulated market, written straight into the bars table: what a chart opens with.

They are drawn from the same market as its live trades, but minute by minute: 860,000 minutes take seconds.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import groupby
from operator import mul

import numpy as np

from local_dev.simulator.chance import Floats, Ints, keys_of, uniform
from local_dev.simulator.instruments import INSTRUMENTS
from local_dev.simulator.market import DAY_S, SYMBOLS, Market
from local_dev.simulator.trades import MOST
from shared.bars.windows import HOUR_MS, MINUTE_MS, new_york_date, new_york_midnight_ms
from shared.stores.bars import BarStore
from shared.stores.packed import pack_rows, unpack

SESSIONS = 30
POINTS_MS = np.array([400, 20_000, 40_000, 59_500], np.int64)
"""Where in its minute the path is looked at: the first point is the open, the last the close."""
MEAN_SIZE = (60.0, 80.0)
"""Shares of a trade on average in a minute: the least, and how much more it may be."""
CENT = 10**7
"""10^-9 USD."""
SHARE = 10**6
"""10^-6 share."""
DAY_MINUTES = 1_440
LONGEST_LEAD_MS = 20_000
_DRAWS = ("side", "count", "size", "high", "low", "vwap", "lead")


def history_start(until_ms: int) -> int:
    """The New York midnight 30 sessions before the session that holds `until_ms` (Unix ms); every date trades."""
    return new_york_midnight_ms(new_york_date(until_ms) - timedelta(days=SESSIONS))


def load(
    bars: BarStore, since_ms: int, until_ms: int, now_s: int, *, seed: int, say: Callable[[str], None]
) -> list[str]:
    """Store the minutes that begin in [since_ms, until_ms), Unix ms, of every symbol, and return the symbols.

    Hours wholly inside go in packed, the minutes at both ends as items of their own. The same range is always given
    the same minutes. Raises StoreUnavailable.
    """
    past = Past(Market(seed))
    first, end = -(-since_ms // MINUTE_MS), until_ms // MINUTE_MS
    for number, sym in enumerate(SYMBOLS):
        packed, single = [], []
        for hour, data in past.packed_hours(number, first, end):
            if since_ms <= hour and hour + HOUR_MS <= until_ms:
                packed.append((sym, hour, data))
            else:
                single += [(sym, t, partial) for t, partial in unpack(hour, data).items()]
        bars.put_packed(packed, now_s)
        bars.put_minutes(single, now_s)
        say(f"history of {sym}, {number + 1} of {len(SYMBOLS)}: {len(packed)} hours and {len(single)} minutes")
    return list(SYMBOLS)


class Past:
    """Draws the past minutes of one market."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._keys = {what: keys_of(market.seed, f"history {what}", tuple(SYMBOLS)) for what in _DRAWS}
        self._tides: dict[int, Floats] = {}

    def packed_hours(self, symbol: int, first: int, end: int) -> Iterator[tuple[int, bytes]]:
        """(hour start in Unix ms, its minutes packed) of the minutes numbered [first, end) since the epoch.

        A minute that a halt touches has no trades, so it is left out.
        """
        for start in range(first - first % DAY_MINUTES, end, DAY_MINUTES):
            minute = np.arange(max(first, start), min(end, start + DAY_MINUTES))
            rows = zip(*self._columns(symbol, minute), strict=True)
            for hour, of_hour in groupby(rows, lambda row: row[1] // HOUR_MS):
                yield hour * HOUR_MS, pack_rows(of_hour)

    def _columns(self, symbol: int, minute: Ints) -> list[list[int]]:
        """Columns as `pack_rows` takes them."""
        one, points = INSTRUMENTS[symbol], len(POINTS_MS)
        at = (minute[:, None] * MINUTE_MS + POINTS_MS).ravel()
        who = np.full(len(at), symbol, np.int64)
        open_for_trade = ~self._market.is_halted(who, at).reshape(-1, points).any(axis=1)
        side = self._chance("side", symbol, at) < 0.5
        bid = (self._market.mid_beside(who, at, self._tide(at)) * 100.0 - one.spread / 2).astype(np.int64)
        cents = (bid + one.spread * side).reshape(-1, points)[open_for_trade]
        minute = minute[open_for_trade]

        def chance(what: str) -> Floats:
            return self._chance(what, symbol, minute)

        expected = self._market.rate(np.full(len(minute), symbol), minute * 60) * 60.0
        count = 1 + (expected * (0.7 + 0.6 * chance("count"))).astype(np.int64)
        least, more = MEAN_SIZE
        shares = 1 + (count * (least + more * chance("size"))).astype(np.int64)
        seen = np.where((count > points)[:, None], cents, cents[:, :1])
        reach = (one.spread + one.level * one.volatility * 0.8) * (count > points)
        high = seen.max(axis=1) + (chance("high") ** 2 * reach).astype(np.int64)
        low = seen.min(axis=1) - (chance("low") ** 2 * reach).astype(np.int64)
        vwap = low * CENT + ((high - low) * 100 * (0.3 + 0.4 * chance("vwap"))).astype(np.int64) * (CENT // 100)
        lead = np.minimum(chance("lead") * MINUTE_MS / (count + 1), LONGEST_LEAD_MS).astype(np.int64)
        start = minute * MINUTE_MS + lead
        stop = np.where(count == 1, start, minute * MINUTE_MS + MINUTE_MS - 1 - lead)
        edges = [start, _sequence(start), seen[:, 0] * CENT, stop, _sequence(stop), seen[:, -1] * CENT]
        columns = [minute % 60, *edges, high * CENT, low * CENT, shares * SHARE, vwap, count]
        *first_columns, volumes, vwaps, counts = (column.tolist() for column in columns)
        return [*first_columns, volumes, list(map(mul, volumes, vwaps)), counts]  # notional is beyond 64 bits

    def _chance(self, what: str, symbol: int, counter: Ints) -> Floats:
        return uniform(self._keys[what][symbol], counter)

    def _tide(self, at: Ints) -> Floats:
        """The market's, worked out once for all symbols; `at` begins at another time or is the same."""
        begin = int(at[0])
        if len(self._tides.get(begin, ())) != len(at):
            self._tides[begin] = self._market.tide(at)
        return self._tides[begin]


def _sequence(t_ms: Ints) -> Ints:
    """The sequence number that the first trade of that second would have."""
    return t_ms // 1000 % DAY_S * MOST
