"""Windows of days tile the calendar, begin where Polygon's begin, and are never a day off."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bars.calendar_windows import CALENDAR_UNITS, LAST_DAY, CalendarWindows, snap_dates

SUNDAY = 6
days = st.dates(date(1970, 1, 1), date(2100, 12, 31))
units = st.sampled_from(CALENDAR_UNITS)
multipliers = st.integers(1, 40)


def starts_a(unit: str, day: date) -> bool:
    """Whether a unit of the calendar begins with a date, as people say it."""
    return {
        "day": True,
        "week": day.strftime("%A") == "Sunday",
        "month": day.day == 1,
        "quarter": day.day == 1 and day.strftime("%B") in ("January", "April", "July", "October"),
        "year": (day.month, day.day) == (1, 1),
    }[unit]


@pytest.mark.parametrize("unit", CALENDAR_UNITS)
def test_a_unit_starts_where_a_calendar_says(unit: str) -> None:
    day, start = date(1995, 1, 1), date(1995, 1, 1)  # a Sunday, so every unit starts here
    windows = CalendarWindows(unit, 1, date(2000, 5, 17))
    while day < date(2030, 1, 1):
        start = day if starts_a(unit, day) else start
        assert windows.floor(day) == start
        day += timedelta(days=1)


@pytest.mark.parametrize(
    ("unit", "multiplier", "first", "last", "expected"),
    [
        ("day", 1, "2013-10-08", "2013-10-08", ["2013-10-08", "2013-10-09"]),
        ("day", 3, "2013-10-08", "2013-10-11", ["2013-10-08", "2013-10-11", "2013-10-14"]),
        ("week", 1, "2013-10-08", "2013-10-13", ["2013-10-06", "2013-10-13", "2013-10-20"]),
        ("week", 2, "2013-10-06", "2013-10-06", ["2013-10-06", "2013-10-20"]),
        ("month", 1, "2012-02-29", "2012-03-01", ["2012-02-01", "2012-03-01", "2012-04-01"]),
        ("month", 5, "2013-10-08", "2014-03-01", ["2013-10-01", "2014-03-01", "2014-08-01"]),
        ("quarter", 1, "2013-05-31", "2013-07-01", ["2013-04-01", "2013-07-01", "2013-10-01"]),
        ("year", 2, "2013-10-08", "2015-01-01", ["2013-01-01", "2015-01-01", "2017-01-01"]),
    ],
)
def test_windows_count_from_the_unit_of_from_and_the_last_one_is_whole(
    unit: str, multiplier: int, first: str, last: str, expected: list[str]
) -> None:
    bounds = [date.fromisoformat(text) for text in expected]
    asked = date.fromisoformat(first), date.fromisoformat(last)
    assert snap_dates(*asked, multiplier, unit) == (bounds[0], bounds[-1])
    windows = CalendarWindows(unit, multiplier, asked[0])
    assert [windows.after(bound) for bound in bounds[:-1]] == bounds[1:]


@given(units, multipliers, days, days)
def test_every_day_lies_in_exactly_one_window(unit: str, multiplier: int, anchor: date, day: date) -> None:
    windows = CalendarWindows(unit, multiplier, anchor)
    start, end = windows.floor(day), windows.after(day)
    assert start <= day < end
    assert windows.floor(start) == windows.floor(end - timedelta(days=1)) == start
    assert windows.floor(end) == end, "windows leave no hole"
    assert windows.after(start) == end


@given(units, multipliers, days, st.integers(0, 1_000))
def test_a_request_is_widened_to_whole_windows_and_no_further(
    unit: str, multiplier: int, first: date, length: int
) -> None:
    last = first + timedelta(days=length)
    start, end = snap_dates(first, last, multiplier, unit)
    windows = CalendarWindows(unit, multiplier, first)
    assert start <= first <= last < end
    assert start == CalendarWindows(unit, 1, first).floor(first), "the first window starts with the unit of `from`"
    assert windows.floor(last) < end == windows.after(last)


@given(days, multipliers)
def test_weeks_start_on_sunday_and_hold_seven_days_each(day: date, multiplier: int) -> None:
    windows = CalendarWindows("week", multiplier, day)
    assert windows.floor(day).weekday() == SUNDAY
    assert windows.after(day) - windows.floor(day) == timedelta(days=7 * multiplier)


@pytest.mark.parametrize("unit", CALENDAR_UNITS)
def test_a_window_longer_than_the_calendar_ends_with_it(unit: str) -> None:
    start, end = snap_dates(date(2013, 10, 8), date(2013, 10, 8), 999_999_999, unit)
    assert end == LAST_DAY
    assert CalendarWindows(unit, 999_999_999, start).floor(LAST_DAY - timedelta(days=1)) == start
