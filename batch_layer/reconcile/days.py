"""Why a trade date's bar of ours is not the vendor's.

Ours is the sum of our minutes under the rule of daily bars, and provisional: the vendor's settles the date. So its
differences are counted and told, and most are those of its minutes.
"""

from collections.abc import Sequence
from typing import NamedTuple

from batch_layer.reconcile.facts import DayFacts
from batch_layer.reconcile.minutes import PRICES
from batch_layer.reconcile.report import Kind, Why, differing
from batch_layer.reconcile.words import clock, shares, trades, usd
from shared.bars.algebra import present_day
from shared.bars.totals import Shown
from shared.bars.windows import MINUTE_MS
from shared.models.bar import Partial

_Volumes = Sequence[tuple[int, int]]
"""(start of a minute, shares in 10^-6), in order of time."""


class DayCase(NamedTuple):
    """A date of one symbol that differs. `minutes_more`: by how many shares (10^-6) the vendor's minutes exceed ours,
    and of what kind the largest of those differences is. `through`: the last of the vendor's minutes, from the regular
    open on, that its day is the sum of, if it is."""

    ours: Shown | None
    theirs: Shown | None
    facts: DayFacts
    minutes_more: int
    minutes_kind: Kind | None
    through: int | None


def explain_day(case: DayCase) -> Why:
    ours, theirs, facts = case.ours, case.theirs, case.facts
    if theirs is None:
        return Why("unexplained", f"the vendor has no bar of a date with {trades(facts.trades)}")
    if not facts.trades:
        return Why("gap", "we have no trade of this date")
    if facts.late and not differing(day_of(facts.on_time), theirs):
        return Why("late", f"the vendor's bar is without {trades(facts.late)} that came after the minute had closed")
    return _of_trades(case, ours, theirs)


def day_of(partial: Partial) -> Shown | None:
    """The bar of the merge of a date's minutes."""
    bar = present_day(0, partial)
    return None if bar is None else Shown(*bar[1:])


def _of_trades(case: DayCase, ours: Shown | None, theirs: Shown) -> Why:
    said: list[str] = []
    unknown: list[str] = []
    kind: Kind = "rule"
    fields = differing(ours, theirs)
    for name in (PRICES[field] for field in PRICES if field in fields):
        price = getattr(theirs, name)
        if price in case.facts.found:
            said.append(f"its {name} {usd(price)} is the price of a trade of the date")
        else:
            unknown.append(f"no trade of ours has its {name} {usd(price)}")
    more = theirs.volume - (ours.volume if ours else 0)
    if more and case.through is not None:
        end = clock(case.through + MINUTE_MS)
        said.append(f"its volume is that of its own minutes from the regular open to {end}")
    elif more and more == case.minutes_more and case.minutes_kind:
        said.append("its volume differs as its minutes do")
        kind = case.minutes_kind
    elif more and theirs.volume > case.facts.size:
        return Why("gap", "; ".join([*said, _above(theirs, case.facts), *unknown]))
    elif more:
        unknown.append(f"none of our trades make its volume of {shares(theirs.volume)}")
    if unknown and theirs.volume > case.facts.size:  # those that we lack may have had the prices
        return Why("gap", "; ".join([_above(theirs, case.facts), *unknown, *said]))
    if not said and not unknown:
        unknown.append("prices and volume are equal, count or VWAP are not")
    return Why("unexplained", "; ".join([*unknown, *said])) if unknown else Why(kind, "; ".join(said))


def _above(theirs: Shown, facts: DayFacts) -> str:
    return f"the vendor counts {shares(theirs.volume - facts.size)} more than all our trades of the date have"


def told_minutes(minutes: _Volumes, volume: int, regular_open: int) -> int | None:
    """The last of the vendor's minutes (start, Unix ms), from the regular open on, whose sum its day's volume is."""
    total = 0
    for t, of_minute in minutes:
        if t >= regular_open:
            total += of_minute
            if total == volume and of_minute:
                return t
    return None
