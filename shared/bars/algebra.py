"""The bar algebra: trades are prepared into partials, partials merge, a bar is presented.

Sale-condition rules live in `prepare` alone, rounding and VWAP in `present` alone. Merge is MIN, MAX and SUM by column,
so it is associative and commutative, and Flink SQL and Polars can say the same (tests/unit/shared/bars, tests/parity).
"""

from collections.abc import Iterable, Sequence
from operator import mul
from typing import NamedTuple

from shared.bars.conditions import (
    DAY_HIGH_LOW,
    DAY_OPEN_CLOSE,
    EVERYTHING,
    HIGH_LOW,
    NOTHING,
    OPEN_CLOSE,
    VOLUME,
    effect_of,
)
from shared.bars.scale import PRICE_SCALE, divide_half_even
from shared.bars.sessions import SessionDay
from shared.models.bar import EMPTY, Bar, Edges, Partial
from shared.models.trade import Trade

PRICE_KEY_DIGITS = 18
VWAP_DIVISOR = PRICE_SCALE // 10**4
"""notional / volume is a price in 10^-9 USD; VWAP keeps 10^-4."""


RowLike = tuple[int, int, int, int, int]


class Row(NamedTuple):
    """What a bar needs of a trade: time (Unix ms), sequence, price (10^-9 USD), size (10^-6 share), effect flags."""

    t: int
    q: int
    price: int
    size: int
    effect: int


def key_of(row: RowLike) -> str:
    """Digits of t, q and price: text whose order is the order of trades."""
    return f"{row[0]:013d}{row[1]:012d}{row[2]:018d}"


def price_of(key: str) -> int:
    """The price in a key, 10^-9 USD."""
    return int(key[-PRICE_KEY_DIGITS:])


def row_of(trade: Trade, session: SessionDay) -> Row:
    """The bar's view of a trade in its session. A trade of size 0 is kept, and updates nothing."""
    effect = effect_of(trade.conditions, session.is_regular(trade.t)) if trade.size else NOTHING
    return Row(trade.t, trade.q, trade.price, trade.size, effect)


def prepare(trade: Trade, session: SessionDay) -> Partial:
    """The partial of one trade. `session` is the session of its trade date."""
    return prepare_rows([row_of(trade, session)])


def prepare_rows(rows: Sequence[RowLike]) -> Partial:
    """The partial of some trades (rows as `Row`): equal to merging the partial of each, and quicker."""
    effects = [row[4] for row in rows]
    if effects.count(EVERYTHING) == len(rows):
        return Partial(*_edges(rows, rows), *_sums(rows))
    minute = _edges(*([r for r in rows if r[4] & flag] for flag in (OPEN_CLOSE, HIGH_LOW)))
    day = _edges(*([r for r in rows if r[4] & flag] for flag in (DAY_OPEN_CLOSE, DAY_HIGH_LOW)))
    return Partial(*minute, *_sums([r for r in rows if r[4] & VOLUME]), None if day == minute else day)


def _edges(open_close: Sequence[RowLike], high_low: Sequence[RowLike]) -> Edges:
    prices = [r[2] for r in high_low]
    return Edges(
        first=key_of(min(open_close)) if open_close else None,
        last=key_of(max(open_close)) if open_close else None,
        high=max(prices) if prices else None,
        low=min(prices) if prices else None,
    )


def _sums(rows: Sequence[RowLike]) -> tuple[int, int, int]:
    sizes = [r[3] for r in rows]
    return sum(sizes), sum(map(mul, (r[2] for r in rows), sizes)), len(rows)


def merge(a: Partial, b: Partial) -> Partial:
    """Combine partials of disjoint sets of trades of one symbol and window.

    Associative and commutative with EMPTY as unit: shards, late trades and restarts may arrive in any order. Not
    idempotent: drop repeated parts first.
    """
    day = None
    if a.day is not None or b.day is not None:
        day = _merge_edges(a.day or _own_edges(a), b.day or _own_edges(b))
    edges = _merge_edges(_own_edges(a), _own_edges(b))
    return Partial(
        *edges, a.volume + b.volume, a.notional + b.notional, a.count + b.count, None if day == edges else day
    )


def merge_all(partials: Iterable[Partial]) -> Partial:
    """Merge any number of partials; EMPTY for none."""
    total = EMPTY
    for partial in partials:
        total = merge(total, partial)
    return total


def is_possible(p: Partial) -> bool:
    """Whether some set of trades adds this: no high below a low, no close before an open, prices above zero.

    An open may lie outside of high and low, since conditions rule each of them apart.
    """
    return all(
        (edges.high is None or edges.low is None or edges.high >= edges.low > 0)
        and (edges.first is None or edges.last is None or edges.first <= edges.last)
        for edges in (_own_edges(p), p.day or Edges())
    )


def _own_edges(p: Partial) -> Edges:
    return Edges(p.first, p.last, p.high, p.low)


def _merge_edges(a: Edges, b: Edges) -> Edges:
    if b.first is None and b.high is None:
        return a
    if a.first is None and a.high is None:
        return b
    return Edges(
        b.first if a.first is None else a.first if b.first is None else min(a.first, b.first),
        b.last if a.last is None else a.last if b.last is None else max(a.last, b.last),
        b.high if a.high is None else a.high if b.high is None else max(a.high, b.high),
        b.low if a.low is None else a.low if b.low is None else min(a.low, b.low),
    )


def present(t: int, partial: Partial) -> Bar | None:
    """The bar that starts at `t` (Unix ms), or None where no trade has set an open: such a partial is only merged."""
    first, last, high, low, volume, notional, count, _ = partial
    if first is None or last is None or high is None or low is None:
        return None
    vwap = divide_half_even(notional, volume * VWAP_DIVISOR) if volume else None
    return Bar(t, price_of(first), high, low, price_of(last), volume, vwap, count)


def present_day(t: int, partial: Partial) -> Bar | None:
    """The bar of a trade date from the merge of all its minutes: prices under the rule of daily bars, all volume.

    Trades outside the regular session count in the volume and set no price; None while no trade has set an open.
    Provisional: the vendor's daily bar settles it.
    """
    return present(t, partial if partial.day is None else partial._replace(**partial.day._asdict(), day=None))
