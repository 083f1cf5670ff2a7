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
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from shared.bars.algebra import VWAP_DIVISOR, present, price_of
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


@lru_cache(maxsize=65_536)
def adjust_price(price: int, factor: Factor) -> int:
    """A price or a VWAP in its own unit. Remembered: prices repeat, unlike volumes."""
    return divide_half_even(price * factor[0], factor[1])


def adjust_volume(volume: int, factor: Factor) -> int:
    """A volume in 10^-6 share."""
    return divide_half_even(volume * factor[1], factor[0])


def adjust_bar(bar: Bar, factor: Factor) -> Bar:
    """A presented bar; the count of its trades stays."""
    if factor == RAW:
        return bar
    t, first, high, low, last, volume, vwap, count = bar
    return Bar(
        t,
        adjust_price(first, factor),
        adjust_price(high, factor),
        adjust_price(low, factor),
        adjust_price(last, factor),
        divide_half_even(volume * factor[1], factor[0]),
        None if vwap is None else divide_half_even(vwap * factor[0], factor[1]),
        count,
    )


def adjust_day(day: DailyBar, factor: Factor) -> DailyBar:
    """A daily bar; what it does not tell it does not tell adjusted either."""
    if factor == RAW:
        return day
    sym, date_, first, high, low, last, volume, vwap, count = day
    return DailyBar(
        sym,
        date_,
        None if first is None else adjust_price(first, factor),
        None if high is None else adjust_price(high, factor),
        None if low is None else adjust_price(low, factor),
        None if last is None else adjust_price(last, factor),
        adjust_volume(volume, factor),
        None if vwap is None else divide_half_even(vwap * factor[0], factor[1]),
        count,
    )


def present_adjusted(t: int, partial: Partial, factor: Factor) -> Bar | None:
    """The adjusted bar of a partial: its VWAP comes from the notional, which no split changes, and is rounded once."""
    if factor == RAW:
        return present(t, partial)
    first, last, high, low, volume, notional, count, _ = partial
    if first is None or last is None or high is None or low is None:
        return None
    num, den = factor
    return Bar(
        t,
        adjust_price(price_of(first), factor),
        adjust_price(high, factor),
        adjust_price(low, factor),
        adjust_price(price_of(last), factor),
        divide_half_even(volume * den, num),
        divide_half_even(notional * num, volume * den * VWAP_DIVISOR) if volume else None,
        count,
    )


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
