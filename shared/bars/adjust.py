"""Splits applied on read: prices times `split_from / split_to`, volumes times `split_to / split_from`, for every split
after a bar's trade date. Dividends are not applied, as Polygon's `adjusted` applies none.

Factors are exact fractions, however many splits they stand for; a number is rounded once, half to even, to the digits
it has anyway: prices to 10^-9 USD, volumes to 10^-6 share, VWAPs to 10^-4 USD. Fewer would lose what a small price of
long ago still says.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from shared.bars.algebra import VWAP_DIVISOR, present
from shared.bars.scale import divide_half_even
from shared.bars.windows import new_york_midnight_ms
from shared.models.bar import Bar, Partial
from shared.models.daily import DailyBar, Split


class Factor(NamedTuple):
    """What a price is multiplied with, `num / den` in lowest terms; a volume is multiplied with the inverse."""

    num: int
    den: int


RAW = Factor(1, 1)


def usable(splits: Iterable[Split], today: date, as_of: datetime | None = None) -> list[Split]:
    """The splits that adjust bars on the day `today` by what was known at `as_of` (None: by all that is known).

    In order of symbol and day. A split of a later day is not in force yet. A vendor may send several rows for one
    symbol and day: the row known last stands for them, among equals the one with the greatest id, and counts once.
    """
    chosen: dict[tuple[str, date], Split] = {}
    for split in sorted(splits, key=lambda split: (split.known_at, split.id)):
        if split.day <= today and (as_of is None or split.known_at <= as_of):
            chosen[split.sym, split.day] = split
    return [chosen[key] for key in sorted(chosen)]


class Adjustment:
    """The factors of one symbol by trade date. `splits`: usable ones, in order of day."""

    def __init__(self, splits: Sequence[Split] = ()) -> None:
        self._days = [split.day for split in splits]
        self._starts = [new_york_midnight_ms(day) for day in self._days]
        product, factors = Fraction(1), [RAW]
        for split in reversed(splits):
            product *= Fraction(split.split_from) / Fraction(split.split_to)
            factors.append(Factor(product.numerator, product.denominator))
        self._factors = factors[::-1]

    def factor(self, day: date) -> Factor:
        """Of bars of a trade date: the product over the splits of later days."""
        return self._factors[bisect_right(self._days, day)]

    def factor_at(self, t_ms: int) -> Factor:
        """Of what happened at an instant (Unix ms), by its New York date."""
        return self._factors[bisect_right(self._starts, t_ms)]

    def only_factor(self, start_ms: int, end_ms: int) -> Factor | None:
        """The factor of all of [start, end), Unix ms; None where a split's day begins inside."""
        first = bisect_right(self._starts, start_ms)
        return self._factors[first] if first == bisect_right(self._starts, end_ms - 1) else None

    def bar(self, bar: Bar) -> Bar:
        """A presented bar, by the New York date of its start."""
        return adjust_bar(bar, self.factor_at(bar.t))

    def day(self, day: DailyBar) -> DailyBar:
        """A daily bar."""
        return adjust_day(day, self.factor(day.day))


NO_SPLITS = Adjustment()


def adjust_price(price: int, factor: Factor) -> int:
    """A price or a VWAP in its own unit."""
    return divide_half_even(price * factor.num, factor.den)


def adjust_volume(volume: int, factor: Factor) -> int:
    """A volume in 10^-6 share."""
    return divide_half_even(volume * factor.den, factor.num)


def adjust_bar(bar: Bar, factor: Factor) -> Bar:
    """A presented bar; the count of its trades stays."""
    if factor == RAW:
        return bar
    return Bar(
        bar.t,
        adjust_price(bar.open, factor),
        adjust_price(bar.high, factor),
        adjust_price(bar.low, factor),
        adjust_price(bar.close, factor),
        adjust_volume(bar.volume, factor),
        _adjust_known(bar.vwap, factor),
        bar.count,
    )


def adjust_day(day: DailyBar, factor: Factor) -> DailyBar:
    """A daily bar; what it does not tell it does not tell adjusted either."""
    if factor == RAW:
        return day
    return day._replace(
        open=_adjust_known(day.open, factor),
        high=_adjust_known(day.high, factor),
        low=_adjust_known(day.low, factor),
        close=_adjust_known(day.close, factor),
        volume=adjust_volume(day.volume, factor),
        vwap=_adjust_known(day.vwap, factor),
    )


def _adjust_known(price: int | None, factor: Factor) -> int | None:
    return None if price is None else adjust_price(price, factor)


def present_adjusted(t: int, partial: Partial, factor: Factor) -> Bar | None:
    """The adjusted bar of a partial: its VWAP comes from the notional, which no split changes, and is rounded once."""
    bar = present(t, partial)
    if bar is None or factor == RAW:
        return bar
    adjusted = adjust_bar(bar, factor)
    if not partial.volume:
        return adjusted
    vwap = divide_half_even(partial.notional * factor.num, partial.volume * factor.den * VWAP_DIVISOR)
    return adjusted._replace(vwap=vwap)


class Verdict(StrEnum):
    """What prices say of a split."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    UNKNOWN = "unknown"


class Finding(NamedTuple):
    """A split and what was seen: open of its day over the close before it, beside the ratio that the split says."""

    split: Split
    verdict: Verdict
    seen: Fraction | None
    said: Fraction


LEAST_SAID = Fraction(6, 5)
"""A split that moves a price by less than a fifth cannot be told from an ordinary night."""


def audit(splits: Iterable[Split], bars: Iterable[DailyBar]) -> list[Finding]:
    """What raw daily bars say of splits, in the order of the splits.

    Between the last close before a split and the first open from its day on, the price should go by `from / to`. It is
    confirmed when the move is nearer to that than to no move at all (as ratios), refuted when it is not, and unknown
    when there is no bar on either side, when the first open is of a later day, or when the split is too small to see.
    """
    jumps = _jumps(bars)
    findings = []
    for split in splits:
        said = Fraction(split.split_from) / Fraction(split.split_to)
        seen = jumps.get((split.sym, split.day))
        findings.append(Finding(split, _verdict(seen, said), seen, said))
    return findings


def _jumps(bars: Iterable[DailyBar]) -> dict[tuple[str, date], Fraction]:
    """Open of each day over the close before, by symbol and day."""
    priced = sorted((bar.sym, bar.day, bar.open, bar.close) for bar in bars if bar.open and bar.close)
    return {
        (sym, day): Fraction(opened, closed)
        for (before, _, _, closed), (sym, day, opened, _) in pairwise(priced)
        if before == sym and opened is not None and closed is not None
    }


def _verdict(seen: Fraction | None, said: Fraction) -> Verdict:
    if seen is None or max(said, 1 / said) < LEAST_SAID:
        return Verdict.UNKNOWN
    apart = seen / said
    return Verdict.CONFIRMED if max(apart, 1 / apart) < max(seen, 1 / seen) else Verdict.REFUTED
