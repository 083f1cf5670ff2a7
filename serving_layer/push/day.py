"""The trade date of one symbol: what the bars of a day add up to, through any of its minutes.

Minutes come as closed records of the bars stream, from the table, and as seconds that have closed; of each minute what
holds most trades counts. Old minutes are folded into one sum.
"""

from collections.abc import Iterable
from typing import NamedTuple

from shared.bars.sessions import SessionDay
from shared.bars.windows import MINUTE_MS
from shared.models.bar import Partial

KEPT_MINUTES = 16
"""Newest minutes kept one by one: a late trade of the last quarter of an hour revises one of them."""


class Sums(NamedTuple):
    """What a minute adds to its day: trades, late parts, volume (10^-6 share), notional (10^-15 USD), key of the first
    trade if one has set it."""

    trades: int = 0
    rev: int = 0
    volume: int = 0
    notional: int = 0
    first: str | None = None


NOTHING = Sums()


def sums_of(partial: Partial, rev: int = 0) -> Sums:
    """What a partial adds; `rev` = late parts in it."""
    return Sums(partial.count, rev, partial.volume, partial.notional, partial.first)


def add(a: Sums, b: Sums) -> Sums:
    """The sum of two disjoint sets of trades."""
    first = b.first if a.first is None else a.first if b.first is None else min(a.first, b.first)
    return Sums(a.trades + b.trades, a.rev + b.rev, a.volume + b.volume, a.notional + b.notional, first)


def _rank(sums: Sums | None) -> tuple[int, int]:
    """The greatest is kept; a minute that is not there has the least."""
    return (-1, -1) if sums is None else (sums.trades, sums.rev)


class Day:
    """`is_known`: whether what came before the first minute seen was read from the table. Times are Unix ms."""

    __slots__ = ("_closed", "_floor", "_folded", "_forming", "_official", "_stored", "is_known", "session")

    def __init__(self, session: SessionDay) -> None:
        self.session = session
        self.is_known = False
        self._closed: dict[int, Sums] = {}
        self._forming: dict[int, Sums] = {}
        self._stored: set[int] = set()
        """Minutes that only the table has told: the stream may still bring the same."""
        self._forget_folded()

    def _forget_folded(self) -> None:
        self.is_known = False
        self._floor = self.session.start
        self._folded, self._official = NOTHING, NOTHING

    def take_record(self, t: int, sums: Sums) -> bool:
        """A closed minute from the stream; False where it is no news. One older than those kept unfolds the day: it
        must be read from the table again."""
        if not self.is_best(t, sums) or (t not in self._stored and _rank(sums) == _rank(self._closed.get(t))):
            return False
        self._stored.discard(t)
        if t < self._floor:
            self._forget_folded()
        self._closed[t] = sums
        return True

    def is_best(self, t: int, sums: Sums) -> bool:
        """Whether no other record of the minute holds more."""
        return _rank(sums) >= _rank(self._closed.get(t))

    def take_second(self, t: int, sums: Sums) -> Sums:
        """Add a closed second, or what a late part adds to one, to its minute; the minute so far by its seconds, whose
        last ones may come after its record."""
        self._forming[t] = so_far = add(self._forming.get(t, NOTHING), sums)
        return so_far

    def take_stored(self, minutes: Iterable[tuple[int, Sums]]) -> None:
        """The day's minutes as the table has them: from here on the day is known."""
        for t, sums in minutes:
            if _rank(sums) > _rank(self._closed.get(t)) and self.take_record(t, sums):
                self._stored.add(t)
        self.is_known = True

    def reaches(self, t: int) -> bool:
        """Whether sums through this minute can be told."""
        return self.is_known and t >= self._floor

    def through(self, t: int, own: Sums) -> tuple[Sums, str | None]:
        """Sums of the day through the minute `t`, whose own are given, and the key of the official open if there is
        one by then."""
        total, official = self._folded, self._official
        for minute in self._minutes_before(t):
            sums = self._best(minute)
            total = add(total, sums)
            if self._is_regular(minute):
                official = add(official, sums)
        if self._is_regular(t):
            official = add(official, own)
        return add(total, own), official.first

    def fold(self) -> None:
        """Keep the newest minutes one by one. A day that is not known drops the others: the table has them."""
        for t in sorted(self._closed)[:-KEPT_MINUTES]:
            sums = self._best(t)
            if self.is_known:
                self._folded = add(self._folded, sums)
                if self._is_regular(t):
                    self._official = add(self._official, sums)
                self._floor = t + MINUTE_MS
            del self._closed[t]
            self._stored.discard(t)
            self._forming.pop(t, None)
        oldest = min(self._closed, default=0)
        for t in [t for t in self._forming if t < oldest]:
            del self._forming[t]

    def _minutes_before(self, t: int) -> set[int]:
        return {minute for minute in (*self._closed, *self._forming) if minute < t}

    def _best(self, t: int) -> Sums:
        closed, forming = self._closed.get(t, NOTHING), self._forming.get(t, NOTHING)
        return forming if forming.trades > closed.trades else closed

    def _is_regular(self, t: int) -> bool:
        return self.session.regular_open <= t < self.session.regular_close
