"""The past minutes of the simulated market, drawn minute by minute from what its live trades are drawn from.

Written as the lines of packed hours straight from columns: a minute at a time in Python would take a minute.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from local_dev.simulator.chance import Floats, Ints, keys_of, uniform
from local_dev.simulator.instruments import INSTRUMENTS
from local_dev.simulator.market import DAY_S, SYMBOLS, Market
from local_dev.simulator.trades import MOST
from shared.bars.windows import HOUR_MS, MINUTE_MS

POINTS_MS = np.array([400, 30_000, 59_500], np.int64)
"""Where in its minute the path is looked at: the first point is the open, the last the close."""
SHORTEST_WAVE = 14
"""Waves much shorter than from point to point (2^14 ms) would only be noise here, within a few cents."""
MEAN_SIZE = (60.0, 80.0)
"""Shares of a trade on average in a minute: the least, and how much more it may be."""
LONGEST_LEAD_MS = 20_000
DAY_MINUTES = 1_440
MINUTES_AN_HOUR = 60
CENT, HUNDREDTH, SHARE = 10**7, 10**5, 10**6
"""A cent and its hundredth in 10^-9 USD, a share in 10^-6 share."""
_SPACE, _NEWLINE, _ZERO = b" \n0"
_DRAWS = ("side", "count", "size", "high", "low", "vwap", "lead")


class Past:
    """Draws the past minutes of one market."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._keys = {what: keys_of(market.seed, f"history {what}", tuple(SYMBOLS)) for what in _DRAWS}
        self._tides: dict[tuple[int, int], Floats] = {}

    def hours(self, symbol: int, first: int, end: int) -> Iterator[tuple[int, bytes]]:
        """(hour start in Unix ms, lines of its minutes) of the minutes numbered [first, end) since the epoch.

        A minute that a halt touches has no trades, so it is left out.
        """
        cuts = [first, *range(first - first % DAY_MINUTES + DAY_MINUTES, end, DAY_MINUTES), end]
        for start, stop in pairwise(cuts if first < end else []):
            minute, cents = self._path(symbol, start, stop)
            if not len(minute):
                continue
            lines = self._lines(symbol, minute, cents)
            hour = minute // MINUTES_AN_HOUR
            edges = np.flatnonzero(np.diff(hour, prepend=-1, append=-1)).tolist()
            for top, bottom in pairwise(edges):
                yield int(hour[top]) * HOUR_MS, lines[top:bottom].tobytes()

    def _path(self, symbol: int, first: int, end: int) -> tuple[Ints, Ints]:
        """The minutes with trades, and for each the price at its points in cents."""
        minute = np.arange(first, end)
        at = (minute[:, None] * MINUTE_MS + POINTS_MS).ravel()
        who = np.full(len(at), symbol)
        if (first, end) not in self._tides:
            self._tides[first, end] = self._market.tide(at, SHORTEST_WAVE)
        mid = self._market.mid_on(self._tides[first, end], who, at, SHORTEST_WAVE)
        spread = INSTRUMENTS[symbol].spread
        bid = (mid * 100.0 - spread / 2).astype(np.int64)
        cents = (bid + spread * (uniform(self._keys["side"][symbol], at) < 0.5)).reshape(-1, len(POINTS_MS))
        trading = ~self._market.is_halted(who, at).reshape(-1, len(POINTS_MS)).any(axis=1)
        return minute[trading], cents[trading]

    def _lines(self, symbol: int, minute: Ints, cents: Ints) -> NDArray[np.uint8]:
        """A line a minute, all of one length."""

        def chance(what: str) -> Floats:
            return uniform(self._keys[what][symbol], minute)

        one = INSTRUMENTS[symbol]
        expected = self._market.rate(np.full(len(minute), symbol), minute * 60) * 60.0
        count = 1 + (expected * (0.7 + 0.6 * chance("count"))).astype(np.int64)
        least, more = MEAN_SIZE
        shares = 1 + (count * (least + more * chance("size"))).astype(np.int64)
        seen = np.where((count > len(POINTS_MS))[:, None], cents, cents[:, :1])
        reach = (one.spread + one.level * one.volatility * 0.8) * (count > len(POINTS_MS))
        high = seen.max(axis=1) + (chance("high") ** 2 * reach).astype(np.int64)
        low = seen.min(axis=1) - (chance("low") ** 2 * reach).astype(np.int64)
        vwap = low * 100 + ((high - low) * 100 * (0.3 + 0.4 * chance("vwap"))).astype(np.int64)
        lead = np.minimum(chance("lead") * MINUTE_MS / (count + 1), LONGEST_LEAD_MS).astype(np.int64)
        start = minute * MINUTE_MS + lead
        stop = np.where(count == 1, start, minute * MINUTE_MS + MINUTE_MS - 1 - lead)
        words = [
            _digits(minute % MINUTES_AN_HOUR, 2),
            _key(start, seen[:, 0]),
            _key(stop, seen[:, -1]),
            _digits(high * CENT, 18),
            _digits(low * CENT, 18),
            _digits(shares * SHARE, 16),
            np.hstack([_digits(shares * vwap, 17), _zeros(len(minute), HUNDREDTH * SHARE)]),  # more than 64 bits
            _digits(count, 6),
        ]
        ends = [_SPACE] * (len(words) - 1) + [_NEWLINE]
        pairs = zip(words, (np.full((len(minute), 1), end, np.uint8) for end in ends), strict=True)
        return np.hstack([part for pair in pairs for part in pair])


def _key(t_ms: Ints, cents: Ints) -> NDArray[np.uint8]:
    """Digits of t, q and price; q as the first trade of that second has it."""
    return np.hstack([_digits(t_ms, 13), _digits(t_ms // 1000 % DAY_S * MOST, 12), _digits(cents * CENT, 18)])


def _digits(values: Ints, width: int) -> NDArray[np.uint8]:
    """Decimal digits, with leading zeros."""
    text = np.empty((len(values), width), np.uint8)
    for place in reversed(range(width)):
        tens = values // 10
        text[:, place] = values - tens * 10 + _ZERO
        values = tens
    return text


def _zeros(rows: int, factor: int) -> NDArray[np.uint8]:
    """What multiplying by a power of ten writes behind a number."""
    return np.full((rows, len(str(factor)) - 1), _ZERO, np.uint8)
