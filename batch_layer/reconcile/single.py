"""One symbol's trade date compared with the vendor's, from what two APIs tell: there is no raw log to be asked here."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from batch_layer.reconcile.beside import Differs
from batch_layer.reconcile.days import DayCase, explain_day, told_minutes
from batch_layer.reconcile.facts import DayFacts
from batch_layer.reconcile.minutes import Case, explain
from batch_layer.reconcile.reasons import difference
from batch_layer.reconcile.report import Difference, Kind, Why, differing
from batch_layer.reconcile.witness import Seen, by_minute
from shared.bars.sessions import SessionDay
from shared.bars.totals import Shown

NO_TRADES = Why("unexplained", "we keep no trade of this date any more, and they alone could tell why")


class Told(NamedTuple):
    """What one side tells of the date: minutes by their start (Unix ms), and the day."""

    minutes: Mapping[int, Shown]
    day: Shown | None


def compare(sym: str, session: SessionDay, ours: Told, theirs: Told, trades: Sequence[Seen]) -> list[Difference]:
    """The minutes that differ, in order, then the day. `trades`: all that we have of the date, each once; a side that
    tells no day is not asked about it."""
    facts = DayFacts(theirs.day[:4] if theirs.day else ())
    facts.add(trades)
    of_minute = by_minute(trades)
    found: list[Difference] = []
    for t in sorted({*ours.minutes, *theirs.minutes}):
        mine, other = ours.minutes.get(t), theirs.minutes.get(t)
        if differing(mine, other):
            why = explain(Case(t, mine, other, of_minute.get(t, []), facts, session)) if trades else NO_TRADES
            found.append(difference("vendor minutes", Differs(sym, t, mine, other), why))
    if ours.day and theirs.day and differing(ours.day, theirs.day):
        day = DayCase(ours.day, theirs.day, facts, *_of_minutes(ours, theirs, session, found))
        why = explain_day(day) if trades else NO_TRADES
        found.append(difference("vendor days", Differs(sym, session.start, ours.day, theirs.day), why))
    return found


def _of_minutes(
    ours: Told, theirs: Told, session: SessionDay, found: Sequence[Difference]
) -> tuple[int, Kind | None, int | None]:
    """What minutes say of their day: the last three fields of DayCase."""
    more = {t: _volume(theirs, t) - _volume(ours, t) for t in {*ours.minutes, *theirs.minutes}}
    most = max(more, key=lambda t: abs(more[t]), default=0)
    kind = next((one.kind for one in found if one.t == most), None)
    volumes = [(t, bar.volume) for t, bar in sorted(theirs.minutes.items())]
    through = told_minutes(volumes, theirs.day.volume, session.regular_open) if theirs.day else None
    return sum(more.values()), kind, through


def _volume(told: Told, t: int) -> int:
    return told.minutes[t].volume if t in told.minutes else 0
