"""Why a minute of ours is not the vendor's: the trades of the minute are asked, and the auctions of its day.

A difference is explained only by what our trades show: a price that a trade of the minute had, a volume that is that of
some of its trades. What they do not show stays unexplained.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from batch_layer.reconcile import words
from batch_layer.reconcile.facts import DayFacts
from batch_layer.reconcile.report import Why, differing
from batch_layer.reconcile.witness import MARKS, OFFICIAL_CLOSE, OFFICIAL_OPEN, PRINTS, Seen
from batch_layer.reconcile.words import instant, shares, the_trade, usd
from shared.bars.algebra import prepare_rows, present
from shared.bars.conditions import HIGH_LOW, OPEN_CLOSE, VOLUME
from shared.bars.sessions import SessionDay
from shared.bars.totals import Shown
from shared.bars.windows import MINUTE_MS
from shared.models.bar import Partial

PRICES = {"o": "open", "h": "high", "l": "low", "c": "close"}
_FLAGS = {"o": OPEN_CLOSE, "h": HIGH_LOW, "l": HIGH_LOW, "c": OPEN_CLOSE}
REGULAR = frozenset({0})
"""Conditions of a trade that every rule counts; none at all says the same."""


class Case(NamedTuple):
    """A minute that differs: start `t` (Unix ms), both bars, our trades of it in their order, its symbol's day."""

    t: int
    ours: Shown | None
    theirs: Shown | None
    trades: Sequence[Seen]
    facts: DayFacts
    session: SessionDay


def explain(case: Case) -> Why:
    trades, theirs = case.trades, case.theirs
    if differing(shown(trades), case.ours):
        return Why("ours", f"the bar does not follow from the {_count(trades)} of its minute in the raw log")
    in_time = [trade for trade in trades if not trade.late]
    if len(in_time) < len(trades) and not differing(shown(in_time), theirs):
        return Why("late", f"the vendor's bar is without {_late(trades)}")
    if theirs is None:
        return _not_told(trades)
    return _counted(case, theirs) if trades else _without_trades(case, theirs)


def shown(trades: Sequence[Seen]) -> Shown | None:
    """The bar that trades make, however few of them."""
    bar = present(0, _partial(trades))
    return None if bar is None else Shown(*bar[1:])


def _partial(trades: Sequence[Seen]) -> Partial:
    return prepare_rows([trade.row for trade in trades])


def _not_told(trades: Sequence[Seen]) -> Why:
    plain = [trade for trade in trades if not set(trade.conditions) - REGULAR]
    if plain:
        return Why("unexplained", f"the vendor has no bar, though {the_trade(plain[0])} is one that every rule counts")
    ids = sorted({condition for trade in trades for condition in trade.conditions})
    return Why("rule", f"the vendor makes no bar of {_count(trades)}, which all have conditions: {ids}")


def _without_trades(case: Case, theirs: Shown) -> Why:
    moved = [trade.price for trade in _moved_prints(case)]
    if moved and all(price in moved for price in theirs[:4]):
        return Why("rule", "the vendor's bar is that of an auction, which was printed in another minute")
    return Why("gap", "we have no trade of this minute")


def _counted(case: Case, theirs: Shown) -> Why:
    said, unknown = _not_shown(case, theirs) if case.ours is None else _prices(case, theirs)
    more = theirs.volume - _partial(case.trades).volume
    if more and (sentence := _volume(more, case)):
        said.append(sentence)
    elif more:
        above = theirs.volume - sum(trade.size for trade in case.trades if MARKS.isdisjoint(trade.conditions))
        if above > 0:
            missing = f"the vendor counts {shares(above)} more than all our trades of the minute have"
            return Why("gap", "; ".join([missing, *unknown, *said]))
        unknown.append(f"none of our trades make its volume of {shares(theirs.volume)}")
    if not said and not unknown:
        unknown.append("prices and volume are equal, count or VWAP are not")
    return Why("unexplained", "; ".join([*unknown, *said])) if unknown else Why("rule", "; ".join(said))


