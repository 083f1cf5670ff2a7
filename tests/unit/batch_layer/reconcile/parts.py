"""Parts of the raw log, made of trades."""

from collections.abc import Sequence

from shared.bars.algebra import prepare_rows, row_of
from shared.frames import VERSION, Part, partial_to_wire
from shared.models.trade import Trade
from shared.polygon.trade_answers import row_of as wire_row
from tests.unit.batch_layer.reconcile.witnesses import session


def part(trades: Sequence[Trade], number: int, late: int = 0) -> Part:
    """All trades are of one symbol and second."""
    first = trades[0]
    partial = prepare_rows([row_of(one, session()) for one in trades])
    rows = [wire_row(one) for one in trades]
    return Part(VERSION, f"1-0-{number}", first.sym, first.t // 1000, partial_to_wire(partial), late, rows)
