"""Which trade date a run is for. Pure."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from shared.bars.sessions import SessionTable
from shared.bars.windows import new_york_date
from shared.errors import InvalidRecord


def asked_for(asked: Mapping[str, Any], sessions: SessionTable) -> date:
    """`{"day": "2013-10-08"}`, or `{"at": RFC 3339 time, "back": n}`: the New York date of a schedule's own time, and
    so many sessions before it. Raises InvalidRecord `input`."""
    try:
        if "day" in asked:
            return date.fromisoformat(asked["day"])
        day = new_york_date(int(datetime.fromisoformat(asked["at"]).timestamp() * 1000))
        for _ in range(int(asked.get("back", 0))):
            day = _before(day, sessions)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidRecord("input", f"a run is given a day, or a time and how far back, was {asked}") from error
    return day


def _before(day: date, sessions: SessionTable) -> date:
    """Raises ValueError before the first one of the table."""
    before = sessions.before(day)
    if before is None:
        raise ValueError(f"no session before {day}")
    return before
