"""Seconds close when their lane's promise has passed them, are corrected for a while, and are never told in part."""

from collections.abc import Sequence
from typing import NamedTuple

from serving_layer.push.seconds import AHEAD_S, MEMORY_S, Seconds
from shared.bars.algebra import merge_all
from shared.frames import PartialWire, partial_from_wire
from shared.models.bar import Partial
from tests.unit.serving_layer.push.support import S0, part, partial_of, row


class Told(NamedTuple):
    """What was handed on."""

    sym: str
    sec: int
    partial: Partial
    added: Partial
    from_start: bool


class Rig:
    """One reader; `whole`: from the very beginning of the stream."""

    def __init__(self, *, whole: bool = True, most: int = 1_000) -> None:
        self.told: list[Told] = []
        self.seconds = Seconds(self.closed, most)
        if whole:
            self.seconds.everything_is_whole(0)

    def closed(self, sym: str, sec: int, parts: Sequence[PartialWire], new: int, whole: bool) -> None:
        partials = [partial_from_wire(part) for part in parts]
        self.told.append(Told(sym, sec, merge_all(partials), merge_all(partials[-new:]), whole))

    def trade(self, n: int, sec: int, sym: str = "SPY", lane: int = 0) -> None:
        self.seconds.add(lane, part(f"1-{lane}-{n}", [row(n, sec * 1000)], sym))

    def secs(self) -> list[int]:
        return [one.sec for one in self.told]


def test_a_second_is_told_once_the_promise_has_passed_it_and_not_before() -> None:
    rig = Rig()
    rig.trade(1, S0)
    rig.trade(2, S0)
    rig.seconds.promise(0, S0)
    assert rig.told == []
    rig.seconds.promise(0, S0 + 1)
    (told,) = rig.told
    assert (told.sym, told.sec, told.partial) == ("SPY", S0, partial_of([row(1), row(2)]))
    assert told.added == told.partial


def test_seconds_that_close_together_come_in_order_of_time() -> None:
    rig = Rig()
    for n, sec in enumerate((S0 + 2, S0, S0 + 1)):
        rig.trade(n, sec)
    rig.seconds.promise(0, S0 + 10)
    assert rig.secs() == [S0, S0 + 1, S0 + 2]


def test_a_promise_closes_seconds_of_its_own_lane_only() -> None:
    rig = Rig()
    rig.seconds.everything_is_whole(1)
    rig.trade(1, S0, lane=1)
    rig.seconds.promise(0, S0 + 5)
    assert rig.told == []
    rig.seconds.promise(1, S0 + 5)
    assert rig.secs() == [S0]


def test_a_late_part_tells_the_corrected_second_and_what_it_adds() -> None:
    rig = Rig()
    rig.trade(1, S0)
    rig.seconds.promise(0, S0 + 1)
    rig.trade(2, S0)
    assert rig.secs() == [S0, S0]
    assert rig.told[1].partial == partial_of([row(1), row(2)])
    assert rig.told[1].added == partial_of([row(2)])


def test_a_late_part_of_a_second_without_trades_tells_that_second() -> None:
    rig = Rig()
    rig.seconds.promise(0, S0 + 5)
    rig.trade(1, S0 + 1)
    assert rig.secs() == [S0 + 1]


def test_a_part_later_than_the_memory_tells_nothing_since_the_second_is_not_whole_any_more() -> None:
    rig = Rig()
    rig.trade(1, S0)
    rig.seconds.promise(0, S0 + 1)
    rig.seconds.promise(0, S0 + MEMORY_S)
    rig.trade(2, S0)
    assert rig.secs() == [S0, S0], "within the memory"
    rig.seconds.promise(0, S0 + 1 + MEMORY_S)
    rig.trade(3, S0)
    assert rig.secs() == [S0, S0]


def test_a_promise_that_is_repeated_changes_nothing() -> None:
    rig = Rig()
    rig.trade(1, S0)
    for _ in range(3):
        rig.seconds.promise(0, S0 + 1)
    assert rig.secs() == [S0]


def test_begun_in_the_middle_only_seconds_after_the_second_promise_that_moved_are_told() -> None:
    rig = Rig(whole=False)
    rig.trade(1, S0 + 1)
    rig.seconds.promise(0, S0)
    rig.seconds.promise(0, S0)
    rig.trade(2, S0 + 1)
    rig.seconds.promise(0, S0 + 2)
    for n, sec in enumerate(range(S0 + 2, S0 + 2 + AHEAD_S + 3), start=3):
        rig.trade(n, sec)
    rig.seconds.promise(0, S0 + 60)
    assert rig.secs() == [S0 + 2 + AHEAD_S, S0 + 3 + AHEAD_S, S0 + 4 + AHEAD_S]


def test_a_minute_counts_as_seen_from_its_start_once_the_minute_before_it_was() -> None:
    rig = Rig(whole=False)
    rig.seconds.promise(0, S0 - 30)
    rig.seconds.promise(0, S0 - 20)
    for minute in range(4):
        rig.trade(minute, S0 + 60 * minute)
    rig.seconds.promise(0, S0 + 300)
    assert [(one.sec, one.from_start) for one in rig.told] == [
        (S0, False),
        (S0 + 60, True),
        (S0 + 120, True),
        (S0 + 180, True),
    ]


def test_where_the_memory_is_full_the_oldest_seconds_are_forgotten_first() -> None:
    rig = Rig(most=3)
    for n in range(5):
        rig.trade(n, S0 + n)
    rig.seconds.promise(0, S0 + 5)
    assert rig.secs() == [S0 + n for n in range(5)], "nothing is forgotten before it was told"
    rig.trade(7, S0 + 1)
    assert rig.secs() == [S0 + n for n in range(5)], "forgotten: a late part alone is not the second"
    rig.trade(8, S0 + 4)
    assert rig.told[-1].partial == partial_of([row(4, (S0 + 4) * 1000), row(8, (S0 + 4) * 1000)])
