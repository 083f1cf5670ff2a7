"""Days and minutes add up exactly; adjusting and adding up may be done in either order."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from shared.bars.adjust import RAW, Adjustment, Factor, adjust_day
from shared.bars.algebra import merge_all, present, present_day
from shared.bars.totals import Shown, Totals, merge, of_day, of_minutes, of_trade_date, scale, show
from shared.models.bar import Edges, Partial
from shared.models.daily import DailyBar, Split

SUNDAY = date(2014, 6, 8)
USD, SHARE = 10**9, 10**6


@st.composite
def daily_bars(draw: st.DrawFn) -> DailyBar:
    day = SUNDAY + timedelta(days=draw(st.integers(0, 6)))
    low, *middle, high = sorted(draw(st.lists(st.integers(1, 10**15), min_size=4, max_size=4)))
    volume = draw(st.just(0) | st.integers(1, 10**15))
    vwap, count = draw(st.none() | st.integers(1, 10**10)), draw(st.none() | st.integers(0, 10**6))
    if draw(st.integers(0, 9)) == 0:
        return DailyBar("AAPL", day, None, None, None, None, volume, vwap, count)
    return DailyBar("AAPL", day, middle[0], high, low, middle[1], volume, vwap, count)


weeks = st.lists(daily_bars(), min_size=1, max_size=6, unique_by=lambda bar: bar.day).map(
    lambda week: sorted(week, key=lambda bar: bar.day)
)
factors = st.builds(
    lambda ratio: Factor(ratio.numerator, ratio.denominator), st.fractions(Fraction(1, 500), 500, max_denominator=999)
)


def week_by_hand(week: list[DailyBar]) -> Shown | None:
    """Raw days of a week, column by column."""
    priced = [day for day in week if day.open is not None]
    traded = [day for day in week if day.volume]
    if not priced:
        return None
    vwap = None
    if traded and all(day.vwap is not None for day in traded):
        paid = sum(Decimal(day.vwap or 0) * day.volume for day in traded)
        vwap = round(Fraction(paid) / sum(day.volume for day in traded))
    return Shown(
        open=priced[0].open or 0,
        high=max(day.high or 0 for day in priced),
        low=min(day.low or 0 for day in priced),
        close=priced[-1].close or 0,
        volume=sum(day.volume for day in week),
        vwap=vwap,
        count=None if any(day.count is None for day in week) else sum(day.count or 0 for day in week),
    )


@given(weeks)
def test_a_week_is_the_first_open_the_last_close_the_extremes_and_the_sums_of_its_days(week: list[DailyBar]) -> None:
    with localcontext(prec=60):
        assert show([(RAW, of_day(day)) for day in week]) == week_by_hand(week)


@given(weeks, factors)
def test_adjusting_before_adding_up_is_adding_up_before_adjusting(week: list[DailyBar], factor: Factor) -> None:
    parts = [of_day(day) for day in week]
    assert reduce(merge, (scale(part, factor) for part in parts)) == scale(reduce(merge, parts), factor)
    assert show([(factor, part) for part in parts]) == show([(RAW, scale(part, factor)) for part in parts])


@given(weeks, factors)
def test_the_prices_of_a_week_are_those_of_its_adjusted_days(week: list[DailyBar], factor: Factor) -> None:
    shown = show([(factor, of_day(day)) for day in week])
    days = [adjust_day(day, factor) for day in week]
    priced = [day for day in days if day.open is not None]
    if shown is None:
        assert priced == []
        return
    assert (shown.open, shown.close) == (priced[0].open, priced[-1].close)
    assert shown.high == max(day.high or 0 for day in priced)
    assert shown.low == min(day.low or 0 for day in priced)
    assert abs(shown.volume - sum(day.volume for day in days)) <= len(days)


@given(weeks, st.integers(1, 6))
def test_parts_may_be_added_up_in_any_grouping(week: list[DailyBar], at: int) -> None:
    parts = [of_day(day) for day in week]
    if 0 < at < len(parts):
        assert merge(reduce(merge, parts[:at]), reduce(merge, parts[at:])) == reduce(merge, parts)


def test_a_week_with_a_split_inside_is_at_the_new_price_throughout() -> None:
    """AAPL, 7 for 1 on Monday 2014-06-09, in a window that holds the Friday before."""
    friday = DailyBar("AAPL", date(2014, 6, 6), 651 * USD, 658 * USD, 644 * USD, 644 * USD, 7 * SHARE, 6_510_000, 2)
    monday = DailyBar("AAPL", date(2014, 6, 9), 92 * USD, 93 * USD, 91 * USD, 93 * USD, 51 * SHARE, 920_000, 3)
    adjustment = Adjustment([Split("AAPL", monday.day, Decimal(1), Decimal(7), "1", datetime(2014, 6, 1, tzinfo=UTC))])
    shown = show([(adjustment.factor(day.day), of_day(day)) for day in (friday, monday)])
    assert shown == Shown(93 * USD, 94 * USD, 91 * USD, 93 * USD, 100 * SHARE, (49 * 930_000 + 51 * 920_000) // 100, 5)


def test_a_window_in_which_no_price_was_set_is_not_shown() -> None:
    assert show([(RAW, Totals(None, None, None, None, 5 * SHARE, None, None))]) is None


def minute(t: int, cents: int, shares: int, *, day: Edges | None = None) -> Partial:
    key = f"{t:013d}{1:012d}{cents * 10**7:018d}"
    return Partial(key, key, cents * 10**7, cents * 10**7, shares * SHARE, cents * shares * 10**13, 1, day)


@given(st.lists(st.tuples(st.integers(1, 10**6), st.integers(0, 10**6), st.booleans()), min_size=1, max_size=8))
def test_minutes_show_the_bar_and_the_day_that_their_partial_shows(prints: list[tuple[int, int, bool]]) -> None:
    minutes = [
        minute(60_000 * i, cents, shares, day=Edges() if outside else None)
        for i, (cents, shares, outside) in enumerate(prints)
    ]
    whole = merge_all(minutes)
    for one_way, the_other, from_parts in (
        (present(0, whole), show([(RAW, of_minutes(whole))]), show([(RAW, of_minutes(part)) for part in minutes])),
        (present_day(0, whole), show([(RAW, of_trade_date(whole))]), show([(RAW, of_trade_date(m)) for m in minutes])),
    ):
        assert the_other == from_parts == (None if one_way is None else tuple(one_way[1:]))
