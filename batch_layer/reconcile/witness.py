"""A trade as a witness of why a bar differs."""

from collections.abc import Iterable
from typing import NamedTuple

from shared.bars.algebra import Row, row_of
from shared.bars.sessions import SessionDay
from shared.bars.windows import MINUTE_MS
from shared.frames import Part, TradeRow, trade_of_row
from shared.models.trade import Trade

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


def seen_of(trade: Trade, session: SessionDay, *, late: bool = False, part: tuple[str, int] = ("", 0)) -> Seen:
    return Seen(row_of(trade, session), trade.conditions, late, part)


def seen_in(part: Part, row: TradeRow, session: SessionDay) -> Seen:
    return seen_of(trade_of_row(part.sym, row), session, late=part.late > 0, part=(part.f, part.sec))


def by_minute(trades: Iterable[Seen]) -> dict[int, list[Seen]]:
    """Start of the minute (Unix ms) -> trades in their order."""
    minutes: dict[int, list[Seen]] = {}
    for trade in sorted(trades, key=lambda trade: trade.row):
        minutes.setdefault(trade.row.t - trade.row.t % MINUTE_MS, []).append(trade)
    return minutes
