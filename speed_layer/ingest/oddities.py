"""What may be and is rare: counted, for who looks after the feed, and taken all the same.

Holes in sequence numbers are legal and a price is what its conditions say, so neither is a reason to refuse a trade.
Looked at once a part, not once a trade.
"""

from collections import Counter

from shared.bars.algebra import price_of
from shared.models.bar import Partial

OUTLIER = 10
"""Times the last price of the symbol, or one in so many: a price beyond is counted."""
JUMP = 10**6
"""Sequence numbers of a symbol that follow one another are seldom so far apart."""


class Oddities:
    """The last price (10^-9 USD) and sequence number of each symbol; `counts` by kind, over parts."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._prices: dict[str, int] = {}
        self._sequences: dict[str, int] = {}

    def see(self, sym: str, partial: Partial, q: int) -> None:
        """A part of a symbol was framed; `q` is the sequence number of its last trade to arrive."""
        before = self._sequences.get(sym, q)
        if q - before >= JUMP:
            self.counts["sequence_jumps"] += 1
        self._sequences[sym] = q
        if partial.last is None:
            return
        last = self._prices.get(sym)
        self._prices[sym] = price = price_of(partial.last)
        if last is None:
            return
        high, low = partial.high or price, partial.low or price
        if high > OUTLIER * last or OUTLIER * low < last:
            self.counts["outliers"] += 1
