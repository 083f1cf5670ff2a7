"""Bars of windows as text: minutes and days are adjusted, put together, rounded once and written."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import lru_cache, reduce
from itertools import groupby
from operator import itemgetter

from serving_layer.api.bar_request import BarRequest
from shared.bars.adjust import Adjustment, present_adjusted
from shared.bars.algebra import merge
from shared.bars.totals import of_day, of_minutes, show
from shared.bars.windows import new_york_midnight_ms
from shared.models.bar import Partial
from shared.models.daily import DailyBar
from shared.polygon.answers import bar_text, day_text, window_text

Minute = tuple[int, Partial]
Day = tuple[date, DailyBar]


def text_of_minutes(request: BarRequest, adjustment: Adjustment) -> Callable[[int, Sequence[Minute]], str | None]:
    """Writes the bar of a window (its start, Unix ms) from its minutes in the order of the request."""
    everywhere = adjustment.only_factor(request.start, request.end)

    def text(window: int, minutes: Sequence[Minute]) -> str | None:
        factor = everywhere
        if factor is None:
            first, last = sorted((minutes[0][0], minutes[-1][0]))
            factor = adjustment.only_factor(first, last + 1)
        if factor is None:
            return _across_a_split(window, minutes, adjustment)
        partial = minutes[0][1] if len(minutes) == 1 else reduce(merge, (partial for _, partial in minutes))
        bar = present_adjusted(window, partial, factor)
        return None if bar is None else bar_text(bar)

    return text


def _across_a_split(window: int, minutes: Sequence[Minute], adjustment: Adjustment) -> str | None:
    runs = groupby(sorted(minutes, key=itemgetter(0)), lambda minute: adjustment.factor_at(minute[0]))
    shown = show([(factor, of_minutes(reduce(merge, (partial for _, partial in run)))) for factor, run in runs])
    return None if shown is None else window_text(window, shown)


def text_of_days(request: BarRequest, adjustment: Adjustment) -> Callable[[date, Sequence[Day]], str | None]:
    """Writes the bar of a window (its first date) from its days in the order of the request."""

    def text(window: date, days: Sequence[Day]) -> str | None:
        t = _start(window)
        if len(days) == 1:
            return day_text(t, adjustment.day(days[0][1]))
        ordered = reversed(days) if request.descending else days
        shown = show([(adjustment.factor(day), of_day(bar)) for day, bar in ordered])
        return None if shown is None else window_text(t, shown)

    return text


@lru_cache(maxsize=16_384)
def _start(day: date) -> int:
    """Its New York midnight, Unix ms: the same dates are asked for again and again."""
    return new_york_midnight_ms(day)
