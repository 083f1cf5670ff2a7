"""Batches of closed bars, one situation at a time."""

from collections.abc import Iterable
from typing import cast

import pytest

from shared.bars.algebra import merge_all
from shared.bars.sessions import sessions_named
from shared.errors import StoreUnavailable
from shared.frames import VERSION, BarRecord, encode, partial_to_wire
from shared.models.bar import Partial
from shared.stores.bars import LatePart
from shared.stores.control import Progress
from shared.stores.lake import Lake
from shared.stores.rings import Rings
from speed_layer.engine.python import NAME
from speed_layer.revise import ENGINE
from speed_layer.signals.closed import ClosedBars
from speed_layer.signals.config import configured
from speed_layer.signals.service import LOOK_EVERY_S, LOOKS, Edges, handle
from tests.fakes.bar_rows import BarRows
from tests.fakes.control_rows import ControlRows
from tests.fakes.ring_rows import RingRows
from tests.fakes.s3 import S3
from tests.fakes.signal_rows import SignalRows
from tests.unit.speed_layer.feed import S0, T0
from tests.unit.speed_layer.records import record

MINUTE = 60_000
NOW_S = 1_381_260_000
SPIKES = configured(
    '[{"strategy": "volume_spike", "timeframes": ["1m", "5m"], "params": {"bars": 2, "factor": 2}, "symbols": ["SPY"]}]'
)
KEPT = {"1m": 20, "5m": 20, "15m": 16, "30m": 16, "1h": 24}
Row = tuple[str, int, str, str]
"""(timeframe, minutes after T0, side, status)"""


def partial(minute: int, shares: int = 100, close: int = 101, count: int = 1) -> Partial:
    """Trades of a minute that opens at 100 dollars."""
    t = T0 + minute * MINUTE
    first, last = f"{t:013d}{1:012d}{100 * 10**9:018d}", f"{t:013d}{2:012d}{close * 10**9:018d}"
    high, low = max(100, close) * 10**9, min(100, close) * 10**9
    return Partial(first, last, high, low, shares * 10**6, shares * 10**17, count)


def bar(minute: int, whole: Partial, tf: str = "1m", *, rev: int = 0, engine: str = NAME) -> BarRecord:
    """A record of the window that starts so many minutes after T0; the engine's promise is the end of that window."""
    seconds = {"1m": 60, "5m": 300}[tf]
    promise = S0 + minute * 60 + seconds if engine == NAME else 0
    return BarRecord(VERSION, "SPY", tf, T0 + minute * MINUTE, partial_to_wire(whole), rev, engine, promise)