def _prices(case: Case, theirs: Shown) -> tuple[list[str], list[str]]:
    """Whose prices those of the vendor are that are not ours, and which are nobody's."""
    said: list[str] = []
    unknown: list[str] = []
    for field in (field for field in PRICES if field in differing(case.ours, theirs)):
        name, price, mine = PRICES[field], getattr(theirs, PRICES[field]), getattr(case.ours, PRICES[field])
        if (trade := _with_price(field, price, case)) is None:
            unknown.append(f"no trade of ours has its {name} {usd(price)}")
            continue
        uses = _by_use(field, case.trades)
        setting = next((one for one in uses if one.price == mine and one.row.effect & _FLAGS[field]), None)
        against = "" if setting is None else f", ours that of {the_trade(setting)}"
        said.append(f"its {name} {usd(price)} is the price of {the_trade(trade)}{against}")
    return said, unknown


def _not_shown(case: Case, theirs: Shown) -> tuple[list[str], list[str]]:
    """The same of a minute of which we show no bar."""
    found = {field: _with_price(field, getattr(theirs, name), case) for field, name in PRICES.items()}
    trades = dict.fromkeys(the_trade(trade) for trade in found.values() if trade is not None)
    unknown = [
        f"no trade of ours has its {PRICES[field]} {usd(getattr(theirs, PRICES[field]))}"
        for field, trade in found.items()
        if trade is None
    ]
    said = [f"we show no bar of {_count(case.trades)} that may not set all prices"]
    return [*said, f"its prices are those of {' and '.join(trades)}"] if trades else said, unknown


def _with_price(field: str, price: int, case: Case) -> Seen | None:
    """The first trade to have had it, of those that the minute may hold."""
    held = [*_by_use(field, case.trades), *_moved_prints(case)]
    return next((trade for trade in held if trade.price == price), None)


def _by_use(field: str, trades: Sequence[Seen]) -> Iterator[Seen]:
    """In the order in which a rule meets them: a close is looked for from the end."""
    return reversed(trades) if field == "c" else iter(trades)


def _volume(more: int, case: Case) -> str | None:
    """What makes the vendor's volume larger by `more` than ours; None if nothing does."""
    changes = [
        (print_.size, f"with {_print(print_)}") for print_ in _moved_prints(case) if MARKS.isdisjoint(print_.conditions)
    ]
    for ids, alike in _by_conditions(case.trades).items():
        size, counted = sum(trade.size for trade in alike), bool(alike[0].row.effect & VOLUME)
        said = f"{'without' if counted else 'with'} {_count(alike)} with conditions {list(ids)}"
        changes.append((-size if counted else size, said))
        if len(alike) > 1 and not PRINTS.isdisjoint(ids):  # one stands for the auction
            changes.append((alike[0].size - size, f"{said} but the first"))
    for number in (1, 2):
        for chosen in combinations(changes, number):
            if sum(change for change, _ in chosen) == more:
                return f"its volume is {' and '.join(said for _, said in chosen)}"
    return None


def _by_conditions(trades: Sequence[Seen]) -> dict[tuple[int, ...], list[Seen]]:
    """Trades that not every rule counts, those with the same conditions together."""
    alike: dict[tuple[int, ...], list[Seen]] = {}
    for trade in trades:
        if set(trade.conditions) - REGULAR and trade.size:
            alike.setdefault(trade.conditions, []).append(trade)
    return alike


def _moved_prints(case: Case) -> list[Seen]:
    """What a vendor may show in the first or the last minute of the regular session, whenever it was printed: of an
    auction the first print or the largest, and the official marks."""
    if case.t == case.session.regular_open:
        prints, official = case.facts.opening, OFFICIAL_OPEN
    elif case.t == case.session.regular_close - MINUTE_MS:
        prints, official = case.facts.closing, OFFICIAL_CLOSE
    else:
        return []
    elsewhere = sorted(trade for trade in prints if trade.row.t - trade.row.t % MINUTE_MS != case.t)
    largest = sorted(elsewhere, key=lambda trade: -trade.size)
    return [
        *dict.fromkeys([*elsewhere[:1], *largest[:1]]),
        *(mark for mark in case.facts.marks if official in mark.conditions),
    ]


def _print(trade: Seen) -> str:
    return f"the auction's print of {instant(trade)}, {shares(trade.size)}"


def _late(trades: Sequence[Seen]) -> str:
    late = [trade for trade in trades if trade.late]
    return f"{_count(late)} that came after the minute had closed, {shares(sum(trade.size for trade in late))}"


def _count(trades: Sequence[Seen]) -> str:
    return words.trades(len(trades))
