"""Bars going out: closed seconds as `A`, records of the bars stream as `AM`, each with the figures of its day.

A bar is presented by the algebra and by nothing else. A day that is not known yet is read from the table. Minutes wait
for that, but not long; then they go without the figures, as seconds do at once.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from serving_layer.push.day import Day, Sums, sums_of
from serving_layer.push.hub import Hub
from shared.bars.algebra import merge_all, present, price_of
from shared.bars.sessions import SessionTable
from shared.frames import BarRecord, PartialWire, partial_from_wire
from shared.models.bar import Partial
from shared.polygon.events import MINUTE_BAR, SECOND_BAR, DayFigures, bar_event

PUSHED_TIMEFRAME = "1m"


class Going(NamedTuple):
    """A bar on its way: its window (start in Unix ms), the day and minute it counts in, and that minute's sums through
    the window; None where they are not known."""

    ev: str
    sym: str
    t: int
    partial: Partial
    day: Day | None
    minute: int
    so_far: Sums | None


class Days(Protocol):
    """Reads days that are not known."""

    def want(self, sym: str, day: Day, done: Callable[[], None] | None) -> bool:
        """Read the day and call `done` once, at the latest after a short while. False where that cannot be tried now,
        or takes longer already: then `done` is not called."""


class Bars:
    """The days of all symbols, and the bars that wait for theirs."""

    def __init__(self, hub: Hub, sessions: SessionTable, days: Days) -> None:
        self._hub, self._sessions, self._reading = hub, sessions, days
        self._days: dict[str, Day] = {}
        self._waiting: dict[str, list[Going]] = {}
        self._missed: dict[str, int] = {}
        """By symbol the last second that nobody wanted."""

    def second(self, sym: str, sec: int, parts: Sequence[PartialWire], new: int, whole_minute: bool) -> None:
        """As `seconds.Closed`. Nothing is computed of what nobody wants: then the minute is not seen from its start."""
        if not self._hub.wanted(SECOND_BAR, sym):
            self._missed[sym] = sec
            return
        day, minute = self._day(sym, sec * 1000), sec - sec % 60
        so_far = None
        partials = [partial_from_wire(part) for part in parts]
        if day is not None and whole_minute and minute - 60 > self._missed.get(sym, -1):
            so_far = day.take_second(minute * 1000, sums_of(merge_all(partials[-new:])))
        self._go(Going(SECOND_BAR, sym, sec * 1000, merge_all(partials), day, minute * 1000, so_far))

    def record(self, record: BarRecord) -> None:
        """A record of the bars stream, as decoded: minutes that are new, or revised, go out."""
        if record.tf != PUSHED_TIMEFRAME:
            return
        sym, t, partial = record.sym, record.t, partial_from_wire(record.partial)
        day, sums = self._day(sym, t), sums_of(partial, record.rev)
        if day is not None and not day.take_record(t, sums):
            return
        if self._hub.wanted(MINUTE_BAR, sym):
            self._go(Going(MINUTE_BAR, sym, t, partial, day, t, sums))
        if day is not None and sym not in self._waiting:
            day.fold()

    def _day(self, sym: str, t: int) -> Day | None:
        """The day of an instant, a new one where the date has changed. None for an earlier date, or one without a
        session: such a bar goes without figures."""
        day = self._days.get(sym)
        if day is not None and t < day.session.end:
            return day if day.session.start <= t else None
        session = self._sessions.day_of(t)
        if session is None:
            return None
        day = self._days[sym] = Day(session)
        return day

    def _go(self, going: Going) -> None:
        """Minutes in order: none overtakes one of its symbol that waits."""
        sym, day = going.sym, going.day
        if going.ev == MINUTE_BAR and sym in self._waiting:
            self._waiting[sym].append(going)
        elif day is None or going.so_far is None or day.reaches(going.minute):
            self._publish(going)
        elif going.ev == SECOND_BAR:
            self._reading.want(sym, day, None)
            self._publish(going)
        elif not self._wait(sym, day, going):
            self._publish(going)

    def _wait(self, sym: str, day: Day, going: Going) -> bool:
        waiting = [going]

        def done() -> None:
            del self._waiting[sym]
            for waited in waiting:
                if waited.so_far is None or day.is_best(waited.minute, waited.so_far):
                    self._publish(waited)  # else the table is ahead, and the stream brings what it has
            day.fold()

        if not self._reading.want(sym, day, done):
            return False
        self._waiting[sym] = waiting
        return True

    def _publish(self, going: Going) -> None:
        bar = present(going.t, going.partial)
        if bar is not None:
            event = bar_event(going.ev, going.sym, bar, _figures(going))
            self._hub.publish(going.ev, going.sym, event)


def _figures(going: Going) -> DayFigures | None:
    """The day's VWAP is presented as the window's is, over the day's sums."""
    if going.day is None or going.so_far is None or not going.day.reaches(going.minute):
        return None
    total, official = going.day.through(going.minute, going.so_far)
    whole = present(going.t, going.partial._replace(volume=total.volume, notional=total.notional))
    return DayFigures(total.volume, None if whole is None else whole.vwap, price_of(official) if official else 0)
