"""Why a minute of the speed view is not the rebuilt one: both are made of the same trades, so they differ by time only.

The engine's part of a minute and each late part are stored on their own: a view that lacks some late parts is behind,
one that is anything else than a sum of what the log holds is wrong.
"""

from collections.abc import Sequence
from itertools import chain, combinations

from batch_layer.reconcile import words
from batch_layer.reconcile.report import Why
from batch_layer.reconcile.witness import Seen
from shared.bars.algebra import merge_all, prepare_rows
from shared.models.bar import EMPTY, Partial

MOST_LATE_PARTS = 10
"""Late parts of a minute all of whose subsets are tried; of more, each number of them in their order."""


def explain_speed(speed: Partial | None, rebuilt: Partial | None, trades: Sequence[Seen]) -> Why:
    """`trades`: of the minute, from the raw log."""
    if not trades:
        return Why("gap", "the raw log has no trade of this minute: what the speed view holds came another way")
    whole = prepare_rows([trade.row for trade in trades])
    if whole != (rebuilt or EMPTY):
        return Why("ours", "the rebuilt minute does not follow from its trades in the raw log")
    base = prepare_rows([trade.row for trade in trades if not trade.late])
    late = list(_late_parts(trades))
    for counted in _subsets(late):
        if merge_all([base, *counted]) == (speed or EMPTY):
            return Why("late", f"the speed view has {len(counted)} of {len(late)} late parts")
    if speed is None:
        return Why("ours", f"the speed view has no row of a minute with {words.trades(len(trades))}")
    return Why(
        "ours", f"the speed view counts {words.trades(speed.count)}, the raw log {whole.count}; late parts: {len(late)}"
    )


def _late_parts(trades: Sequence[Seen]) -> list[Partial]:
    """What each late part adds, in the order of their first trades."""
    parts: dict[tuple[str, int], list[Seen]] = {}
    for trade in trades:
        if trade.late:
            parts.setdefault(trade.part, []).append(trade)
    return [prepare_rows([trade.row for trade in of_part]) for of_part in parts.values()]


def _subsets(late: Sequence[Partial]) -> list[Sequence[Partial]]:
    """Of the late parts, without the whole: that would not differ."""
    if len(late) > MOST_LATE_PARTS:
        return [late[:number] for number in range(len(late))]
    return list(chain.from_iterable(combinations(late, number) for number in range(len(late))))
