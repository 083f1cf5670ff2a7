"""A symbol's trade date boiled down to a few facts, so that those of a whole market fit."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import lru_cache

from batch_layer.reconcile.witness import CLOSING, MARKS, OPENING, Seen, seen_in
from shared.bars.algebra import merge, prepare_rows
from shared.bars.scale import PRICE_DIGITS, SIZE_DIGITS, parse_scaled
from shared.bars.sessions import SessionDay
from shared.frames import Part, partial_from_wire
from shared.models.bar import EMPTY, Partial

_MARK, _OPENING, _CLOSING = 1, 2, 4
_MEMORY = 1 << 16


@lru_cache(_MEMORY)
def _kinds(conditions: tuple[int, ...]) -> int:
    """Which of the three a trade with these conditions is, as a set of the flags above."""
    kinds = ((_MARK, MARKS), (_OPENING, OPENING), (_CLOSING, CLOSING))
    return sum(kind for kind, ids in kinds if not ids.isdisjoint(conditions))


@lru_cache(_MEMORY)
def _price(text: str) -> int:
    return parse_scaled(text, PRICE_DIGITS)


@lru_cache(_MEMORY)
def _size(text: str) -> int:
    return parse_scaled(text, SIZE_DIGITS)


@dataclass
class DayFacts:
    """A symbol's trade date. `asked`: the prices of which is to be known whether a trade had them; `found`: those that
    one had. `size`: shares (10^-6) of all trades but the official marks. `on_time`: of the trades in time. `opening`,
    `closing`, `marks`: the auctions' prints and the official marks, in the order of the log."""

    asked: Collection[int] = ()
    found: set[int] = field(default_factory=set)
    size: int = 0
    trades: int = 0
    on_time: Partial = EMPTY
    late: int = 0
    opening: list[Seen] = field(default_factory=list)
    closing: list[Seen] = field(default_factory=list)
    marks: list[Seen] = field(default_factory=list)

    def add(self, trades: Collection[Seen]) -> None:
        """More trades of the day, each given once."""
        for trade in trades:
            self._note(trade.price, trade.size, trade.conditions, lambda: trade)  # noqa: B023  # called at once
        in_time = [trade.row for trade in trades if not trade.late]
        self.on_time = merge(self.on_time, prepare_rows(in_time))
        self.trades += len(trades)
        self.late += len(trades) - len(in_time)

    def add_parts(self, parts: Collection[Part], session: SessionDay) -> None:
        """The same of whole parts, none of whose trades is in another: several times quicker."""
        for part in parts:
            for row in part.trades:
                self._note(_price(row.p), _size(row.s), row.c, lambda: seen_in(part, row, session))  # noqa: B023  # the same
            self.trades += len(part.trades)
            if part.late:
                self.late += len(part.trades)
            elif part.bar is not None:
                self.on_time = merge(self.on_time, partial_from_wire(part.bar))

    def _note(self, price: int, size: int, conditions: tuple[int, ...], seen: Callable[[], Seen]) -> None:
        if price in self.asked:
            self.found.add(price)
        kinds = _kinds(conditions)
        if not kinds & _MARK:
            self.size += size
        for kind, shelf in ((_MARK, self.marks), (_OPENING, self.opening), (_CLOSING, self.closing)):
            if kinds & kind:
                shelf.append(seen())
