"""Trades as witnesses, and bars written down by hand: prices in USD, sizes in shares, as `o h l c v n`."""

from datetime import date

from batch_layer.reconcile.facts import DayFacts
from batch_layer.reconcile.minutes import Case
from batch_layer.reconcile.witness import Seen
from shared.bars.algebra import row_of
from shared.bars.sessions import SessionDay, new_york_sessions
from shared.bars.totals import Shown
from shared.models.trade import Trade

DAY = date(2013, 10, 8)
OPEN_MS = 1_381_239_000_000  # 09:30 New York
NOON = OPEN_MS + 150 * 60_000
LAST = OPEN_MS + 389 * 60_000
CLOSE = LAST + 60_000
SWEEP, PLAIN, AVERAGE, ODD_LOT = (14, 41), (0,), (12, 2), (37,)


def session() -> SessionDay:
    found = new_york_sessions().day(DAY)
    assert found is not None
    return found


def trade(
    t: int, price: float, size: int = 100, conditions: tuple[int, ...] = PLAIN, *, late: str = "", q: int = 0
) -> Seen:
    """`late`: the name of the part that brought it after its minute had closed."""
    one = Trade("A", t, q, 4, 0, f"{t} {q}", round(price * 10**9), size * 10**6, conditions, 1)
    return Seen(row_of(one, session()), conditions, bool(late), (late, t // 1000))


def bar(*told: float, vwap: float | None = None) -> Shown:
    """`o h l c v`, and `n` where it is told."""
    o, h, l, c = (round(price * 10**9) for price in told[:4])  # noqa: E741  # the vendor's name
    n = int(told[5]) if len(told) > 5 else None
    return Shown(o, h, l, c, round(told[4] * 10**6), None if vwap is None else round(vwap * 10**4), n)


def facts(*trades: Seen, asked: tuple[float, ...] = ()) -> DayFacts:
    known = DayFacts([round(price * 10**9) for price in asked])
    known.add(trades)
    return known


def case(t: int, ours: Shown | None, theirs: Shown | None, *trades: Seen, others: tuple[Seen, ...] = ()) -> Case:
    """`others`: trades of other minutes of the day."""
    return Case(t, ours, theirs, trades, facts(*trades, *others), session())