class World:
    """Stores in memory under the signals function. Records are numbered from 1."""

    def __init__(self) -> None:
        self.control, self.rows, self.signals, self.s3 = ControlRows(), BarRows(), SignalRows(), S3()
        self.cache = RingRows(KEPT)
        self.now_ms = NOW_S * 1000
        self.pauses: list[float] = []
        self.given = 0
        self.start_process()
        self.control.put_through("persist", "1000000")

    def start_process(self) -> None:
        """What the last process remembered is gone."""
        self.edges = Edges(
            control=self.control,
            closed=ClosedBars(cast(Rings, self.cache), self.rows, KEPT),
            minutes=self.rows,
            store=self.signals,
            lake=Lake(self.s3, "lake"),
            strategies=SPIKES,
            sessions=sessions_named("XNYS"),
            now_ms=lambda: self.now_ms,
            sleep=self.pauses.append,
        )

    def take(self, *bars: BarRecord) -> None:
        """One batch of one record."""
        self.given += 1
        handle([record(encode(list(bars)), self.given)], self.edges)

    def take_minutes(self, minutes: Iterable[int], spikes: Iterable[int] = ()) -> None:
        """Minutes of the engine, stored by `persist` before."""
        for minute in minutes:
            whole = partial(minute, 900 if minute in spikes else 100)
            self.rows.put_base("SPY", T0 + minute * MINUTE, whole, NOW_S)
            self.take(bar(minute, whole))

    def told(self) -> list[Row]:
        rows = self.signals.rows.values()
        return sorted((row.tf, (row.t - T0) // MINUTE, row.side, row.status) for row in rows)

    def queries(self) -> list[str]:
        """Collects the calls of the signals table from now on."""
        calls: list[str] = []
        self.signals.before = calls.append
        return calls


@pytest.fixture
def world() -> World:
    return World()


def test_a_bar_that_a_strategy_speaks_of_becomes_a_signal_with_the_hosts_time(world: World) -> None:
    world.take_minutes(range(5), spikes=[4])
    assert world.told() == [("1m", 4, "buy", "active")]
    (row,) = world.signals.rows.values()
    assert (row.price, row.known_at, row.record) == ("101", NOW_S * 1000, "5")
    assert world.control.progress("signals") == Progress("5", S0 + 300, 1, tried="5")


def test_new_bars_need_no_read_of_the_signals_table(world: World) -> None:
    world.take_minutes(range(3))
    calls = world.queries()
    world.take_minutes(range(3, 6), spikes=[4])
    assert calls == ["insert"]


def test_a_revised_bar_that_removes_a_crossing_withdraws_its_signal_and_a_later_one_brings_it_back(
    world: World,
) -> None:
    world.take_minutes(range(5), spikes=[4])
    world.now_ms += 5_000
    world.take(bar(3, partial(3, 1_000, count=2), rev=1, engine=ENGINE))
    assert world.told() == [("1m", 3, "buy", "active"), ("1m", 4, "buy", "withdrawn")]
    withdrawn = next(row for row in world.signals.rows.values() if row.status == "withdrawn")
    assert withdrawn.known_at == NOW_S * 1000 + 5_000
    world.take(bar(4, partial(4, 9_000, count=3), rev=1, engine=ENGINE))
    assert world.told() == [("1m", 3, "buy", "active"), ("1m", 4, "buy", "active")]
    assert world.control.progress("signals").stored == 2, "a signal that came back is no second one"


def test_a_revised_bar_may_turn_a_signal_around(world: World) -> None:
    world.take_minutes(range(5), spikes=[4])
    world.take(bar(4, partial(4, 900, close=99, count=2), rev=1, engine=ENGINE))
    assert world.told() == [("1m", 4, "sell", "active")]
    assert [row.price for row in world.signals.rows.values()] == ["99"]


def test_an_older_version_of_a_bar_changes_nothing(world: World) -> None:
    world.take_minutes(range(5), spikes=[4])
    world.take(bar(4, partial(4, 100, count=0), engine=ENGINE))
    assert world.told() == [("1m", 4, "buy", "active")]


def test_bars_up_to_15_minutes_after_a_revised_one_are_judged_again_and_no_later_one(world: World) -> None:
    """The usual volume of a bar is that of the two before it."""
    world.take_minutes(range(20), spikes=[16, 17])
    judged_again = world.told()
    assert ("1m", 16, "buy", "active") in judged_again
    world.take(bar(15, partial(15, 5_000, count=2), rev=1, engine=ENGINE))
    assert ("1m", 16, "buy", "withdrawn") in world.told()
    world.take(bar(1, partial(1, 10**6, count=2), rev=1, engine=ENGINE))
    assert ("1m", 1, "buy", "active") not in world.told(), "it has but one bar before it"
    assert len([row for row in world.told() if row[3] == "withdrawn"]) == 1


def test_a_bar_that_is_older_than_the_ring_is_judged_over_what_the_table_holds(world: World) -> None:
    world.take_minutes(range(60))
    assert world.told() == []
    late = LatePart(5, partial(10, 800))
    world.rows.put_late("SPY", T0 + 10 * MINUTE, "1-0-1#1", late, NOW_S)
    world.take(bar(10, partial(10, 900, count=2), rev=1, engine=ENGINE))
    assert ("1m", 10, "buy", "active") in world.told()
    assert world.edges.closed.rings([("SPY", "1m")], int, NOW_S)["SPY", "1m"].bars[0].t == T0 + 40 * MINUTE


def test_a_window_without_an_open_is_no_bar(world: World) -> None:
    world.take_minutes(range(3))
    world.take(bar(3, Partial(volume=10**9, notional=10**20, count=5)))
    world.take_minutes([4], spikes=[4])
    assert world.told() == [("1m", 4, "buy", "active")], "its usual volume is that of the bars before"


@pytest.mark.parametrize("lost", ["process", "process and cache", "process, cache comes back older"])
def test_what_was_lost_is_rolled_up_from_the_table(world: World, lost: str) -> None:
    world.take_minutes(range(4))
    world.cache.remember()
    world.take_minutes(range(4, 8))
    world.start_process()
    if lost == "process and cache":
        world.cache.empty()
    elif lost != "process":
        world.cache.go_back()
    reads = world.rows.reads
    world.take_minutes([8], spikes=[8])
    assert world.told() == [("1m", 8, "buy", "active")]
    assert (world.rows.reads > reads) == (lost != "process")


def test_without_a_cache_a_process_goes_by_what_it_remembers(world: World) -> None:
    world.take_minutes(range(4))
    world.cache.down = True
    reads = world.rows.reads
    world.take_minutes(range(4, 8), spikes=[7])
    assert world.told() == [("1m", 7, "buy", "active")]
    assert world.rows.reads == reads
    world.cache.down = False
    world.take_minutes([8])
    world.start_process()
    world.take_minutes([9])
    assert world.rows.reads == reads, "the cache was given the whole ring again"


def test_a_batch_that_was_given_up_has_not_passed_the_rings_by(world: World) -> None:
    """Lambda gives a batch up after so many tries; what it held is in the table."""
    world.take_minutes(range(4))
    world.signals.before = _refuse
    with pytest.raises(StoreUnavailable):
        world.take_minutes([4], spikes=[4])
    world.signals.before = lambda call: None
    world.take_minutes(range(5, 7))
    world.take_minutes([7], spikes=[7])
    ring = world.edges.closed.rings([("SPY", "1m")], int, NOW_S)["SPY", "1m"]
    assert [(one.t - T0) // MINUTE for one in ring.bars] == list(range(8))


def _refuse(call: str) -> None:
    raise StoreUnavailable(call)


def test_a_roll_up_waits_until_the_minutes_before_the_batch_are_stored(world: World) -> None:
    world.control.put_through("persist", "3")
    world.given = 6
    with pytest.raises(StoreUnavailable, match="persist has not come to record 7"):
        world.take(bar(0, partial(0)))
    assert world.pauses == [LOOK_EVERY_S] * LOOKS
    assert world.control.progress("signals") == Progress(), "so it comes again"
    world.control.put_through("persist", "7")
    world.given = 6
    world.take(bar(0, partial(0)))
    assert world.control.progress("signals").sequence == "7"


def test_windows_that_have_not_closed_by_the_promise_are_not_rolled_up(world: World) -> None:
    for minute in range(12):
        world.rows.put_base("SPY", T0 + minute * MINUTE, partial(minute), NOW_S)
    world.take(bar(7, partial(7)))
    rings = world.edges.closed.rings([("SPY", "1m"), ("SPY", "5m")], lambda: T0 + 8 * MINUTE, NOW_S)
    assert [(one.t - T0) // MINUTE for one in rings["SPY", "1m"].bars] == list(range(8))
    assert [(one.t - T0) // MINUTE for one in rings["SPY", "5m"].bars] == [0]


def test_a_roll_up_that_missed_a_late_part_of_a_longer_window_learns_of_it(world: World) -> None:
    """The engine counted the part in the five minutes, which were still open; `live` stored it after the roll-up."""
    for minute in range(16):
        world.rows.put_base("SPY", T0 + minute * MINUTE, partial(minute), NOW_S)
    late = partial(14, 5_000)
    five = {start: merge_all(partial(start + n) for n in range(5)) for start in (0, 5, 10)}
    five[10] = merge_all([five[10], late])
    world.take(bar(14, partial(14)))
    world.take(bar(10, five[10], "5m"))
    assert ("5m", 10, "buy", "active") in world.told()
    world.start_process()
    world.cache.empty()
    world.take(bar(5, five[5]._replace(count=9), "5m", rev=1, engine=ENGINE))
    world.rows.put_late("SPY", T0 + 14 * MINUTE, "1-0-1#1", LatePart(1, late), NOW_S)
    world.take(bar(14, merge_all([partial(14), late]), rev=1, engine=ENGINE))
    assert ("5m", 10, "buy", "active") in world.told()
    ring = world.edges.closed.rings([("SPY", "5m")], int, NOW_S)["SPY", "5m"]
    assert ring.bars[-1].volume == 5_500 * 10**6


def test_other_symbols_and_timeframes_have_rings_and_no_signals(world: World) -> None:
    other = bar(0, partial(0))
    other.sym = "BAC"
    world.take(other, bar(0, partial(0, 9_000), "5m"))
    state = world.cache.state()
    assert state is not None
    found = world.cache.read([("BAC", "1m"), ("SPY", "5m")], state.generation)
    assert {key: len(bars) for key, bars in found.items()} == {("BAC", "1m"): 1, ("SPY", "5m"): 1}
    assert world.told() == []


def test_bars_of_a_timeframe_without_rings_are_not_looked_at(world: World) -> None:
    kept = {"1m": 20, "1h": 24}
    world.edges = world.edges._replace(closed=ClosedBars(cast(Rings, world.cache), world.rows, kept))
    world.take_minutes(range(6))
    reads = world.rows.reads
    world.take(bar(0, partial(0, 9_000), "5m"))
    assert world.rows.reads == reads
    world.take(bar(2, partial(2, 200, count=2), rev=1, engine=ENGINE))
    state = world.cache.state()
    assert state is not None
    assert world.cache.read([("SPY", "1m"), ("SPY", "5m"), ("SPY", "30m")], state.generation).keys() == {("SPY", "1m")}
    assert world.control.progress("signals").sequence == "8"


def test_records_up_to_the_mark_are_left_out(world: World) -> None:
    world.take_minutes(range(4))
    before = world.control.progress("signals")
    calls = world.queries()
    world.given = 2
    world.take(bar(9, partial(9, 9_000)))
    assert calls == []
    assert world.control.progress("signals") == before


def test_a_record_that_cannot_be_read_is_quarantined_and_the_batch_goes_on(world: World) -> None:
    world.take_minutes(range(4))
    handle([record(b"{}", 5), record(encode([bar(4, partial(4, 900))]), 6)], world.edges)
    assert world.told() == [("1m", 4, "buy", "active")]
    assert list(world.s3.objects) == ["quarantine/stage=signals/date=2013-10-08/shardId-000000000000-5.jsonl.gz"]
    assert world.control.progress("signals").sequence == "6"
