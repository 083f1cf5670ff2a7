"""Where the market stands: the feed's time, the session it lies in, and the sessions before."""

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from itertools import islice
from typing import Any, NamedTuple, Protocol

from shared.bars.sessions import SessionDay, SessionTable
from shared.bars.windows import new_york_date, new_york_midnight_ms
from shared.errors import StoreUnavailable
from shared.observability import event, logger
from shared.stores.answers import UNSETTLED_S, keep_s, keep_settled_s
from shared.stores.settled import MINUTES, Settled

_log = logger("api")

LIVE_SOURCES = (None, "polygon")
"""Sources whose time is the host's; nobody names a source on AWS."""
SIMULATED = "sim"
LOOK_S = 1.0
"""How long what the control table said is taken to hold."""
LONGEST_BREAK_DAYS = 10
OLD_SESSIONS = 5
"""After so many more a vendor hardly changes a day."""


class IngestRecords(Protocol):
    """What the ingester tells of itself; raises StoreUnavailable."""

    def feed(self) -> dict[str, Any]: ...
    def epochs(self) -> Iterator[dict[str, Any]]: ...


class Stored(Protocol):
    """What is settled, and which version of it (shared/stores/settled.py); raises StoreUnavailable."""

    def days(self, timeframe: str, first: date, last: date) -> Mapping[date, Settled]: ...
    def version(self) -> str: ...


class Batch(NamedTuple):
    """How the batch view stands: all sessions that ended by `settled_until` are settled, those by `old_until` are old
    (Unix ms); `version` is another text after each correction."""

    version: str = ""
    settled_until: int = 0
    old_until: int = 0


class Moment(NamedTuple):
    """`now_ms`: the feed's time, Unix ms. `session`: of its trade date, or the last one before."""

    now_ms: int
    session: SessionDay | None
    replaying: bool

    def keep_s(self, end_ms: int) -> int:
        """How long an answer over data before `end_ms` may be kept."""
        return keep_s(end_ms, self.session.start if self.session else 0, replaying=self.replaying)


class Market:
    """`now_s`: this host's Unix time in seconds. `stored` None: there is no batch view."""

    def __init__(
        self,
        control: IngestRecords,
        sessions: SessionTable,
        now_s: Callable[[], float],
        stored: Stored | None = None,
    ) -> None:
        self._control, self.sessions, self._now_s, self._stored = control, sessions, now_s, stored
        self._looked: tuple[float, Moment] | None = None
        self._looked_at_batch: tuple[float, Batch | None] | None = None

    def moment(self) -> Moment:
        """As of a second ago at most. Raises StoreUnavailable."""
        now_s = self._now_s()
        if self._looked is None or not 0 <= now_s - self._looked[0] < LOOK_S:
            self._looked = (now_s, self._look(now_s))
        return self._looked[1]

    def keep_s(self, end_ms: int) -> int:
        """How long an answer over data before `end_ms` may be kept; not at all where that cannot be found out."""
        try:
            return self.moment().keep_s(end_ms)
        except StoreUnavailable as error:
            event(_log, logging.WARNING, "an answer is not kept", error=str(error))
            return 0

    def named(self, asked: str) -> str:
        """The name of an answer that is forgotten with the next correction."""
        batch = self._batch()
        return asked if batch is None else f"{batch.version}|{asked}"

    def keep_named_s(self, end_ms: int) -> int:
        """How long such an answer over data before `end_ms` may be kept."""
        soon = self.keep_s(end_ms)
        if soon < UNSETTLED_S:
            return soon
        batch = self._batch()
        return soon if batch is None else max(soon, keep_settled_s(end_ms, batch.settled_until, batch.old_until))

    def close_of(self, day: date) -> int:
        """When the regular session of a date ends (Unix ms); its midnight where the session table has none."""
        session = self.sessions.day(day)
        return new_york_midnight_ms(day) if session is None else session.regular_close

    def sessions_before(self, t_ms: int) -> Iterator[SessionDay]:
        """The sessions of dates before that of an instant, the newest first, as far back as a long break."""
        today = new_york_date(t_ms)
        for back in range(1, LONGEST_BREAK_DAYS + 1):
            session = self.sessions.day(today - timedelta(days=back))
            if session is not None:
                yield session

    def _look(self, now_s: float) -> Moment:
        feed = self._control.feed()
        source, now_ms = feed.get("source"), int(now_s * 1000)
        if source not in LIVE_SOURCES:
            now_ms = max((epoch.get("last_trade_ms", 0) for epoch in self._control.epochs()), default=0) or now_ms
        replaying = source not in (*LIVE_SOURCES, SIMULATED) and feed.get("state") == "running"
        session = self.sessions.day_of(now_ms) or next(self.sessions_before(now_ms), None)
        return Moment(now_ms, session, replaying)

    def _batch(self) -> Batch | None:
        """As of a second ago at most, None where it cannot be found out. Only answers that are kept long ask for it."""
        now_s = self._now_s()
        if self._looked_at_batch is None or not 0 <= now_s - self._looked_at_batch[0] < LOOK_S:
            try:
                batch = self._look_at_batch(self.moment().session)
            except StoreUnavailable as error:
                event(_log, logging.WARNING, "an answer is not kept for long", error=str(error))
                batch = None
            self._looked_at_batch = (now_s, batch)
        return self._looked_at_batch[1]

    def _look_at_batch(self, session: SessionDay | None) -> Batch:
        if self._stored is None or session is None:
            return Batch()
        before = list(islice(self.sessions_before(session.start), OLD_SESSIONS))
        if len(before) < OLD_SESSIONS:
            return Batch(self._stored.version())
        settled = self._stored.days(MINUTES, before[-1].date, before[0].date)
        open_ones = [one.start for one in before if one.date not in settled]
        return Batch(self._stored.version(), min(open_ones, default=session.start), before[-1].start)
