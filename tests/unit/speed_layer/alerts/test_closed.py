"""Rules over the closed bars of a batch, one situation at a time."""

from shared.bars.sessions import new_york_sessions
from shared.frames import BarRecord
from shared.models.alert import Move
from speed_layer.alerts.closed import BarAlerts, Brought
from speed_layer.alerts.service import Alerts
from speed_layer.revise import ENGINE as REVISED
from tests.fakes.alert_rows import AlertRows
from tests.fakes.bar_rows import BarRows
from tests.unit.speed_layer.alerts.rules import stored
from tests.unit.speed_layer.feed import T0
from tests.unit.speed_layer.signals.test_service import MINUTE, NOW_S, bar, partial


class World:
    """A rule for a minute that rises by 1 %, over tables in memory. `waits`: how often the table was waited for."""

    def __init__(self) -> None:
        self.rows, self.alerts, self.waits = BarRows(), AlertRows(), 0
        self.alerts.put_rule(stored(Move("1", 1, "up")))
        self.process = self.new_process()

    def new_process(self) -> BarAlerts:
        return BarAlerts(Alerts("signals", self.alerts, lambda: 0), self.rows, new_york_sessions())

    def take(self, number: int, *windows: BarRecord, process: BarAlerts | None = None) -> None:
        def wait() -> int:
            self.waits += 1
            return min(window.t for window in windows)

        before = str(number - 1) if number > 1 else ""
        (process or self.process).take(Brought("shard", before, str(number), windows, ()), wait, NOW_S)

    def fired(self) -> list[int]:
        """Minutes after T0."""
        return sorted((one.crossing.t - T0) // MINUTE for one in self.alerts.fired.values())


def test_a_bar_that_rises_fires_and_a_revision_that_rises_does_not() -> None:
    world = World()
    world.take(1, *(bar(minute, partial(minute, close=100)) for minute in range(3)))
    world.take(2, bar(2, partial(2, close=105, count=2), rev=1, engine=REVISED))
    assert world.fired() == []
    world.take(3, bar(3, partial(3, close=105)))
    assert world.fired() == [], "a revision counts in what comes after it"
    world.take(4, bar(4, partial(4, close=107)))
    assert world.fired() == [4]


def test_a_new_process_finds_the_bars_before_its_first_batch_in_the_table() -> None:
    world = World()
    for minute in (0, 1):
        world.rows.put_base("SPY", T0 + minute * MINUTE, partial(minute, close=100 + minute // 2), NOW_S)
    world.take(3, bar(2, partial(2, close=100)))
    world.take(4, bar(3, partial(3, close=102)))
    assert (world.fired(), world.waits) == ([3], 1)


def test_a_process_that_was_passed_by_looks_at_the_table_again() -> None:
    world = World()
    other = world.new_process()
    world.take(1, bar(0, partial(0, close=100)), bar(1, partial(1, close=100)))
    for minute, close in enumerate((100, 100, 102)):
        world.rows.put_base("SPY", T0 + minute * MINUTE, partial(minute, close=close), NOW_S)
    world.take(2, bar(2, partial(2, close=102)), process=other)
    assert world.fired() == [2]
    waits = world.waits
    world.take(3, bar(3, partial(3, close=102)))
    assert world.waits == waits + 1
    assert 3 not in world.fired(), "102 after 102 is no rise; after 100, two minutes before, it would be one"


def test_bars_of_other_symbols_are_not_read_for() -> None:
    world = World()
    world.alerts.put_rule(stored(Move("1", 1, "up"), id_="b", ticker="BAC"))
    world.alerts.remove_rule("owner", "a", 0)
    world.take(1, bar(0, partial(0)))
    assert (world.waits, world.fired()) == (0, [])
