"""The trades of any second of the market, as Polygon sends them: a pure function of (seed, symbol, second).

Prices stand at bid and ask in cents, off exchange sometimes between them. Most trades reach the feed within
milliseconds, a few up to 1.5 s out of order, and now and then one reported off exchange is minutes late.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from local_dev.simulator.chance import Floats, Ints, Keys, keys_of, uniform
from local_dev.simulator.instruments import INSTRUMENTS
from local_dev.simulator.market import DAY_S, SYMBOLS, Market

MOST = 1_000
"""Trades of a symbol in a second at most, less one: numbers within a second have three digits."""
OFF_EXCHANGE = 4
OFF_EXCHANGE_SHARE = 0.36
VENUES = np.array([8, 12, 11, 19, 15, 21, 18, 7, 2, 20], np.int64)  # beside the listing exchange
LISTED_SHARE = 0.35
TRFS = np.array([202, 201], np.int64)
SUB_PENNY_SHARE = 0.3  # of what is traded off exchange
FRACTIONAL_SHARE = 0.06  # the same
USUAL_DELAY_MS = 20
OUT_OF_ORDER_SHARE, LONGEST_DISORDER_MS = 0.02, 1_500
LATE_SHARE, SOONEST_LATE_MS, LATEST_MS = 0.003, 10_000, 300_000  # of what is traded off exchange

_NONE, _REGULAR, _SWEEP, _SWEEP_EXEMPT, _ODD, _ODD_SWEEP, _FORM_T, _DERIVED, _PRIOR, _AVERAGE, _EXEMPT = range(11)
CONDITIONS = ((), (0,), (14,), (14, 41), (37,), (14, 37, 41), (12,), (10,), (22,), (2,), (41,))
_CONDITIONS_TEXT = tuple(f',"c":[{",".join(map(str, ids))}]' if ids else "" for ids in CONDITIONS)
_DRAWS = ("count", "time", "side", "venue", "which", "lot", "size", "kind", "inside", "delay", "wait")


class Trade(NamedTuple):
    """`due_ms`: when the feed has it; `row` = second * 1000 + number: rises with (t, q) and names the trade; `line`:
    the stream's event, as bytes."""

    due_ms: int
    row: int
    symbol: int
    t_ms: int
    line: bytes


class Drawn(NamedTuple):
    """Trades as columns, those of `Trade` first; `price` (10^-4 USD) and `size` (10^-4 share); `kind`: positions in
    CONDITIONS."""

    due_ms: Ints
    row: Ints
    symbol: Ints
    t_ms: Ints
    venue: Ints
    trf: Ints
    price: Ints
    size: Ints
    kind: Ints


NOTHING_DRAWN = Drawn(*[np.empty(0, np.int64)] * 9)


