"""Whether a feed that is connected still brings what it should.

The busiest symbols of the last minute trade so often that their silence is the feed's: one symbol may be halted, all of
them are not. How long they may be silent follows from how often they traded: 20 of their trades missing in a row, at
least 10 s. Outside the regular session nothing is expected. All times are seconds of a monotonic clock.
"""

from collections import Counter

BUSIEST = 20
SHORTEST_S, LONGEST_S = 10.0, 120.0
MISSED = 20
"""Trades of the busiest that do not come, at the pace of the minute before."""
MINUTE_S = 60.0


class Pulse:
    """Fed with parts as they are framed; asked while nothing comes."""

    def __init__(self) -> None:
        self._traded: Counter[str] = Counter()
        self._busiest: frozenset[str] = frozenset()
        self._allowed_s = LONGEST_S
        self._minute_began = self._heard = 0.0
        self._patience = 1.0

    def see(self, sym: str, trades: int, now: float) -> None:
        """Trades of a symbol were framed."""
        self._minute_began = self._minute_began or now
        self._traded[sym] += trades
        if now - self._minute_began >= MINUTE_S:
            self._next_minute(now)
        if not self._busiest or sym in self._busiest:
            self._heard, self._patience = now, 1.0

    def expect_from(self, now: float) -> None:
        """Nothing was to be expected before: no connection, a gap being filled, no session, input still waiting."""
        self._heard = max(self._heard, now)

    def is_silent(self, now: float) -> bool:
        return now - self._heard > self._allowed_s * self._patience

    @property
    def is_given_up(self) -> bool:
        """Whether a connection was cut for its silence, and none since has brought a trade of the busiest."""
        return self._patience > 1

    def given_up(self) -> None:
        """The connection was cut for its silence. If the next is silent too, it is given longer: a market may rest."""
        self._patience = min(2 * self._patience, LONGEST_S / SHORTEST_S)

    def _next_minute(self, now: float) -> None:
        leading = self._traded.most_common(BUSIEST)
        pace = sum(count for _, count in leading) / max(now - self._minute_began, MINUTE_S)
        self._busiest = frozenset(sym for sym, _ in leading)
        self._allowed_s = min(LONGEST_S, max(SHORTEST_S, MISSED / pace))
        self._traded.clear()
        self._minute_began = now
