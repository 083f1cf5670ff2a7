"""What a moment is measured by. Pure. Outside the regular session whatever would alarm measures 0: then it is quiet."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final, NamedTuple

from shared.bars.sessions import SessionDay, SessionTable
from shared.bars.windows import MINUTE_MS, NEW_YORK, new_york_date
from shared.metrics import (
    BARS_AGE,
    DEAD_LETTERS,
    FEED_DOWN,
    MAY_RUN,
    NIGHTS_MISSING,
    OUT_OF_HOURS,
    SESSION_OPEN,
    Metric,
)
from shared.stores.control import RUNNING, ingest_state, is_at_work
from shared.stores.runs import FINISHED, Run
from shared.stores.runs import RUNNING as AT_WORK
from speed_layer.planner.plan import plan

DUE: Final = time(6)
"""New York time of the next calendar day at which a session's night is over: its machine may take eight hours from
20:15, and the second look of the morning begins at 06:30."""
NIGHTS_BACK: Final = timedelta(days=7)
SPARE_MS: Final = 15 * MINUTE_MS
"""Before the first and after the last order of a day: time for what is started and stopped to come and to go."""


class Seen(NamedTuple):
    """What the tables and the lake hold at a moment. `epoch`: of the newest ingester, empty before the first.
    `promise`: Unix s, the greatest that has come with a bar. `runs`: of the last week's nights. `watched_since`:
    Unix s. `dead_letters`: batches given up within the last hour."""

    epoch: Mapping[str, Any]
    promise: int
    runs: Sequence[Run]
    watched_since: float
    dead_letters: int


def measures(now_ms: int, sessions: SessionTable, seen: Seen) -> dict[Metric, float]:
    """Of a moment (host time, Unix ms)."""
    session = sessions.day_of(now_ms)
    is_open = session is not None and session.is_regular(now_ms)
    runs = may_run(now_ms, sessions)
    values: dict[Metric, float] = {
        SESSION_OPEN: int(is_open),
        FEED_DOWN: int(is_open and ingest_state(seen.epoch, now_ms) != RUNNING),
        BARS_AGE: _age_s(now_ms, session, seen.promise) if is_open and session is not None else 0,
        MAY_RUN: int(runs),
        OUT_OF_HOURS: int(not runs and is_at_work(seen.epoch, now_ms)),
        NIGHTS_MISSING: len(missing_nights(now_ms, sessions, seen)),
    }
    return values | ({DEAD_LETTERS: seen.dead_letters} if seen.dead_letters else {})


def _age_s(now_ms: int, session: SessionDay, promise: int) -> float:
    """What was promised before the session does not count against it."""
    return max(0.0, now_ms / 1000 - max(promise, session.regular_open / 1000))


def may_run(now_ms: int, sessions: SessionTable) -> bool:
    """Whether the session clock lets anything run."""
    orders = plan(new_york_date(now_ms), sessions)
    return bool(orders) and orders[0].at - SPARE_MS <= now_ms < orders[-1].at + SPARE_MS


def missing_nights(now_ms: int, sessions: SessionTable, seen: Seen) -> list[date]:
    """Trade dates of the last week whose night is due and neither finished nor at work. Sessions that ended before this
    platform was watched are nobody's."""
    found = {run.day: run for run in seen.runs}
    return [
        day
        for day in sessions.between(*nights(now_ms))
        if _due_s(day) <= now_ms / 1000
        and _end_s(sessions, day) > seen.watched_since
        and not _is_done(found.get(day), now_ms / 1000)
    ]


def nights(now_ms: int) -> tuple[date, date]:
    """The first and the last date that is looked at."""
    today = new_york_date(now_ms)
    return today - NIGHTS_BACK, today


def _due_s(day: date) -> float:
    return datetime.combine(day + timedelta(days=1), DUE, NEW_YORK).timestamp()


def _end_s(sessions: SessionTable, day: date) -> float:
    session = sessions.day(day)
    return session.end / 1000 if session else 0.0


def _is_done(run: Run | None, now_s: float) -> bool:
    return run is not None and (run.state == FINISHED or (run.state == AT_WORK and now_s < run.deadline_s))
