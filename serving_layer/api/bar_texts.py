"""Bars of windows as text: minutes and days are adjusted, put together, rounded once and written."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import reduce
from itertools import groupby
from operator import itemgetter

from serving_layer.api.bar_request import BarRequest
from shared.bars.adjust import Adjustment, Factor, present_adjusted
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
    factor = adjustment.only_factor(request.start, request.end)
    return _split_inside(adjustment) if factor is None else _one_factor(factor)


def _one_factor(factor: Factor) -> Callable[[int, Sequence[Minute]], str | None]:
    def text(window: int, minutes: Sequence[Minute]) -> str | None:
        partial = minutes[0][1] if len(minutes) == 1 else reduce(merge, (partial for _, partial in minutes))
        bar = present_adjusted(window, partial, factor)
        return None if bar is None else bar_text(bar)

    return text


def _split_inside(adjustment: Adjustment) -> Callable[[int, Sequence[Minute]], str | None]:
    def text(window: int, minutes: Sequence[Minute]) -> str | None:
        runs = groupby(sorted(minutes, key=itemgetter(0)), lambda minute: adjustment.factor_at(minute[0]))
        shown = show([(factor, of_minutes(reduce(merge, (partial for _, partial in run)))) for factor, run in runs])
        return None if shown is None else window_text(window, shown)

    return text


def text_of_days(request: BarRequest, adjustment: Adjustment) -> Callable[[date, Sequence[Day]], str | None]:
    """Writes the bar of a window (its first date) from its days in the order of the request."""

    def text(window: date, days: Sequence[Day]) -> str | None:
        t = new_york_midnight_ms(window)
        if len(days) == 1:
            return day_text(t, adjustment.day(days[0][1]))
        ordered = reversed(days) if request.descending else days
        shown = show([(adjustment.factor(day), of_day(bar)) for day, bar in ordered])
        return None if shown is None else window_text(t, shown)

    return text
