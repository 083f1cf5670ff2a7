"""Tumbling windows: start included, end excluded. Stream windows are aligned to the epoch, which for whole hours
and their divisors is the same as the New York clock; windows of a request are anchored as Polygon anchors them.
"""

from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

NEW_YORK: Final = ZoneInfo("America/New_York")
MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
END_OF_TIME_MS: Final = 10**13
"""In 2286. Unix ms below it have 13 digits at most, so that as text of 13 digits they sort as they do as numbers."""

STREAM_TIMEFRAMES: Final = {"1m": 60, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600}
"""Timeframe -> seconds, in rank order: rank 1 is the shortest."""

_WIDTHS: Final = tuple(STREAM_TIMEFRAMES.values())


def late_rank(sec: int, promise: int) -> int:
    """How many stream timeframes had closed on event second `sec` when the promise was `promise` (Unix seconds).

    A window closes when the promise reaches its end, so the windows that hold one second close in rank order.

    >>> late_rank(59, 0), late_rank(59, 60), late_rank(59, 300), late_rank(0, 3600)
    (0, 1, 2, 5)
    """
    rank = 0
    for width in _WIDTHS:
        if sec - sec % width + width > promise:
            break
        rank += 1
    return rank


def new_york_midnight_ms(day: date) -> int:
    """Start of a New York calendar day, Unix ms."""
    return int(datetime(day.year, day.month, day.day, tzinfo=NEW_YORK).timestamp()) * 1000


def new_york_date(t_ms: int) -> date:
    """The New York calendar date of an instant in Unix ms."""
    return datetime.fromtimestamp(t_ms // 1000, NEW_YORK).date()


def end_of_new_york_day_ms(t_ms: int) -> int:
    """The New York midnight after an instant (Unix ms): when the promise of a finished feed may go to."""
    return new_york_midnight_ms(new_york_date(t_ms) + timedelta(days=1))


UNIT_MS: Final = {"minute": MINUTE_MS, "hour": HOUR_MS}


def snap_range(from_ms: int, to_ms: int, multiplier: int, timespan: str) -> tuple[int, int]:
    """Polygon's anchoring: [start, end) in Unix ms for an inclusive request [from_ms, to_ms].

    `from` moves back to the start of its unit and anchors the windows; `end` moves forward until the last window is
    whole (polygon knowledge base, custom bars).

    >>> snap_range(61_000, 61_000, 5, "minute")
    (60000, 360000)
    """
    unit = UNIT_MS[timespan]
    start = from_ms - from_ms % unit
    width = unit * multiplier
    return start, start + ((to_ms - start) // width + 1) * width
