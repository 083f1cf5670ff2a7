"""Trades too old for the ingester's memory of identities are looked up in the raw log.

The ingester remembers 21 minutes. A part on which the 15-minute timeframe had closed may hold older trades, which may
be in the log already; what an earlier frame of the same lane holds is a duplicate and does not count again.
"""

import re
from collections.abc import Iterable, Iterator

from shared.bars.algebra import merge_all, prepare
from shared.bars.sessions import SessionTable
from shared.frames import Part, TradeRow, partial_from_wire, trade_of_row
from shared.models.bar import EMPTY, Partial
from shared.stores.lake import Lake, raw_hour

_NAMED = re.compile(rb'"sym":"([^"]*)","sec":([0-9]+),')
OLD_RANK = 3
"""Rank of the 15-minute timeframe: what it is still open for is younger than the memory."""


def without_known_trades(parts: Iterable[Part], lake: Lake, sessions: SessionTable) -> Iterator[tuple[Part, Partial]]:
    """Parts with their partials, without trades that the log holds from earlier frames; not those with none left.

    The log of an hour is read once for all parts in it: the refill of a long gap brings thousands of them.
    """
    parts = list(parts)
    beside = _logged_beside([part for part in parts if part.late >= OLD_RANK], lake)
    for part in parts:
        others = beside[part.sym, part.sec] if part.late >= OLD_RANK else []
        known = {identity_of(trade) for one in others if order_of(one.f) < order_of(part.f) for trade in one.trades}
        fresh = [trade for trade in part.trades if identity_of(trade) not in known]
        if part.bar is not None and len(fresh) == len(part.trades):
            yield part, partial_from_wire(part.bar)
        elif fresh:
            yield part, _prepare_again(part.sym, fresh, sessions)


def _logged_beside(old: list[Part], lake: Lake) -> dict[tuple[str, int], list[Part]]:
    """What the log holds of the symbols and seconds of these parts, themselves included."""
    found: dict[tuple[str, int], list[Part]] = {(part.sym, part.sec): [] for part in old}

    def is_wanted(line: bytes) -> bool:
        return named(line) in found

    for date, hour in sorted({raw_hour(part.sec) for part in old}):
        for _, part in lake.raw_parts(f"date={date}/hour={hour}/", is_wanted):
            found[part.sym, part.sec].append(part)
    return found


def named(line: bytes) -> tuple[str, int]:
    """Symbol and second of a part as it stands in the log, without decoding it."""
    found = _NAMED.search(line)
    return ("", 0) if found is None else (found[1].decode(), int(found[2]))


def order_of(f: str) -> tuple[int, int]:
    """Frames of one lane follow each other by (epoch, counter)."""
    epoch, _, counter = f.split("-")
    return int(epoch), int(counter)


def identity_of(row: TradeRow) -> tuple[int, int, str]:
    """(x, trfi, i): identity within symbol and trade date."""
    return row.x, row.trfi, row.i


def _prepare_again(sym: str, rows: list[TradeRow], sessions: SessionTable) -> Partial:
    session = sessions.day_of(rows[0].t)  # a part is one second, so one trade date
    return EMPTY if session is None else merge_all(prepare(trade_of_row(sym, row), session) for row in rows)