class Trades:
    """Draws trades of one market."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._keys: dict[str, Keys] = {what: keys_of(market.seed, what, tuple(SYMBOLS)) for what in _DRAWS}
        self._listed = np.array([one.listed for one in INSTRUMENTS], np.int64)
        self._spread = np.array([one.spread for one in INSTRUMENTS], np.int64)

    def between(self, first_sec: int, end_sec: int, symbols: Sequence[int] | None = None) -> list[Trade]:
        """Every trade of the seconds [first_sec, end_sec), by symbol and then in order of row."""
        drawn = self.drawn(first_sec, end_sec, symbols)
        return [
            Trade(due, row, number, t, _line(SYMBOLS[number], INSTRUMENTS[number].tape, t, row, rest))
            for due, row, number, t, *rest in zip(*(column.tolist() for column in drawn), strict=True)
        ]

    def drawn(self, first_sec: int, end_sec: int, symbols: Sequence[int] | None = None) -> Drawn:
        """The same as columns."""
        wanted = np.arange(len(SYMBOLS)) if symbols is None else np.array(symbols, np.int64)
        seconds = np.arange(first_sec, end_sec)
        symbol, sec = np.repeat(wanted, len(seconds)), np.tile(seconds, len(wanted))
        if not len(sec):
            return NOTHING_DRAWN
        rate = self._market.rate(symbol, sec)
        eagerness = uniform(self._keys["count"][symbol], sec)
        count = np.minimum((rate * (0.25 + 2.25 * eagerness * eagerness) + 0.5 * eagerness).astype(np.int64), MOST - 1)
        group = np.repeat(np.arange(len(sec)), count)
        if not len(group):
            return NOTHING_DRAWN
        number = np.arange(len(group)) - np.repeat(np.cumsum(count) - count, count)
        return self._draw(symbol[group], sec[group], number, group)

    def _draw(self, symbol: Ints, sec: Ints, number: Ints, group: Ints) -> Drawn:
        row = sec * MOST + number

        def chance(what: str) -> Floats:
            return uniform(self._keys[what][symbol], row)

        ms = (chance("time") * 1000).astype(np.int64)
        t_ms = sec * 1000 + ms[np.lexsort((ms, group))]  # within a second numbers rise with time
        off = chance("venue") < OFF_EXCHANGE_SHARE
        which = chance("which")
        venue = np.where(
            which < LISTED_SHARE, self._listed[symbol], VENUES[(which * 997).astype(np.int64) % len(VENUES)]
        )
        venue = np.where(off, OFF_EXCHANGE, venue)
        trf = np.where(off, TRFS[(which * 1009).astype(np.int64) % 2], 0)
        size = self._sizes(chance("lot"), chance("size"), off)
        kind = _kinds(chance("kind"), size < 100 * 10**4, off)
        price = self._prices(symbol, t_ms, chance("side"), np.where(off, chance("inside"), 1.0))
        late = off & (chance("delay") < LATE_SHARE)
        due = t_ms + _delays(chance("delay"), chance("wait"), late)
        return Drawn(due, row, symbol, t_ms, venue, trf, price, size, kind)

    def _prices(self, symbol: Ints, t_ms: Ints, side: Floats, inside: Floats) -> Ints:
        """10^-4 USD: at the bid or the ask, or for a small `inside` between the two."""
        spread = self._spread[symbol]
        bid = (self._market.mid(symbol, t_ms) * 100.0 - spread / 2).astype(np.int64)
        price = (bid + spread * (side < 0.5)) * 100
        between = bid * 100 + 1 + (side * (spread * 100 - 1)).astype(np.int64)
        return np.where(inside < SUB_PENNY_SHARE, between, price)

    def _sizes(self, lot: Floats, size: Floats, off: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Ints:
        """10^-4 share: odd lots, round lots, blocks, off exchange also fractions of a share."""
        odd = 1 + (size * size * 98).astype(np.int64)
        rounds = 100 * (1 + (size * size * size * 8).astype(np.int64))
        block = 1_000 * (1 + (size * size * 24).astype(np.int64))
        shares = np.where(lot < 0.55, odd, np.where(lot < 0.995, rounds, block)) * 10**4
        fraction = 1 + (size * size * 30_000).astype(np.int64)
        return np.where(off & (lot < FRACTIONAL_SHARE), fraction, shares)


def _kinds(kind: Floats, odd: np.ndarray[tuple[int], np.dtype[np.bool_]], off: object) -> Ints:
    """Positions in CONDITIONS."""
    on_exchange = np.select([kind < 0.30, kind < 0.42, kind < 0.44], [_SWEEP, _SWEEP_EXEMPT, _REGULAR], _NONE)
    reported = np.select(
        [kind < 0.01, kind < 0.02, kind < 0.025, kind < 0.03, kind < 0.08],
        [_FORM_T, _DERIVED, _PRIOR, _AVERAGE, _EXEMPT],
        _NONE,
    )
    odd_lot = np.where(~np.asarray(off) & (kind < 0.4), _ODD_SWEEP, _ODD)
    return np.where(odd, odd_lot, np.where(np.asarray(off), reported, on_exchange)).astype(np.int64)


def _delays(delay: Floats, wait: Floats, late: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Ints:
    """ms from the trade to the feed."""
    disordered = delay > 1.0 - OUT_OF_ORDER_SHARE
    usual = 1.0 + wait * np.where(disordered, LONGEST_DISORDER_MS, USUAL_DELAY_MS)
    return np.where(late, SOONEST_LATE_MS + wait * wait * (LATEST_MS - SOONEST_LATE_MS), usual).astype(np.int64)


def _line(sym: str, tape: int, t_ms: int, row: int, rest: list[int]) -> bytes:
    """The stream's event; `rest` = exchange, TRF or 0, price and size (10^-4), position in CONDITIONS."""
    venue, trf, price, size, kind = rest
    shares = _text(size)
    reported = f',"trfi":{trf}' if trf else ""
    fraction = f',"ds":"{shares}"' if "." in shares else ""
    return (
        f'{{"ev":"T","sym":"{sym}","x":{venue},"i":"{row}","z":{tape},"p":{_text(price)},"s":{shares}'
        f'{_CONDITIONS_TEXT[kind]},"t":{t_ms},"q":{row % (DAY_S * MOST)}{reported}{fraction}}}'
    ).encode()


def _text(value: int) -> str:
    """`value` times 10^-4 as a plain decimal."""
    whole, fraction = divmod(value, 10**4)
    return f"{whole}.{fraction:04d}".rstrip("0") if fraction else str(whole)
