"""When a schedule of EventBridge strikes: a cron expression over a calendar year, in its own time zone."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from local_dev.cost.assembly import text_of

WEEKDAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
MONTHS = {
    name: number
    for number, name in enumerate(
        ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"), 1
    )
}
RATE_S = {"minute": 60, "hour": 3600, "day": 86_400}


class UnknownScheduleError(ValueError):
    """An expression whose instants cannot be told here."""


def strikes(schedule: Mapping[str, Any], year: int) -> list[datetime]:
    """Instants (aware, in the schedule's zone) of a year at which a schedule's properties start their target.

    A time that a clock change leaves out is struck when the clock goes on; one that comes twice is struck once, the
    first time. Raises UnknownScheduleError.
    """
    if schedule.get("State", "ENABLED") != "ENABLED":
        return []
    zone = ZoneInfo(text_of(schedule.get("ScheduleExpressionTimezone", "")) or "UTC")
    expression = text_of(schedule["ScheduleExpression"])
    cron = re.fullmatch(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)", expression)
    if cron is None:
        raise UnknownScheduleError(f"cannot tell when {expression!r} strikes")
    minutes, hours, days, months, weekdays, years = cron.groups()
    if year not in _numbers(years, 1970, 2199):
        return []
    times = [time(hour, minute) for hour in _numbers(hours, 0, 23) for minute in _numbers(minutes, 0, 59)]
    wanted = set(_numbers(days, 1, 31)), set(_numbers(months, 1, 12, MONTHS)), set(_numbers(weekdays, 1, 7, WEEKDAYS))
    return [
        datetime.combine(day, at, zone)
        for day in days_of(year)
        if all(part in allowed for part, allowed in zip(_parts(day), wanted, strict=True))
        for at in times
    ]


def a_year(schedule: Mapping[str, Any], year: int) -> float:
    """How often a schedule strikes in a year; `rate(...)` too."""
    rate = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", text_of(schedule["ScheduleExpression"]))
    if rate is None:
        return len(strikes(schedule, year))
    enabled = schedule.get("State", "ENABLED") == "ENABLED"
    return len(list(days_of(year))) * 86_400 / (int(rate[1]) * RATE_S[rate[2]]) if enabled else 0


def days_of(year: int) -> Iterator[date]:
    first = date(year, 1, 1)
    return (first + timedelta(days=number) for number in range((date(year + 1, 1, 1) - first).days))


def _parts(day: date) -> tuple[int, int, int]:
    return day.day, day.month, day.isoweekday() % 7 + 1


def _numbers(field: str, least: int, most: int, names: Mapping[str, int] | None = None) -> list[int]:
    """`*`, `?`, numbers or names, ranges of them, and lists of those."""
    if field in {"*", "?"}:
        return list(range(least, most + 1))
    found: list[int] = []
    for part in field.split(","):
        first, dash, last = part.partition("-")
        try:
            low, high = (int((names or {}).get(end, end)) for end in (first, last if dash else first))
        except ValueError as error:
            raise UnknownScheduleError(f"cannot read {part!r} in a cron expression") from error
        if not least <= low <= high <= most:
            raise UnknownScheduleError(f"{part!r} in a cron expression is not within {least}-{most}")
        found += range(low, high + 1)
    return found
