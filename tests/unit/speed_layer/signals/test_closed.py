"""Where closed bars come from when a try ends early, or when rings of another length are in the cache."""

from collections.abc import Iterator, Mapping
from typing import cast

import pytest

from shared.errors import StoreUnavailable
from shared.models.bar import Timeframe
from shared.stores.bars import MinuteItem
from shared.stores.rings import ClosedBar, Key, Rings
from speed_layer.signals.closed import AT_ONCE, ClosedBars
from tests.fakes.bar_rows import BarRows
from tests.fakes.kinesis import Killed
from tests.fakes.ring_rows import RingRows
from tests.unit.speed_layer.feed import T0
from tests.unit.speed_layer.signals.test_service import MINUTE, NOW_S, partial

MINUTES = 30
END = T0 + MINUTES * MINUTE
KEYS: list[Key] = [(f"SYM{number:02}", "1m") for number in range(2 * AT_ONCE + 5)]


class Table(BarRows):
    """Thirty minutes of every symbol. `asked`: the symbols asked for; from number `fails_from` on by `failure`."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.fails_from, self.failure = len(KEYS), BaseException()
        for sym, _ in KEYS:
            for minute in range(MINUTES):
                self.put_base(sym, T0 + minute * MINUTE, partial(minute), NOW_S)

    def minutes(self, sym: str, start: int, end: int, now_s: int, *, reverse: bool = False) -> Iterator[MinuteItem]:
        if KEYS.index((sym, "1m")) >= self.fails_from:
            raise self.failure
        self.asked.append(sym)
        return super().minutes(sym, start, end, now_s, reverse=reverse)


def process(cache: RingRows, table: Table, kept: Mapping[Timeframe, int]) -> ClosedBars:
    """One that remembers nothing yet."""
    return ClosedBars(cast(Rings, cache), table, kept)


def lengths(closed: ClosedBars, keys: list[Key]) -> set[int]:
    return {len(ring.bars) for ring in closed.rings(keys, lambda: END, NOW_S).values()}


@pytest.mark.parametrize("failure", [Killed(), StoreUnavailable("bars table: too slow")])
def test_what_a_try_has_rolled_up_is_there_for_the_next_one(failure: BaseException) -> None:
    cache, table = RingRows({"1m": 20}), Table()
    table.fails_from, table.failure = 2 * AT_ONCE + 1, failure
    first = process(cache, table, {"1m": 20})
    first.begin("49", "50")
    with pytest.raises(type(failure)):
        first.rings(KEYS, lambda: END, NOW_S)
    table.fails_from = len(KEYS)
    table.asked.clear()
    second = process(cache, table, {"1m": 20})
    second.begin("49", "50")
    assert lengths(second, KEYS) == {20}
    assert sorted(table.asked) == [sym for sym, _ in KEYS[2 * AT_ONCE :]]


def test_what_a_try_has_rolled_up_is_not_believed_where_another_batch_follows() -> None:
    """The one that rolled it up was given up: its bars are not in the rings."""
    cache, table = RingRows({"1m": 20}), Table()
    first = process(cache, table, {"1m": 20})
    first.begin("49", "50")
    first.rings(KEYS, lambda: END, NOW_S)
    table.asked.clear()
    second = process(cache, table, {"1m": 20})
    second.begin("49", "61")
    second.rings(KEYS, lambda: END, NOW_S)
    assert sorted(table.asked) == [sym for sym, _ in KEYS]


def test_a_batch_that_is_done_adds_its_bars_to_what_was_rolled_up() -> None:
    cache, table = RingRows({"1m": 20}), Table()
    closed = process(cache, table, {"1m": 20})
    closed.begin("49", "50")
    ring = closed.rings(KEYS[:1], lambda: END, NOW_S)[KEYS[0]]
    new = ClosedBar(END, 1, 0, partial(MINUTES))
    ring.take(new)
    closed.finish("50", {KEYS[0]: [new]})
    state = cache.state()
    assert state is not None
    assert (state.done, state.begun) == ("50", "")
    assert cache.read(KEYS[:1], state.generation) == {KEYS[0]: ring.closed}


def test_rings_of_another_length_are_not_believed() -> None:
    """The strategies were changed: a ring that was cut for a shorter window is not all there ever was."""
    cache, table = RingRows({"1m": 20}), Table()
    before = process(cache, table, {"1m": 20})
    before.begin("49", "50")
    assert lengths(before, KEYS) == {20}
    before.finish("50", {})
    after = process(cache, table, {"1m": 25})
    after.begin("50", "51")
    assert lengths(after, KEYS) == {25}


def test_rings_of_the_same_length_are_believed_by_another_process() -> None:
    cache, table = RingRows({"1m": 20, "1h": 24}), Table()
    before = process(cache, table, {"1m": 20, "1h": 24})
    before.begin("49", "50")
    before.rings(KEYS, lambda: END, NOW_S)
    before.finish("50", {})
    table.asked.clear()
    after = process(cache, table, {"1h": 24, "1m": 20})
    after.begin("50", "51")
    assert lengths(after, KEYS) == {20}
    assert table.asked == []
