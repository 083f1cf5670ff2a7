"""Bars go out with the figures of their day, in order, and are the bars that reading gives."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from serving_layer.push.bars import Bars
from serving_layer.push.day import Day, sums_of
from serving_layer.push.hub import Hub
from shared.bars.algebra import merge_all, present
from shared.bars.sessions import new_york_sessions
from shared.frames import TradeRow, partial_to_wire
from shared.polygon.answers import bar_text
from shared.polygon.socket import Channel
from tests.unit.serving_layer.push.support import MINUTE, S0, T0, minute, partial_of, row

DAY_MS = 86_400_000


class Reader:
    """The table, which answers when told to."""

    def __init__(self) -> None:
        self.wanted: list[tuple[str, Day, Callable[[], None] | None]] = []
        self.refuses = False

    def want(self, sym: str, day: Day, done: Callable[[], None] | None) -> bool:
        if not self.refuses:
            self.wanted.append((sym, day, done))
        return not self.refuses

    def answer(self, *minutes: tuple[int, list[TradeRow], int]) -> None:
        """The oldest question, with (minute, trades, late parts) of each stored minute."""
        _, day, done = self.wanted.pop(0)
        day.take_stored([(t, sums_of(partial_of(rows), rev)) for t, rows, rev in minutes])
        if done is not None:
            done()

    def give_up(self) -> None:
        """Answers the oldest question, that waits, without having read."""
        done = self.wanted.pop(0)[2]
        assert done is not None
        done()


class Rig:
    """A subscriber of all bars of SPY."""

    def __init__(self) -> None:
        self.reader, hub = Reader(), Hub()
        self.bars = Bars(hub, new_york_sessions(), self.reader)
        self.taken: list[dict[str, Any]] = []
        for prefix in ("A", "AM"):
            hub.subscribe(Channel(prefix, "SPY"), self)

    owner = "me"

    def give(self, events: bytes) -> None:
        self.taken.append(json.loads(events))

    def second(self, sec: int, *rows: TradeRow, from_start: bool = True) -> None:
        self.bars.second("SPY", sec, [partial_to_wire(partial_of([one])) for one in rows], len(rows), from_start)

    def told(self, *fields: str) -> list[tuple[Any, ...]]:
        return [tuple(event.get(field) for field in fields) for event in self.taken]


@pytest.fixture
def rig() -> Rig:
    return Rig()


def trade(n: int, at: int = 0, price: str = "167.42", shares: str = "100") -> TradeRow:
    return row(n, T0 + at, price, shares)


def test_a_bar_waits_for_its_day_and_then_counts_what_the_table_has(rig: Rig) -> None:
    rig.bars.record(minute("SPY", T0 + MINUTE, [trade(2, MINUTE, "168")]))
    assert rig.taken == []
    rig.reader.answer((T0, [trade(1, 0, "166")], 0), (T0 + MINUTE, [trade(2, MINUTE, "168")], 0))
    assert rig.told("ev", "s", "v", "av", "a", "op") == [("AM", T0 + MINUTE, 100, 200, 167, 166)]


def test_a_known_day_is_not_read_again(rig: Rig) -> None:
    for n in range(3):
        rig.bars.record(minute("SPY", T0 + n * MINUTE, [trade(n, n * MINUTE)]))
        if n == 0:
            rig.reader.answer()
    assert rig.told("av") == [(100,), (200,), (300,)]
    assert rig.reader.wanted == []


def test_minutes_of_a_symbol_keep_their_order_while_its_day_is_read_and_seconds_do_not_wait(rig: Rig) -> None:
    rig.bars.record(minute("SPY", T0, [trade(1)]))
    rig.bars.record(minute("SPY", T0 + MINUTE, [trade(2, MINUTE)]))
    rig.second(S0 + 120, trade(3, 2 * MINUTE))
    assert rig.told("ev", "s", "av") == [("A", T0 + 2 * MINUTE, None)]
    rig.reader.answer()
    rig.second(S0 + 121, trade(4, 2 * MINUTE + 1_000))
    assert rig.told("ev", "s", "av")[1:] == [
        ("AM", T0, 100),
        ("AM", T0 + MINUTE, 200),
        ("A", T0 + 2 * MINUTE + 1_000, 400),
    ]


def test_a_second_lets_its_day_be_read_for_those_that_follow(rig: Rig) -> None:
    rig.second(S0, trade(1))
    rig.reader.answer()
    rig.second(S0 + 1, trade(2, 1_000))
    assert rig.told("v", "av") == [(100, None), (100, 200)]


def test_a_bar_whose_day_cannot_be_read_goes_without_its_figures_and_the_next_asks_again(rig: Rig) -> None:
    rig.bars.record(minute("SPY", T0, [trade(1)]))
    rig.reader.give_up()
    rig.reader.refuses = True
    rig.bars.record(minute("SPY", T0 + MINUTE, [trade(2, MINUTE)]))
    rig.reader.refuses = False
    rig.bars.record(minute("SPY", T0 + 2 * MINUTE, [trade(3, 2 * MINUTE)]))
    rig.reader.answer()
    assert rig.told("v", "av", "op") == [(100, None, None), (100, None, None), (100, 300, 167.42)]


def test_a_second_counts_the_minutes_before_it_and_the_seconds_of_its_own(rig: Rig) -> None:
    rig.bars.record(minute("SPY", T0, [trade(1)]))
    rig.reader.answer()
    rig.second(S0 + 60, trade(2, MINUTE))
    rig.second(S0 + 61, trade(3, MINUTE + 1_000))
    assert rig.told("ev", "v", "av")[1:] == [("A", 100, 200), ("A", 100, 300)]


def test_a_second_of_a_minute_not_seen_from_its_start_says_nothing_of_the_day(rig: Rig) -> None:
    rig.second(S0 + 30, trade(1, 30_000), from_start=False)
    assert rig.told("ev", "v", "av") == [("A", 100, None)]
    assert rig.reader.wanted == []


def test_a_revised_minute_is_sent_again_and_the_last_one_is_what_reading_gives(rig: Rig) -> None:
    base, late = [trade(1), trade(2, 59_000, "168")], trade(3, 30_000, "170", "0.5")
    rig.bars.record(minute("SPY", T0, base))
    rig.reader.answer()
    rig.bars.record(minute("SPY", T0 + MINUTE, [trade(4, MINUTE)]))
    rig.bars.record(minute("SPY", T0, [*base, late], rev=1))
    sent = rig.taken[-1]
    read = present(T0, merge_all([partial_of(base), partial_of([late])]))
    assert read is not None
    assert {key: sent[key] for key in ("v", "vw", "o", "c", "h", "l")} | {"t": sent["s"], "n": 3} == json.loads(
        bar_text(read)
    )
    assert (sent["s"], sent["av"]) == (T0, 200.5), "the day through the minute, not what came after it"


def test_a_record_delivered_again_or_holding_less_is_not_sent_again(rig: Rig) -> None:
    first = minute("SPY", T0, [trade(1), trade(2)])
    rig.bars.record(first)
    rig.reader.answer()
    rig.bars.record(first)
    rig.bars.record(minute("SPY", T0, [trade(3)], rev=1))
    assert len(rig.taken) == 1


def test_a_record_that_the_table_is_ahead_of_gives_way_to_the_one_that_follows(rig: Rig) -> None:
    base, late = [trade(1)], trade(2, 1_000)
    rig.bars.record(minute("SPY", T0, base))
    rig.reader.answer((T0, [*base, late], 1))
    assert rig.taken == []
    rig.bars.record(minute("SPY", T0, [*base, late], rev=1))
    assert rig.told("s", "v", "av") == [(T0, 200, 200)]


def test_longer_timeframes_are_not_pushed(rig: Rig) -> None:
    rig.bars.record(minute("SPY", T0, [trade(1)], tf="5m"))
    assert (rig.taken, rig.reader.wanted) == ([], [])


def test_a_minute_that_no_trade_opened_is_no_bar(rig: Rig) -> None:
    record = minute("SPY", T0, [trade(1)])
    record.partial.first = record.partial.last = None
    rig.bars.record(record)
    rig.reader.answer()
    assert rig.taken == []


def test_the_official_open_is_zero_before_the_regular_session(rig: Rig) -> None:
    early = T0 - 30 * MINUTE
    rig.bars.record(minute("SPY", early, [row(1, early)]))
    rig.reader.answer()
    rig.bars.record(minute("SPY", T0, [trade(2, 0, "166")]))
    assert rig.told("op", "av") == [(0, 100), (166, 200)]


def test_a_new_date_is_a_new_day_and_a_revision_of_the_old_one_goes_without_figures(rig: Rig) -> None:
    rig.bars.record(minute("SPY", T0, [trade(1)]))
    rig.reader.answer()
    rig.bars.record(minute("SPY", T0 + DAY_MS, [trade(2, DAY_MS)]))
    rig.reader.answer()
    rig.bars.record(minute("SPY", T0, [trade(1), trade(3)], rev=1))
    assert rig.told("s", "v", "av") == [(T0, 100, 100), (T0 + DAY_MS, 100, 100), (T0, 200, None)]


def test_a_bar_of_a_day_without_session_goes_without_figures(rig: Rig) -> None:
    saturday = T0 + 4 * DAY_MS
    rig.bars.record(minute("SPY", saturday, [row(1, saturday)]))
    assert rig.told("s", "av") == [(saturday, None)]


def test_nothing_is_read_for_what_nobody_wants(rig: Rig) -> None:
    rig.bars.record(minute("QQQ", T0, [trade(1)]))
    assert rig.reader.wanted == []


def test_what_was_seen_before_anybody_wanted_it_counts() -> None:
    reader, hub = Reader(), Hub()
    bars = Bars(hub, new_york_sessions(), reader)
    bars.record(minute("SPY", T0 + MINUTE, [trade(1, MINUTE)]))
    late = Rig()
    hub.subscribe(Channel("AM", "SPY"), late)
    bars.record(minute("SPY", T0 + 2 * MINUTE, [trade(2, 2 * MINUTE)]))
    reader.answer((T0, [trade(0)], 0))  # the minute between is not stored yet
    assert late.told("s", "av") == [(T0 + 2 * MINUTE, 300)]


def test_a_corrected_second_is_whole_and_adds_to_its_minute_only_what_is_new(rig: Rig) -> None:
    rig.bars.record(minute("SPY", T0 - MINUTE, [trade(0, -MINUTE)]))
    rig.reader.answer()
    early, late = (partial_to_wire(partial_of([one])) for one in (trade(1), trade(2, 1, "170")))
    rig.bars.second("SPY", S0, [early], 1, True)
    rig.bars.second("SPY", S0, [early, late], 1, True)
    assert rig.told("s", "v", "h", "av")[1:] == [(T0, 100, 167.42, 200), (T0, 200, 170, 300)]


def test_the_day_never_goes_back_where_the_record_of_a_minute_is_read_before_its_last_seconds(rig: Rig) -> None:
    rig.bars.record(minute("SPY", T0 - MINUTE, [trade(100, -MINUTE)]))
    rig.reader.answer()
    seconds = [trade(n, n * 1_000) for n in range(60)]
    for n in range(58):
        rig.second(S0 + n, seconds[n])
    rig.bars.record(minute("SPY", T0, seconds))
    rig.second(S0 + 58, seconds[58])
    rig.second(S0 + 59, seconds[59])
    told = [av for ev, av in rig.told("ev", "av") if ev == "A"]
    assert told == [200 + 100 * n for n in range(60)]


def test_a_late_part_that_corrects_a_second_of_a_closed_minute_adds_to_its_day(rig: Rig) -> None:
    rig.bars.record(minute("SPY", T0 - MINUTE, [trade(100, -MINUTE)]))
    rig.reader.answer()
    first, last, late = trade(1, 30_000), trade(2, 59_000), trade(3, 30_001)
    rig.second(S0 + 30, first)
    rig.second(S0 + 59, last)
    rig.bars.record(minute("SPY", T0, [first, last]))
    rig.bars.second("SPY", S0 + 30, [partial_to_wire(partial_of([one])) for one in (first, late)], 1, True)
    assert rig.told("ev", "s", "v", "av")[-1] == ("A", T0 + 30_000, 200, 400)


def test_seconds_say_nothing_of_the_day_until_their_minute_and_the_one_before_were_wanted_from_the_start() -> None:
    reader, hub, late = Reader(), Hub(), Rig()
    bars = Bars(hub, new_york_sessions(), reader)
    part = [partial_to_wire(partial_of([trade(1)]))]
    bars.second("SPY", S0 + 30, part, 1, True)
    hub.subscribe(Channel("A", "SPY"), late)
    for sec in (S0 + 31, S0 + 60, S0 + 120, S0 + 121):
        bars.second("SPY", sec, part, 1, True)
        if reader.wanted:
            reader.answer((T0, [trade(1)] * 2, 0))
    assert late.told("s", "av") == [
        (T0 + 31_000, None),
        (T0 + MINUTE, None),
        (T0 + 2 * MINUTE, None),
        (T0 + 2 * MINUTE + 1_000, 400),
    ]
