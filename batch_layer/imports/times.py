"""Times as files have them: dates, ISO 8601 with or without a zone, Unix seconds to nanoseconds."""

import re
from collections.abc import Hashable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from shared.bars.windows import MINUTE_MS
from shared.errors import InvalidRecord

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNITS_NS = ((10**11, 10**9), (10**14, 10**6), (10**17, 10**3))
"""Below the first number a Unix time is in the unit of so many ns; larger ones are ns."""
_DAY = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})", re.ASCII)
_TIME = re.compile(r"\d{4}-?\d{2}-?\d{2}[T ]\d.*", re.ASCII)
"""Where a time begins: fromisoformat would take any one letter, and digits, between date and time."""
_UNIX = re.compile(r"\d{9,19}(\.0*)?", re.ASCII)


def day_of(value: object, zone: ZoneInfo) -> date:
    """The calendar date: as it is written, or of an instant in `zone`. Raises InvalidRecord `time`."""
    read = _read(value)
    if not isinstance(read, datetime):
        return read
    return read.date() if read.tzinfo is None else _at(read, zone).date()


def minute_of(value: object, zone: ZoneInfo) -> int:
    """The start of a minute, Unix ms; `zone` is that of times without one. Raises InvalidRecord `time` or `minute`."""
    if not isinstance(value, Hashable):
        raise InvalidRecord("time", f"must be a time, was {str(value)[:40]}")
    return _minute_of(value, zone)


@lru_cache(maxsize=1 << 16)
def _minute_of(value: Hashable, zone: ZoneInfo) -> int:
    """Remembered: a file of many symbols has the same times over and over."""
    read = _read(value)
    if not isinstance(read, datetime):
        raise InvalidRecord("time", f"a minute needs a time of day, was {read}")
    instant = _in_zone(read, zone) if read.tzinfo is None else read
    t_us = (instant - EPOCH) // timedelta(microseconds=1)
    if t_us % (MINUTE_MS * 1000):
        raise InvalidRecord("minute", f"must be the start of a minute, was {read.isoformat()}")
    return t_us // 1000


def _read(value: object) -> date | datetime:
    """A date, a time without zone, or an instant."""
    if isinstance(value, date):  # a datetime is one
        return value
    text = "" if value is None else str(value).strip()
    try:
        if match := _DAY.fullmatch(text):
            year, month, day = map(int, match.groups())
            return date(year, month, day)
        if _UNIX.fullmatch(text):
            number = int(text.partition(".")[0])
            unit_ns = next((unit for limit, unit in UNITS_NS if number < limit), 1)
            return EPOCH + timedelta(microseconds=number * unit_ns // 1000)
        if not _TIME.fullmatch(text):
            raise ValueError("none of these")
        return datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise InvalidRecord("time", f"must be a date, ISO 8601 or Unix time, was {text[:40]!r}") from error


def _at(instant: datetime, zone: ZoneInfo) -> datetime:
    try:
        return instant.astimezone(zone)
    except (OverflowError, ValueError) as error:
        raise InvalidRecord("time", f"must be a time of any market, was {instant}") from error


def _in_zone(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant. A time that the clocks leave out, or show twice, is none."""
    first, second = (local.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() != second.utcoffset():
        raise InvalidRecord("time", f"{local.isoformat(' ')} is left out or there twice in {zone.key}")
    return first
