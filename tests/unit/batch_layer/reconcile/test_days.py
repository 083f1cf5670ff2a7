"""A day's difference: its minutes, its trades, or nothing that we know."""

from batch_layer.reconcile.days import DayCase, explain_day, told_minutes
from batch_layer.reconcile.facts import DayFacts
from batch_layer.reconcile.report import Kind
from shared.bars.totals import Shown
from tests.unit.batch_layer.reconcile.witnesses import AVERAGE, NOON, OPEN_MS, bar, facts, trade

TRADES = (trade(OPEN_MS, 10), trade(NOON, 12, 50), trade(NOON + 60_000, 11))
OURS = bar(10, 12, 10, 11, 250, 3)


def day(
    theirs: Shown | None,
    known: DayFacts,
    more: int = 0,
    kind: Kind | None = None,
    through: int | None = None,
) -> tuple[str, str]:
    return explain_day(DayCase(OURS, theirs, known, more, kind, through))


def test_a_volume_that_is_a_sum_of_its_own_minutes_is_another_rule() -> None:
    why = day(bar(10, 12, 10, 11, 150), facts(*TRADES), through=NOON)
    assert why == ("rule", "its volume is that of its own minutes from the regular open to 12:01")


def test_a_price_that_a_trade_of_the_date_had_is_another_rule() -> None:
    official = trade(NOON + 5, 11.5, 900, AVERAGE)
    why = day(bar(10, 12, 10, 11.5, 250), facts(*TRADES, official, asked=(10, 12, 11.5)))
    assert why == ("rule", "its close 11.5 is the price of a trade of the date")
    assert day(bar(10, 12, 10, 11.25, 250), facts(*TRADES, asked=(11.25,))) == (
        "unexplained",
        "no trade of ours has its close 11.25",
    )


def test_a_volume_that_differs_as_its_minutes_do_is_of_their_kind() -> None:
    theirs = bar(10, 12, 10, 11, 280)
    assert day(theirs, facts(*TRADES), 30 * 10**6, "gap") == ("gap", "its volume differs as its minutes do")
    assert day(theirs, facts(*TRADES), 29 * 10**6, "rule")[0] == "gap"


def test_more_shares_than_all_our_trades_have_are_a_gap_and_fewer_are_unexplained() -> None:
    why = day(bar(10, 12, 10, 11, 251), facts(*TRADES))
    assert why == ("gap", "the vendor counts 1 share more than all our trades of the date have")
    assert day(bar(10, 12, 10, 11, 249), facts(*TRADES))[0] == "unexplained"


def test_a_price_among_trades_that_we_never_had_is_a_gap_too() -> None:
    theirs = bar(10, 15, 10, 11, 300)
    kind, reason = day(theirs, facts(*TRADES, asked=(15,)), 50 * 10**6, "rule", through=NOON)
    assert kind == "gap"
    assert reason.startswith("the vendor counts 50 shares more than all our trades of the date have; no trade of ours")


def test_official_marks_are_no_shares() -> None:
    mark = trade(NOON, 12, 1_000, (15,))
    assert day(bar(10, 12, 10, 11, 300), facts(*TRADES, mark))[0] == "gap"


def test_a_day_without_the_late_trades_is_late() -> None:
    late = trade(NOON + 2, 20, 7, late="1-0-9")
    why = day(bar(10, 12, 10, 11, 250), facts(*TRADES, late))
    assert why == ("late", "the vendor's bar is without 1 trade that came after the minute had closed")


def test_a_day_that_one_side_does_not_have() -> None:
    assert day(None, facts(*TRADES)) == ("unexplained", "the vendor has no bar of a date with 3 trades")
    assert day(bar(1, 1, 1, 1, 1), facts()) == ("gap", "we have no trade of this date")


def test_minutes_make_a_day_from_the_regular_open_to_the_one_that_completes_it() -> None:
    minutes = [(OPEN_MS - 60_000, 5), (OPEN_MS, 10), (NOON, 20), (NOON + 60_000, 0), (NOON + 120_000, 7)]
    assert told_minutes(minutes, 30, OPEN_MS) == NOON
    assert told_minutes(minutes, 37, OPEN_MS) == NOON + 120_000
    assert told_minutes(minutes, 35, OPEN_MS) is None
