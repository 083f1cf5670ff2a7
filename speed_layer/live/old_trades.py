"""Trades too old for the ingester's memory of identities are looked up in the raw log.

The ingester remembers 21 minutes. A part on which the 15-minute timeframe had closed may hold older trades, which may
be in the log already; what an earlier frame of the same lane holds is a duplicate and does not count again.
"""

from collections.abc import Iterable

from shared.bars.algebra import merge_all, prepare
from shared.bars.sessions import new_york_sessions
from shared.frames import Part, TradeRow, partial_from_wire, trade_of_row
from shared.models.bar import EMPTY, Partial
from shared.stores.lake import Lake, raw_hour

OLD_RANK = 3
"""Rank of the 15-minute timeframe: what it is still open for is younger than the memory."""


def without_known_trades(part: Part, lake: Lake) -> Partial | None:
    """The part's partial without trades that the log holds from earlier frames; None when it holds them all."""
    if part.bar is None:
        return None
    if part.late < OLD_RANK:
        return partial_from_wire(part.bar)
    date, hour = raw_hour(part.sec)
    found = lake.raw_parts(f"date={date}/hour={hour}/", f'"sym":"{part.sym}","sec":{part.sec},'.encode())
    return without_trades_of_earlier(part, (other for _, other in found if other.sym == part.sym))


def without_trades_of_earlier(part: Part, others: Iterable[Part]) -> Partial | None:
    """The part's partial without trades that parts of earlier frames hold; None when they hold them all."""
    known = {identity_of(trade) for one in others if order_of(one.f) < order_of(part.f) for trade in one.trades}
    fresh = [trade for trade in part.trades if identity_of(trade) not in known]
    if part.bar is not None and len(fresh) == len(part.trades):
        return partial_from_wire(part.bar)
    return _prepare_again(part.sym, fresh) if fresh else None


def order_of(f: str) -> tuple[int, int]:
    """Frames of one lane follow each other by (epoch, counter)."""
    epoch, _, counter = f.split("-")
    return int(epoch), int(counter)


def identity_of(row: TradeRow) -> tuple[int, int, str]:
    """(x, trfi, i): identity within symbol and trade date."""
    return row.x, row.trfi, row.i


def _prepare_again(sym: str, rows: list[TradeRow]) -> Partial:
    session = new_york_sessions().day_of(rows[0].t)  # a part is one second, so one trade date
    return EMPTY if session is None else merge_all(prepare(trade_of_row(sym, row), session) for row in rows)
