"""Days of symbols, as partials: closed hours where the rings have them, stored and forming minutes for the rest.

A day is the merge of its minutes however they come: without rings it takes longer and is the same. Rings leave out an
hour in which no trade set a price, though it may have volume: minutes are read for every hour that is not there.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from itertools import chain
from typing import NamedTuple, Protocol

from serving_layer.api.market import Market, Moment
from shared.bars.algebra import merge_all, present, present_day
from shared.bars.sessions import SessionDay
from shared.bars.windows import HOUR_MS
from shared.models.bar import EMPTY, Bar, Partial
from shared.stores.history import History

HOUR = "1h"
MOST_KEPT = 20_000
"""Past days of symbols that a process remembers."""

Hours = list[tuple[int, Partial]]
"""(start, partial) of the closed hours of one symbol that are there, in order of time."""

Span = tuple[int, int]
"""[start, end) in Unix ms."""


class HourRings(Protocol):
    """Closed bars in the cache (shared/stores/rings.py): those of symbols that are there and can be believed."""

    def closed(self, symbols: Iterable[str], tf: str, through: str | None, since: int) -> Mapping[str, Hours]: ...


class Today(NamedTuple):
    """A symbol's day so far: everything merged, and its newest minute with a price."""

    partial: Partial
    minute: Bar | None


class Days:
    """`through`: how far the function that fills the rings has come (control table)."""

    def __init__(
        self,
        history: History,
        rings: HourRings,
        market: Market,
        through: Callable[[], str | None],
        now_s: Callable[[], float],
    ) -> None:
        self._history, self._rings, self._market = history, rings, market
        self._through, self._now_s = through, now_s
        self._past: dict[tuple[str, int], tuple[float, Partial]] = {}

    def hours(self, symbols: Iterable[str], before_ms: int) -> Mapping[str, Hours]:
        """Rings of closed hours, to be handed to what follows: from the start of the session before an instant on."""
        since = next((session.start for session in self._market.sessions_before(before_ms)), before_ms)
        return self._rings.closed(symbols, HOUR, self._through(), since)

    def today(self, sym: str, session: SessionDay, hours: Hours) -> Today:
        """Raises StoreUnavailable."""
        closed, holes, rest = _covered(session, hours)
        minutes = list(self._minutes(sym, rest, session.end))
        newest = _last_bar(reversed(minutes))
        if newest is None and closed:
            newest = _last_bar(self._history.minutes(sym, session.start, rest, int(self._now_s()), reverse=True))
        return Today(self._merged(sym, closed, holes, minutes), newest)

    def previous(self, sym: str, moment: Moment, before_ms: int, hours: Hours) -> tuple[SessionDay, Bar] | None:
        """The last session of a date before an instant that has a day's bar, within a long break."""
        for session in self._market.sessions_before(before_ms):
            bar = present_day(session.start, self.day(sym, session, moment, hours))
            if bar is not None:
                return session, bar
        return None

    def day(self, sym: str, session: SessionDay, moment: Moment, hours: Hours) -> Partial:
        """A day, remembered for as long as an answer about it may be kept. Raises StoreUnavailable."""
        now_s = self._now_s()
        until, day = self._past.get((sym, session.start), (0.0, EMPTY))
        if until <= now_s:
            closed, holes, rest = _covered(session, hours)
            minutes = self._minutes(sym, rest, session.end) if rest < session.end else ()
            day = self._merged(sym, closed, holes, minutes)
            if len(self._past) >= MOST_KEPT:
                self._past.clear()
            if day != EMPTY:  # what is not there yet may be loaded any time
                self._past[sym, session.start] = (now_s + moment.keep_s(session.end), day)
        return day

    def known_then(self, sym: str, session: SessionDay, as_of: datetime) -> Partial:
        """A day as it was known at a moment, of its minutes. Raises StoreUnavailable."""
        minutes = self._history.minutes(sym, session.start, session.end, int(self._now_s()), as_of=as_of)
        return merge_all(partial for _, partial in minutes)

    def _merged(
        self, sym: str, closed: list[Partial], holes: list[Span], rest: Iterable[tuple[int, Partial]]
    ) -> Partial:
        """All of a day: closed hours, the minutes of the holes between them, and the minutes after them."""
        between = (minute for start, end in holes for minute in self._minutes(sym, start, end))
        return merge_all([*closed, *(partial for _, partial in chain(between, rest))])

    def _minutes(self, sym: str, start: int, end: int) -> Iterable[tuple[int, Partial]]:
        return self._history.minutes(sym, start, end, int(self._now_s()))


def _last_bar(backwards: Iterable[tuple[int, Partial]]) -> Bar | None:
    return next((bar for t, partial in backwards if (bar := present(t, partial)) is not None), None)


def _covered(session: SessionDay, hours: Hours) -> tuple[list[Partial], list[Span], int]:
    """What closed hours tell of a day, the holes before and between them, and from where on (Unix ms) there are none.

    What lies in a hole, minutes must tell; hours next to each other are one hole.
    """
    closed: list[Partial] = []
    holes: list[Span] = []
    rest = session.start
    for t, partial in hours:
        if session.start <= t < session.end:
            if t > rest:
                holes.append((rest, t))
            closed.append(partial)
            rest = t + HOUR_MS
    return closed, holes, rest
