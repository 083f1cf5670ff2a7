"""Bars of several sources put beside each other, a symbol at a time; each source comes in order of symbol and time."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import merge as merge_sorted
from itertools import groupby
from typing import Any, NamedTuple

from batch_layer.fetch.minutes import VendorMinute
from batch_layer.reconcile.days import day_of, told_minutes
from batch_layer.reconcile.report import Comparison, differing
from shared.bars.algebra import merge_all, present
from shared.bars.sessions import SessionDay
from shared.bars.totals import Shown
from shared.models.bar import EMPTY, Minute, Partial
from shared.models.daily import DailyBar


class Vendor(NamedTuple):
    """What a vendor tells of a trade date, and who it is. `minutes` in order of symbol and time; `days` in any order.

    `minutes_of`, `days_of`: the symbols it was asked about; None = all that there are.
    """

    source: str
    minutes: Iterable[VendorMinute] = ()
    days: Iterable[DailyBar] = ()
    minutes_of: Collection[str] | None = None
    days_of: Collection[str] | None = None


class Differs(NamedTuple):
    """A bar that is not the same on both sides: `t` = its start, Unix ms; None where a side shows none."""

    sym: str
    t: int
    ours: Shown | None
    theirs: Shown | None


class SpeedDiffers(NamedTuple):
    """A minute whose partials differ: None where a side has no row."""

    sym: str
    t: int
    speed: Partial | None
    rebuilt: Partial | None


@dataclass
class Volumes:
    """Of one symbol: by how much (10^-6 share) the vendor's minutes exceed ours, in which minute most, and the last of
    the vendor's minutes up to which they make its day, if they do."""

    more: int = 0
    most: tuple[int, int] = (0, 0)
    through: int | None = None


@dataclass
class Beside:
    """What was counted, and what differs. A comparison is None where one side was not there at all."""

    session: SessionDay
    speed: Comparison | None
    minutes: Comparison | None
    days: Comparison | None
    speed_differs: list[SpeedDiffers] = field(default_factory=list)
    minutes_differ: list[Differs] = field(default_factory=list)
    days_differ: list[Differs] = field(default_factory=list)
    volumes: dict[str, Volumes] = field(default_factory=dict)

    def add_speed(self, sym: str, speed: Mapping[int, Partial], rebuilt: Mapping[int, Partial]) -> None:
        """Partials as they are stored: those that nothing has updated count as none."""
        if self.speed is None:
            return
        for t in sorted({*speed, *rebuilt}):
            theirs, ours = speed.get(t, EMPTY), rebuilt.get(t, EMPTY)
            if theirs != EMPTY or ours != EMPTY:
                self.speed.saw(sym, equal=theirs == ours)
            if theirs != ours:
                self.speed_differs.append(SpeedDiffers(sym, t, speed.get(t), rebuilt.get(t)))

    def add_minutes(self, sym: str, rebuilt: Mapping[int, Partial], theirs: Mapping[int, Shown]) -> None:
        if self.minutes is None:
            return
        volumes = self.volumes.setdefault(sym, Volumes())
        for t in sorted({*rebuilt, *theirs}):
            ours, bar = shown(rebuilt.get(t, EMPTY)), theirs.get(t)
            more = (bar.volume if bar else 0) - rebuilt.get(t, EMPTY).volume
            volumes.more += more
            volumes.most = max(volumes.most, (abs(more), t))
            if ours is None and bar is None:
                continue
            equal = not differing(ours, bar)
            self.minutes.saw(sym, equal=equal)
            if not equal:
                self.minutes_differ.append(Differs(sym, t, ours, bar))

    def add_day(self, sym: str, rebuilt: Mapping[int, Partial], bar: Shown | None, theirs: Mapping[int, Shown]) -> None:
        """`bar` is the vendor's day, `theirs` its minutes."""
        ours = day_of(merge_all(rebuilt.values()))
        if self.days is None or (ours is None and bar is None):
            return
        equal = not differing(ours, bar)
        self.days.saw(sym, equal=equal)
        if not equal:
            self.days_differ.append(Differs(sym, self.session.start, ours, bar))
            told = [(t, minute.volume) for t, minute in sorted(theirs.items())]
            through = told_minutes(told, bar.volume, self.session.regular_open) if bar else None
            self.volumes.setdefault(sym, Volumes()).through = through


def put_beside(
    session: SessionDay, rebuilt: Iterable[Minute], speed: Iterable[Minute] | None, vendor: Vendor | None
) -> Beside:
    """ValueError for a source that is not in order of symbol."""
    beside = Beside(
        session,
        None if speed is None else Comparison("speed view"),
        None if vendor is None else Comparison("vendor minutes"),
        None if vendor is None else Comparison("vendor days"),
    )
    vendor = vendor or Vendor("")
    days = by_day(vendor.days)
    told = ((sym, t, bar) for sym, t, bar in vendor.minutes)
    for sym, (ours, of_speed, theirs) in _by_symbol(rebuilt, speed or (), told, also=days):
        beside.add_speed(sym, of_speed, ours)
        if vendor.minutes_of is None or sym in vendor.minutes_of:
            beside.add_minutes(sym, ours, theirs)
        if vendor.days_of is None or sym in vendor.days_of:
            beside.add_day(sym, ours, days.get(sym), theirs)
    return beside


_Entry = tuple[str, int, int, Any]


def _by_symbol(
    *sources: Iterable[tuple[str, int, Any]], also: Iterable[str]
) -> Iterator[tuple[str, list[dict[int, Any]]]]:
    """Each symbol with what every source has of it by time."""
    tagged = [_in_order(source, number) for number, source in enumerate(sources)]
    named = ((sym, -1, 0, None) for sym in sorted(also))
    for sym, entries in groupby(merge_sorted(named, *tagged, key=lambda entry: entry[0]), key=lambda entry: entry[0]):
        found: list[dict[int, Any]] = [{} for _ in sources]
        for _, number, t, value in entries:
            if number >= 0:
                found[number][t] = value
        yield sym, found


def _in_order(source: Iterable[tuple[str, int, Any]], number: int) -> Iterator[_Entry]:
    last = ""
    for sym, t, value in source:
        if sym < last:
            raise ValueError(f"must be in order of symbol, was {sym} after {last}")
        last = sym
        yield sym, number, t, value


def shown(partial: Partial) -> Shown | None:
    """What a reader sees of a partial."""
    bar = present(0, partial)
    return None if bar is None else Shown(*bar[1:])


def by_day(days: Iterable[DailyBar]) -> dict[str, Shown | None]:
    """The bars of one date by symbol."""
    return {bar.sym: _of_day(bar) for bar in days}


def _of_day(bar: DailyBar) -> Shown | None:
    """None for a day in which nothing set a price."""
    _, _, first, high, low, last, volume, vwap, count = bar
    if first is None or high is None or low is None or last is None:
        return None
    return Shown(first, high, low, last, volume, vwap, count)
