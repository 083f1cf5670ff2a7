"""Windows of whole New York days: day, week, month, quarter, year and multiples of them, anchored as Polygon anchors.

Windows are counted from the unit that holds `from`: a week starts on Sunday, a month on its 1st, a quarter in January,
April, July or October. They are kept as dates, so a day is a day whether it has 23, 24 or 25 hours.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

CALENDAR_UNITS: Final = ("day", "week", "month", "quarter", "year")
LAST_DAY: Final = date.max
"""Windows that would go on after it end with it."""
_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
_DAYS: Final = {"day": 1, "week": 7}


def number_of(unit: str, day: date) -> int:
    """Which unit of the calendar a date lies in, counted without a hole."""
    if unit in _DAYS:
        return day.toordinal() // _DAYS[unit]  # day 7 of the calendar is its first Sunday
    return (day.year * 12 + day.month - 1) // _MONTHS[unit]


def start_of(unit: str, number: int) -> date:
    """The first date of a unit; `LAST_DAY` for all that start after it."""
    if unit in _DAYS:
        return date.fromordinal(max(1, min(number * _DAYS[unit], LAST_DAY.toordinal())))
    year, month = divmod(number * _MONTHS[unit], 12)
    return date(year, month + 1, 1) if year <= LAST_DAY.year else LAST_DAY


@dataclass(frozen=True, slots=True)
class CalendarWindows:
    """Windows of `multiplier` units, counted from the unit that holds `anchor`; start included, end excluded."""

    unit: str
    multiplier: int
    anchor: date

    def floor(self, day: date) -> date:
        """Start of the window that holds a date."""
        if self.unit == "day" and self.multiplier == 1:
            return day
        return start_of(self.unit, self._first(day))

    def after(self, day: date) -> date:
        """End of the window that holds a date: the start of the next one."""
        return start_of(self.unit, self._first(day) + self.multiplier)

    def _first(self, day: date) -> int:
        """Number of the first unit of the window that holds a date."""
        number, anchor = number_of(self.unit, day), number_of(self.unit, self.anchor)
        return number - (number - anchor) % self.multiplier


def snap_dates(first: date, last: date, multiplier: int, unit: str) -> tuple[date, date]:
    """[start, end) for an inclusive request: back to the start of the first unit, on to the end of the last window.

    >>> snap_dates(date(2013, 10, 8), date(2013, 10, 8), 1, "week")
    (datetime.date(2013, 10, 6), datetime.date(2013, 10, 13))
    """
    windows = CalendarWindows(unit, multiplier, first)
    return windows.floor(first), windows.after(last)
