"""When each line of a recording is due: file order is kept, time never runs backwards."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from local_dev.vendor.lines import NO_TIME, Int64s

NEW_YORK = ZoneInfo("America/New_York")
HOUR_MS = 3_600_000
FOLLOWERS = 8  # how many later lines can show that a time ran ahead
AHEAD_MS = 2_000  # disorder up to this is usual and keeps the plain rule
_NEVER = np.iinfo(np.int64).min


def due_times(times_ms: Int64s) -> Int64s:
    """The feed time (ms) at which each line of one file is sent: the greatest `t` seen so far in it.

    So a duplicate or a trade out of order goes out where the file has it. A lone trade whose time lies more
    than 2 s ahead of the lines after it is sent in its place too, and does not hold up those lines.
    A line without time (NO_TIME) is due with the line before it. All are NO_TIME if no line has a time.
    """
    due = np.full(len(times_ms), NO_TIME, np.int64)
    timed = np.flatnonzero(times_ms != NO_TIME)
    if not len(timed):
        return due
    running = np.maximum.accumulate(_without_lone_leaps(times_ms[timed]))
    running[running == _NEVER] = running[running != _NEVER][0]
    before = np.searchsorted(timed, np.arange(len(times_ms)), side="right") - 1
    due[:] = running[np.maximum(before, 0)]
    return due


def _without_lone_leaps(times_ms: Int64s) -> Int64s:
    """The times, with each lone leap ahead replaced by the greatest time before it."""
    result = times_ms.copy()
    after = np.full(len(result), _NEVER, np.int64)
    for distance in range(1, min(FOLLOWERS, len(result) - 1) + 1):
        np.maximum(after[:-distance], times_ms[distance:], out=after[:-distance])
    leaps = np.flatnonzero((after != _NEVER) & (times_ms > after + AHEAD_MS))
    greatest, seen = _NEVER, 0
    for leap in leaps.tolist():
        greatest = max(greatest, int(result[seen:leap].max(initial=_NEVER)))
        seen = leap
        # Old duplicates alone do not show that time went on below the leap; a line after `greatest` does.
        if bool((times_ms[leap + 1 : leap + 1 + FOLLOWERS] > greatest).any()):
            result[leap] = greatest
    return result


def new_york_day(time_ms: int) -> int:
    """The New York calendar date of an instant, as a day number."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).astimezone(NEW_YORK).toordinal()


def new_york_days(times_ms: Int64s) -> Int64s:
    """`new_york_day` of many instants: New York's clock only ever changes on a whole hour of UTC."""
    hours = (times_ms // HOUR_MS).astype(np.int32)
    present = np.unique(hours)
    days = np.array([new_york_day(hour * HOUR_MS) for hour in present.tolist()], np.int64)
    return days[np.searchsorted(present, hours)]
