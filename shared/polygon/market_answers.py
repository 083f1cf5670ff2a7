"""Where the market stands and when it will be closed, in Polygon's answers, from the session table."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from shared.bars.sessions import FRIDAY, REGULAR_CLOSE, SessionDay, SessionTable
from shared.bars.windows import HOUR_MS, NEW_YORK, new_york_date

EARLY = time(4)
LATE_MS = 4 * HOUR_MS
"""Trading before the regular session begins at 04:00 in New York; after it, it goes on for four hours."""
AHEAD_DAYS = 366
EXCHANGES = ("nyse", "nasdaq", "otc")
_NAMES = {
    2: (15, 21, "Washington's Birthday"),
    3: (20, 31, "Good Friday"),
    4: (1, 23, "Good Friday"),
    5: (25, 31, "Memorial Day"),
    6: (18, 20, "Juneteenth"),
    7: (2, 5, "Independence Day"),
    9: (1, 7, "Labor Day"),
    11: (22, 29, "Thanksgiving"),
    12: (23, 26, "Christmas"),
}
"""Month -> first and last day of it on which the market is closed, or closes early, for a holiday."""


def market_now(sessions: SessionTable, now_ms: int) -> dict[str, Any]:
    """The flat answer of `GET /v1/marketstatus/now` at an instant (Unix ms)."""
    session, now = sessions.day_of(now_ms), datetime.fromtimestamp(now_ms / 1000, NEW_YORK)
    early = session is not None and now_ms < session.regular_open and now.time() >= EARLY
    late = session is not None and session.regular_close <= now_ms < session.regular_close + LATE_MS
    regular = session is not None and session.is_regular(now_ms)
    market = "open" if regular else "extended-hours" if early or late else "closed"
    return {
        "afterHours": late,
        "earlyHours": early,
        "exchanges": dict.fromkeys(EXCHANGES, market),
        "market": market,
        "serverTime": now.isoformat(timespec="seconds"),
    }


def upcoming(sessions: SessionTable, now_ms: int) -> list[dict[str, Any]]:
    """`GET /v1/marketstatus/upcoming`: closed weekdays and early closes of a year from an instant's date on."""
    today = new_york_date(now_ms)
    days = (today + timedelta(days=ahead) for ahead in range(AHEAD_DAYS))
    return [row for day in days if sessions.first <= day <= sessions.last for row in _rows(sessions.day(day), day)]


def holiday_name(day: date) -> str:
    """What a date on which the market is closed, or closes early, is called."""
    is_new_year = (day.month, day.day) == (1, 1) or ((day.month, day.day) == (1, 2) and day.weekday() == 0)
    if is_new_year or (day.month, day.day) == (12, 31):
        return "New Year's Day"
    if day.month == 1 and 15 <= day.day <= 21 and day.weekday() == 0:
        return "Martin Luther King, Jr. Day"
    first, last, name = _NAMES.get(day.month, (0, 0, ""))
    return name if first <= day.day <= last else "Special closing"


def _rows(session: SessionDay | None, day: date) -> Iterator[dict[str, Any]]:
    """One for each exchange; none for a usual day or a weekend."""
    if session is None and day.weekday() > FRIDAY:
        return
    hours = {} if session is None else _early_close(session)
    if hours is None:
        return
    status = "early-close" if hours else "closed"
    for exchange in EXCHANGES:
        about = {"date": day.isoformat(), "exchange": exchange.upper(), "name": holiday_name(day), "status": status}
        yield about | hours


def _early_close(session: SessionDay) -> dict[str, str] | None:
    """Open and close in UTC where the regular session ends before its time."""
    at = datetime.fromtimestamp(session.regular_close / 1000, NEW_YORK)
    if session.regular_close == session.end or at.time() >= REGULAR_CLOSE:
        return None
    return {"open": _utc(session.regular_open), "close": _utc(session.regular_close)}


def _utc(t_ms: int) -> str:
    return datetime.fromtimestamp(t_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
