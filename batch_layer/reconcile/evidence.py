"""What our trades say of the bars that differ: they are the only witnesses of why.

Trades come from the raw log, each identity once. A symbol's day is boiled down to a few facts, so that a whole market
fits; the trades of single minutes are read again, an hour at a time.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from shared.bars.algebra import Row, merge, prepare_rows, row_of
from shared.bars.scale import PRICE_DIGITS, SIZE_DIGITS, parse_scaled
from shared.bars.sessions import SessionDay, SessionTable
from shared.bars.windows import MINUTE_MS
from shared.frames import Part, TradeRow, partial_from_wire, trade_of_row
from shared.models.bar import EMPTY, Partial
from shared.models.trade import Trade
from shared.stores.lake import Lake
from shared.stores.old_trades import OLD_RANK, identity_of, named, order_of

OPENING, CLOSING = frozenset({17, 25}), frozenset({19, 8})
"""Ids of an auction's prints, on both families of tapes. Each exchange has its own auction, of one print or many."""
PRINTS = OPENING | CLOSING
OFFICIAL_CLOSE, OFFICIAL_OPEN = 15, 16
MARKS = frozenset({OFFICIAL_CLOSE, OFFICIAL_OPEN})
"""Prices without a trade, though they carry a size."""


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


class Seen(NamedTuple):
    """A trade as a witness. `part` = (f, sec) of the part that brought it; `late`: after its minute had closed."""

    row: Row
    conditions: tuple[int, ...]
    late: bool = False
    part: tuple[str, int] = ("", 0)

    @property
    def price(self) -> int:
        return self.row.price

    @property
    def size(self) -> int:
        return self.row.size


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
                self._note(_price(row.p), _size(row.s), row.c, lambda: _seen(part, row, session))  # noqa: B023  # the same
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


class Evidence:
    """The raw log of a trade date. Raises StoreUnavailable."""

    def __init__(self, lake: Lake, day: date, sessions: SessionTable) -> None:
        self._lake, self._day = lake, day
        self._session = sessions.day(day)

    def days(self, asked: Mapping[str, Collection[int]]) -> dict[str, DayFacts]:
        """Facts of symbols, each with the prices that are asked for."""
        facts = {sym: DayFacts(frozenset(prices)) for sym, prices in asked.items()}
        for session, hour in self._hours(asked.keys()):
            for sym, parts in hour.items():
                if any(part.late >= OLD_RANK for part in parts):  # they may hold what others hold too
                    facts[sym].add(_trades(parts, session))
                else:
                    facts[sym].add_parts(parts, session)
        return facts

    def minutes(self, wanted: Mapping[str, Set[int]]) -> Iterator[tuple[str, int, list[Seen]]]:
        """(symbol, start of the minute in Unix ms, its trades in order) for wanted minutes that have some."""
        for session, hour in self._hours(wanted.keys(), wanted):
            for sym, parts in hour.items():
                yield from ((sym, t, found) for t, found in by_minute(_trades(parts, session)).items())

    def _hours(
        self, symbols: Set[str], minutes: Mapping[str, Set[int]] | None = None
    ) -> Iterator[tuple[SessionDay, dict[str, list[Part]]]]:
        """Parts by symbol, each once, hour by hour; of all minutes unless some are named."""
        if self._session is None or not symbols:
            return
        for hour in range(24):
            parts: dict[tuple[str, str, int], Part] = {}
            prefix = f"date={self._day}/hour={hour:02d}/"

            def is_wanted(line: bytes) -> bool:
                sym, sec = named(line)
                return sym in symbols and (minutes is None or sec // 60 * MINUTE_MS in minutes[sym])

            for _, part in self._lake.raw_parts(prefix, is_wanted):
                parts[part.identity] = part
            by_symbol: dict[str, list[Part]] = {}
            for part in parts.values():
                by_symbol.setdefault(part.sym, []).append(part)
            yield self._session, by_symbol


def _trades(parts: Iterable[Part], session: SessionDay) -> list[Seen]:
    """Of one symbol: each identity once, as the first frame that has it tells it."""
    found: dict[tuple[int, int, str], Seen] = {}
    for part in sorted(parts, key=lambda part: order_of(part.f)):
        for row in part.trades:
            if (identity := identity_of(row)) not in found:
                found[identity] = _seen(part, row, session)
    return list(found.values())


def _seen(part: Part, row: TradeRow, session: SessionDay) -> Seen:
    return seen_of(trade_of_row(part.sym, row), session, late=part.late > 0, part=(part.f, part.sec))


def seen_of(trade: Trade, session: SessionDay, *, late: bool = False, part: tuple[str, int] = ("", 0)) -> Seen:
    return Seen(row_of(trade, session), trade.conditions, late, part)


def by_minute(trades: Iterable[Seen]) -> dict[int, list[Seen]]:
    """Start of the minute (Unix ms) -> trades in their order."""
    minutes: dict[int, list[Seen]] = {}
    for trade in sorted(trades, key=lambda trade: trade.row):
        minutes.setdefault(trade.row.t - trade.row.t % MINUTE_MS, []).append(trade)
    return minutes
