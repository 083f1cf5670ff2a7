"""The raw log as a witness: trades once each, facts of days the same on the quick road and on the slow one."""

from collections.abc import Sequence
from itertools import groupby

from batch_layer.reconcile.evidence import Evidence
from batch_layer.reconcile.facts import DayFacts
from shared.bars.sessions import new_york_sessions
from shared.frames import encode
from shared.models.trade import Trade
from shared.stores.lake import Lake
from tests.parity.raw_log import logged
from tests.unit.batch_layer.reconcile.parts import part
from tests.unit.batch_layer.reconcile.witnesses import CLOSE, DAY, NOON, OPEN_MS


def trade(number: int, t: int, price: float, size: int, conditions: tuple[int, ...] = (0,), *, sym: str = "A") -> Trade:
    return Trade(sym, t, number, 4, 0, str(number), round(price * 10**9), size * 10**6, conditions, 1)


TRADES = [
    trade(1, OPEN_MS + 100, 10, 500, (17, 41)),
    trade(2, OPEN_MS + 200, 10.5, 400, (16,)),
    trade(3, NOON, 11, 100),
    trade(4, NOON + 1, 11.25, 7, (37,)),
    trade(5, NOON + 3_600_000, 12, 50, (14, 41)),
    trade(6, CLOSE + 4_000, 9, 900, (19,)),
    trade(7, CLOSE + 5_000, 9.5, 30, (0, 15)),
]
LATE = trade(8, NOON + 2, 13, 60)
OTHER = trade(9, NOON, 99, 1, sym="B")


def log(*late: tuple[int, Sequence[Trade]]) -> Lake:
    """All trades in time, a part a second; late parts as (rank, trades)."""
    seconds = groupby([*TRADES, OTHER], key=lambda one: (one.sym, one.t // 1000))
    parts = [part(list(of_second), number) for number, (_, of_second) in enumerate(seconds, 1)]
    parts += [part(trades, 50 + number, rank) for number, (rank, trades) in enumerate(late)]
    return logged([encode([one]) for one in parts], 3, again=0.9).lake


def facts(lake: Lake) -> DayFacts:
    asked = (11_250_000_000, 12_000_000_000, 13_000_000_000, 99_000_000_000)
    return Evidence(lake, DAY, new_york_sessions()).days({"A": asked})["A"]


def summary(known: DayFacts) -> tuple[object, ...]:
    shelves = ([seen.row.q for seen in shelf] for shelf in (known.opening, known.closing, known.marks))
    return known.trades, known.late, known.size, known.found, known.on_time.count, known.on_time.volume, *shelves


def test_facts_of_a_day_count_each_trade_once_however_often_it_was_delivered() -> None:
    shares = (500 + 100 + 7 + 50 + 900) * 10**6
    found = {11_250_000_000, 12_000_000_000}
    assert summary(facts(log())) == (7, 0, shares, found, 5, shares, [1], [6], [2, 7])


def test_late_trades_are_counted_apart_from_those_in_time() -> None:
    shares = (500 + 100 + 7 + 50 + 900) * 10**6
    found = {11_250_000_000, 12_000_000_000, 13_000_000_000}
    want = (8, 1, shares + 60 * 10**6, found, 5, shares, [1], [6], [2, 7])
    assert summary(facts(log((1, [LATE])))) == want


def test_trades_that_came_twice_long_apart_count_once() -> None:
    """Parts that the memory of the ingester no longer covers: the log has some of their trades already."""
    again = log((5, [TRADES[2], TRADES[3], LATE]))
    assert summary(facts(again)) == summary(facts(log((1, [LATE]))))


def test_trades_of_the_wanted_minutes_come_in_order_with_what_brought_them() -> None:
    lake = log((1, [LATE]))
    evidence = Evidence(lake, DAY, new_york_sessions())
    wanted = {"A": {NOON, NOON + 60_000, OPEN_MS}, "B": {OPEN_MS}}
    found = {(sym, t): trades for sym, t, trades in evidence.minutes(wanted)}
    assert {key: [seen.row.q for seen in trades] for key, trades in found.items()} == {
        ("A", OPEN_MS): [1, 2],
        ("A", NOON): [3, 4, 8],
    }
    assert [(seen.late, seen.part) for seen in found["A", NOON]] == [
        (False, ("1-0-2", NOON // 1000)),
        (False, ("1-0-2", NOON // 1000)),
        (True, ("1-0-50", NOON // 1000)),
    ]
    assert list(evidence.minutes({})) == []
