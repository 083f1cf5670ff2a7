"""The market's status and its next holidays over REST (rest.md 6.18), from the session table at the feed's clock."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from aiohttp import web

from shared.bars.sessions import REGULAR_CLOSE, SessionDay, SessionTable
from shared.bars.windows import NEW_YORK, new_york_date

STATUS_PATH = "/v1/marketstatus/now"
HOLIDAYS_PATH = "/v1/marketstatus/upcoming"
EARLY, LATE_HOURS = time(4), timedelta(hours=4)
"""Trading before the open begins at 04:00 New York, and goes on for four hours after the close."""
AHEAD_DAYS = 366
FRIDAY = 4


class MarketSide:
    """`now_ms`: the feed's clock, Unix ms."""

    def __init__(self, sessions: SessionTable, now_ms: Callable[[], int]) -> None:
        self._sessions = sessions
        self._now_ms = now_ms

    async def status(self, _request: web.Request, _request_id: str) -> bytes:
        now_ms = self._now_ms()
        session = self._sessions.day_of(now_ms)
        now = datetime.fromtimestamp(now_ms / 1000, NEW_YORK)
        early = session is not None and now.timetz().replace(tzinfo=None) >= EARLY and now_ms < session.regular_open
        late = session is not None and 0 <= now_ms - session.regular_close < LATE_HOURS.total_seconds() * 1000
        state = "extended-hours" if early or late else "closed"
        if session is not None and session.is_regular(now_ms):
            state = "open"
        answer = {
            "market": state,
            "earlyHours": early,
            "afterHours": late,
            "serverTime": now.isoformat(timespec="seconds"),
            "exchanges": dict.fromkeys(("nyse", "nasdaq", "otc"), state),
        }
        return json.dumps(answer).encode()

    async def holidays(self, _request: web.Request, _request_id: str) -> bytes:
        """A year of them from today on, a bare array."""
        first = new_york_date(self._now_ms())
        days = (first + timedelta(days=ahead) for ahead in range(AHEAD_DAYS))
        return json.dumps([row for day in days for row in self._holiday(day)]).encode()

    def _holiday(self, day: date) -> list[dict[str, Any]]:
        """A row for each exchange, none for a usual day or one that the table does not know."""
        session = self._sessions.day(day)
        if not self._sessions.first <= day <= self._sessions.last or (session is None and day.weekday() > FRIDAY):
            return []
        about = {"name": "Holiday", "status": "closed"} if session is None else _early_close(session)
        return [{"date": day.isoformat(), "exchange": name} | about for name in ("NYSE", "NASDAQ") if about]


def _early_close(session: SessionDay) -> dict[str, str]:
    close = datetime.fromtimestamp(session.regular_close / 1000, NEW_YORK)
    if close.time() >= REGULAR_CLOSE or session.regular_open == session.start:
        return {}
    opening, closing = (_utc(ms) for ms in (session.regular_open, session.regular_close))
    return {"name": "Early close", "status": "early-close", "open": opening, "close": closing}


def _utc(t_ms: int) -> str:
    return datetime.fromtimestamp(t_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
