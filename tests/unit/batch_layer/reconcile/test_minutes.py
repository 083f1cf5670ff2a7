"""A minute's difference is explained by what our trades show, and by nothing else."""

import pytest

from batch_layer.reconcile.minutes import explain
from tests.unit.batch_layer.reconcile.witnesses import (
    AVERAGE,
    CLOSE,
    LAST,
    NOON,
    ODD_LOT,
    OPEN_MS,
    SWEEP,
    bar,
    case,
    trade,
)

TWO = (trade(NOON + 100, 10), trade(NOON + 59_900, 11, conditions=SWEEP))
OURS = bar(10, 11, 10, 11, 200, 2, vwap=10.5)


def test_a_price_that_another_trade_of_the_minute_had_is_another_rule() -> None:
    why = explain(case(NOON, OURS, bar(10, 10, 10, 10, 200), *TWO))
    assert why.kind == "rule"
    assert why.reason == (
        "its high 10 is the price of the trade of 12:00:00.100 with conditions [0], ours that of the trade of "
        "12:00:59.900 with conditions [14, 41]; its close 10 is the price of the trade of 12:00:00.100 with conditions "
        "[0], ours that of the trade of 12:00:59.900 with conditions [14, 41]"
    )


def test_a_price_that_no_trade_had_is_unexplained() -> None:
    why = explain(case(NOON, OURS, bar(10, 11, 10, 10.5, 200), *TWO))
    assert why == ("unexplained", "no trade of ours has its close 10.5")


def test_more_volume_than_all_our_trades_is_a_gap_whatever_else_differs() -> None:
    why = explain(case(NOON, OURS, bar(10, 12, 10, 11, 250), *TWO))
    assert why.kind == "gap"
    assert why.reason.startswith("the vendor counts 50 shares more than all our trades of the minute have; no trade")


def test_volume_without_trades_of_some_conditions_is_another_rule() -> None:
    lots = (*TWO, trade(NOON + 200, 10, 30, ODD_LOT), trade(NOON + 300, 10, 7, ODD_LOT))
    ours = bar(10, 11, 10, 11, 237, 4)
    why = explain(case(NOON, ours._replace(vwap=104_219), bar(10, 11, 10, 11, 200), *lots))
    assert why == ("rule", "its volume is without 2 trades with conditions [37]")
    assert explain(case(NOON, ours._replace(vwap=104_219), bar(10, 11, 10, 11, 207), *lots)).kind == "unexplained"


def test_a_bar_without_the_late_trades_is_late() -> None:
    late = trade(NOON + 50_000, 13, 5, late="1-0-9")
    why = explain(case(NOON, bar(10, 13, 10, 11, 205, 3, vwap=10.561), OURS, *TWO, late))
    assert why == ("late", "the vendor's bar is without 1 trade that came after the minute had closed, 5 shares")


def test_a_bar_that_does_not_follow_from_its_trades_is_our_fault() -> None:
    why = explain(case(NOON, OURS._replace(high=12 * 10**9), OURS, *TWO))
    assert why == ("ours", "the bar does not follow from the 2 trades of its minute in the raw log")


def test_a_minute_that_the_vendor_does_not_show_is_explained_by_conditions_alone() -> None:
    sweep = trade(NOON, 10, conditions=SWEEP)
    shown = bar(10, 10, 10, 10, 100, 1, vwap=10)
    why = explain(case(NOON, shown, None, sweep))
    assert why == ("rule", "the vendor makes no bar of 1 trade, which all have conditions: [14, 41]")
    plain = explain(case(NOON, shown, None, trade(NOON, 10)))
    assert plain.kind == "unexplained"
    assert "the trade of 12:00:00.000 with conditions [0] is one that every rule counts" in plain.reason
    assert explain(case(NOON, shown, None, trade(NOON, 10, late="1-0-9"))).kind == "late"


def test_a_minute_that_we_do_not_show_may_be_another_rule() -> None:
    night = OPEN_MS + 400 * 60_000
    unshown = (trade(night, 10, 700, AVERAGE), trade(night + 5, 12, 300, AVERAGE))
    why = explain(case(night, None, bar(10, 12, 10, 12, 1000), *unshown))
    assert why.kind == "rule"
    assert why.reason == (
        "we show no bar of 2 trades that may not set all prices; its prices are those of the trade of 16:10:00.000 "
        "with conditions [12, 2] and the trade of 16:10:00.005 with conditions [12, 2]"
    )
    assert explain(case(night, None, bar(10, 12, 9, 12, 1000), *unshown)).kind == "unexplained"
    assert explain(case(night, None, bar(10, 12, 10, 12, 999), *unshown)).kind == "unexplained"


def test_a_minute_without_any_trade_of_ours_is_a_gap() -> None:
    assert explain(case(NOON, None, bar(10, 12, 10, 12, 1000))) == ("gap", "we have no trade of this minute")


def test_an_auction_may_be_shown_in_the_first_or_the_last_minute_whenever_it_was_printed() -> None:
    shown = bar(10, 11, 10, 11, 200, 2, vwap=10.5)
    closing = trade(CLOSE + 7_000, 12, 5_000, (19,))
    first, last = (
        tuple(one._replace(row=one.row._replace(t=one.row.t - NOON + start)) for one in TWO)
        for start in (OPEN_MS, LAST)
    )
    with_print = explain(case(LAST, shown, bar(10, 12, 10, 12, 5_200), *last, others=(closing,)))
    assert with_print.kind == "rule"
    assert with_print.reason.endswith("its volume is with the auction's print of 16:00:07.000, 5000 shares")
    elsewhere = explain(case(NOON, shown, bar(10, 12, 10, 12, 5_200), *TWO, others=(closing,)))
    assert elsewhere.kind == "gap"
    opening = trade(OPEN_MS + 61_000, 9, 4_000, (17,))
    assert explain(case(OPEN_MS, shown, bar(9, 11, 9, 11, 200), *first, others=(opening,))).kind == "rule"
    mark = trade(OPEN_MS + 61_000, 8, 4_000, (16,))
    assert explain(case(OPEN_MS, shown, bar(8, 11, 8, 11, 200), *first, others=(mark,))).kind == "rule"
    assert explain(case(LAST, shown, bar(8, 11, 8, 11, 200), *last, others=(mark,))).kind == "unexplained"
    alone = explain(case(OPEN_MS, None, bar(9, 9, 9, 9, 4_000), others=(opening,)))
    assert alone == ("rule", "the vendor's bar is that of an auction, which was printed in another minute")


def test_hundreds_of_prints_of_an_auction_may_count_as_their_first() -> None:
    prints = [trade(OPEN_MS + n, 10, 100 + n, (17, 41)) for n in range(5)]
    other = trade(OPEN_MS + 9, 10, 1, (17, 9, 41))
    shown = bar(10, 10, 10, 10, 511, 6, vwap=10)
    why = explain(case(OPEN_MS, shown, bar(10, 10, 10, 10, 100), *prints, other))
    assert why.reason == (
        "its volume is without 5 trades with conditions [17, 41] but the first and without 1 trade with conditions "
        "[17, 9, 41]"
    )


@pytest.mark.parametrize(("field", "value"), [("count", 3), ("vwap", 105_002)])
def test_a_count_or_a_vwap_alone_is_unexplained(field: str, value: int) -> None:
    why = explain(case(NOON, OURS, OURS._replace(**{field: value}), *TWO))
    assert why == ("unexplained", "prices and volume are equal, count or VWAP are not")
