"""What our trades say of the bars that differ: they are the only witnesses of why.

Trades come from the raw log, each identity once. A symbol's day is boiled down to a few facts, so that a whole market
fits; the trades of single minutes are read again, an hour at a time.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from shared.bars.algebra import Row, merge, prepare_rows, row_of
from shared.bars.sessions import SessionDay, SessionTable
from shared.bars.windows import MINUTE_MS
from shared.frames import Part, trade_of_row
from shared.models.bar import EMPTY, Partial
from shared.models.trade import Trade
from shared.stores.lake import Lake
from shared.stores.old_trades import identity_of, named, order_of

OPENING, CLOSING = frozenset({17, 25}), frozenset({19, 8})
"""Ids of an auction's prints, on both families of tapes. Each exchange has its own auction, of one print or many."""
PRINTS = OPENING | CLOSING
OFFICIAL_CLOSE, OFFICIAL_OPEN = 15, 16
MARKS = frozenset({OFFICIAL_CLOSE, OFFICIAL_OPEN})
"""Prices without a trade, though they carry a size."""


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
            if not MARKS.isdisjoint(trade.conditions):
                self.marks.append(trade)
            else:
                self.size += trade.size
            if not OPENING.isdisjoint(trade.conditions):
                self.opening.append(trade)
            if not CLOSING.isdisjoint(trade.conditions):
                self.closing.append(trade)
            if trade.price in self.asked:
                self.found.add(trade.price)
        in_time = [trade.row for trade in trades if not trade.late]
        self.on_time = merge(self.on_time, prepare_rows(in_time))
        self.trades += len(trades)
        self.late += len(trades) - len(in_time)


class Evidence:
    """The raw log of a trade date. Raises StoreUnavailable."""

    def __init__(self, lake: Lake, day: date, sessions: SessionTable) -> None:
        self._lake, self._day = lake, day
        self._session = sessions.day(day)

    def days(self, asked: Mapping[str, Collection[int]]) -> dict[str, DayFacts]:
        """Facts of symbols, each with the prices that are asked for."""
        facts = {sym: DayFacts(frozenset(prices)) for sym, prices in asked.items()}
        for hour in self._hours(asked.keys()):
            for sym, trades in hour.items():
                facts[sym].add(trades)
        return facts

    def minutes(self, wanted: Mapping[str, Set[int]]) -> Iterator[tuple[str, int, list[Seen]]]:
        """(symbol, start of the minute in Unix ms, its trades in order) for wanted minutes that have some."""
        for hour in self._hours(wanted.keys(), wanted):
            for sym, trades in hour.items():
                yield from ((sym, t, found) for t, found in by_minute(trades).items() if t in wanted[sym])

    def _hours(
        self, symbols: Set[str], minutes: Mapping[str, Set[int]] | None = None
    ) -> Iterator[dict[str, list[Seen]]]:
        """Trades by symbol, hour by hour; of all minutes unless some are named."""
        if self._session is None or not symbols:
            return
        for hour in range(24):
            parts: dict[tuple[str, str, int], Part] = {}
            prefix = f"date={self._day}/hour={hour:02d}/"
            for _, part in self._lake.raw_parts(prefix, lambda line: named(line)[0] in symbols):
                if minutes is None or part.minute in minutes[part.sym]:
                    parts[part.identity] = part
            yield _trades(parts.values(), self._session)


def _trades(parts: Iterable[Part], session: SessionDay) -> dict[str, list[Seen]]:
    """By symbol, each identity once, as the first frame that has it tells it."""
    found: dict[str, dict[tuple[int, int, str], Seen]] = {}
    for part in sorted(parts, key=lambda part: order_of(part.f)):
        of_symbol = found.setdefault(part.sym, {})
        for row in part.trades:
            if (identity := identity_of(row)) not in of_symbol:
                trade = trade_of_row(part.sym, row)
                of_symbol[identity] = seen_of(trade, session, late=part.late > 0, part=(part.f, part.sec))
    return {sym: list(of_symbol.values()) for sym, of_symbol in found.items()}


def seen_of(trade: Trade, session: SessionDay, *, late: bool = False, part: tuple[str, int] = ("", 0)) -> Seen:
    return Seen(row_of(trade, session), trade.conditions, late, part)


def by_minute(trades: Iterable[Seen]) -> dict[int, list[Seen]]:
    """Start of the minute (Unix ms) -> trades in their order."""
    minutes: dict[int, list[Seen]] = {}
    for trade in sorted(trades, key=lambda trade: trade.row):
        minutes.setdefault(trade.row.t - trade.row.t % MINUTE_MS, []).append(trade)
    return minutes
