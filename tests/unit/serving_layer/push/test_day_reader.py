"""Days are read once what lies before our beginning is stored, and no bar waits long for it."""

import asyncio

from serving_layer.push.day import Day, Sums
from serving_layer.push.day_reader import LOOK_S, PAUSE_S, QUIET_S, WAIT_S, DayReader
from shared.bars.sessions import new_york_sessions
from shared.errors import StoreUnavailable
from tests.fakes import virtual_time
from tests.unit.serving_layer.push.support import MINUTE, T0

SESSION = new_york_sessions().day_of(T0)
STORED = (T0, Sums(1, 0, 100, 1_000, "1"))


class Table:
    """Minutes of every symbol, and how far they are stored."""

    def __init__(self, through: int | None = None) -> None:
        self.through = through
        self.down = False
        self.asked: list[tuple[str, int, int]] = []

    def stored(self, sym: str, start: int, end: int) -> list[tuple[int, Sums]]:
        self.asked.append((sym, start, end))
        if self.down:
            raise StoreUnavailable("bars table: down")
        return [STORED]

    def how_far(self) -> int | None:
        if self.down:
            raise StoreUnavailable("control table: down")
        return self.through


class Rig:
    """A running reader, in virtual time."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.reader = DayReader(table.stored, table.how_far)
        self.done: list[tuple[str, float]] = []
        self._running = asyncio.create_task(self.reader.run())
        self._begin = self._now()

    def want(self, sym: str) -> Day | None:
        assert SESSION is not None
        day = Day(SESSION)
        return day if self.reader.want(sym, day, lambda: self.done.append((sym, self._now() - self._begin))) else None

    async def stop(self) -> None:
        assert not self._running.done()
        self._running.cancel()
        await asyncio.wait([self._running])

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def test_a_day_is_read_whole_once_the_first_record_that_was_read_is_stored() -> None:
    async def test() -> None:
        table = Table(through=41)
        rig = Rig(table)
        rig.reader.saw(42)
        rig.reader.saw(43)
        day = rig.want("SPY")
        await asyncio.sleep(WAIT_S / 2)
        assert (table.asked, rig.done) == ([], [])
        table.through = 42
        await asyncio.sleep(2 * LOOK_S)
        assert SESSION is not None
        assert table.asked == [("SPY", SESSION.start, SESSION.end)]
        assert day is not None
        assert day.reaches(T0 + MINUTE)
        assert len(rig.done) == 1
        await rig.stop()

    virtual_time.run(test())


def test_bars_wait_a_short_while_and_the_day_is_read_all_the_same() -> None:
    async def test() -> None:
        table = Table(through=None)
        rig = Rig(table)
        rig.reader.saw(42)
        day = rig.want("SPY")
        await asyncio.sleep(WAIT_S + LOOK_S)
        assert rig.done == [("SPY", WAIT_S)]
        table.through = 50
        await asyncio.sleep(2 * LOOK_S)
        assert day is not None
        assert day.is_known
        assert rig.done == [("SPY", WAIT_S)], "it is not told again"
        await rig.stop()

    virtual_time.run(test())


def test_a_bar_that_asks_for_a_day_whose_reading_began_lately_waits_its_own_short_while() -> None:
    async def test() -> None:
        rig = Rig(Table(through=None))
        rig.reader.saw(42)
        rig.want("SPY")
        await asyncio.sleep(WAIT_S / 2)
        assert rig.want("SPY") is not None
        await asyncio.sleep(2 * WAIT_S)
        assert rig.done == [("SPY", WAIT_S), ("SPY", WAIT_S * 1.5)]
        await rig.stop()

    virtual_time.run(test())


def test_nobody_waits_for_a_reading_that_takes_long_and_once_it_is_there_days_are_read_again() -> None:
    async def test() -> None:
        table = Table(through=None)
        rig = Rig(table)
        rig.reader.saw(42)
        rig.want("SPY")
        await asyncio.sleep(WAIT_S)
        for _ in range(100):
            await asyncio.sleep(60)
            assert rig.want("SPY") is None
        assert rig.done == [("SPY", WAIT_S)]
        table.through = 50
        await asyncio.sleep(2 * LOOK_S)
        assert len(table.asked) == 1
        assert rig.done == [("SPY", WAIT_S)], "none of the later ones was kept"
        day = rig.want("SPY")
        await asyncio.sleep(LOOK_S)
        assert day is not None
        assert day.is_known
        await rig.stop()

    virtual_time.run(test())


def test_where_the_bars_stream_is_quiet_nothing_waits_to_be_stored() -> None:
    async def test() -> None:
        rig = Rig(Table(through=None))
        await asyncio.sleep(QUIET_S + 2 * LOOK_S)
        day = rig.want("SPY")
        await asyncio.sleep(LOOK_S)
        assert day is not None
        assert day.is_known
        await rig.stop()

    virtual_time.run(test())


def test_after_a_failure_the_table_is_left_alone_for_a_while_then_asked_again() -> None:
    async def test() -> None:
        table = Table(through=50)
        rig = Rig(table)
        rig.reader.saw(42)
        await asyncio.sleep(2 * LOOK_S)
        table.down = True
        day = rig.want("SPY")
        await asyncio.sleep(LOOK_S)
        assert day is not None
        assert not day.is_known
        assert [sym for sym, _ in rig.done] == ["SPY"], "its bars go at once"
        assert rig.want("QQQ") is None
        await asyncio.sleep(PAUSE_S)
        table.down = False
        day = rig.want("SPY")
        await asyncio.sleep(LOOK_S)
        assert day is not None
        assert day.is_known
        await rig.stop()

    virtual_time.run(test())


def test_a_control_table_that_is_away_is_asked_again() -> None:
    async def test() -> None:
        table = Table(through=50)
        table.down = True
        rig = Rig(table)
        rig.reader.saw(42)
        await asyncio.sleep(4 * LOOK_S)
        table.down = False
        day = rig.want("SPY")
        await asyncio.sleep(2 * LOOK_S)
        assert day is not None
        assert day.is_known
        await rig.stop()

    virtual_time.run(test())
