"""A speed view that is behind lacks late parts; one that is anything else is wrong."""

import pytest

from batch_layer.reconcile.speed import MOST_LATE_PARTS, explain_speed
from batch_layer.reconcile.witness import Seen
from shared.bars.algebra import prepare_rows
from shared.models.bar import Partial
from tests.unit.batch_layer.reconcile.witnesses import NOON, trade

BASE = (trade(NOON, 10), trade(NOON + 1_000, 11))


def sum_of(*trades: Seen) -> Partial:
    return prepare_rows([one.row for one in trades])


def late(count: int) -> list[Seen]:
    """One trade a part."""
    return [trade(NOON + 2_000 + 10 * n, 12 + n, 1 + n, late=f"1-0-{n + 5}") for n in range(count)]


def test_a_view_without_some_late_parts_is_behind() -> None:
    parts = late(3)
    rebuilt = sum_of(*BASE, *parts)
    for stored, said in (([], "0 of 3"), (parts[1:2], "1 of 3"), ([parts[0], parts[2]], "2 of 3")):
        why = explain_speed(sum_of(*BASE, *stored), rebuilt, [*BASE, *parts])
        assert why == ("late", f"the speed view has {said} late parts")


def test_of_many_late_parts_their_order_is_tried() -> None:
    parts = late(MOST_LATE_PARTS + 2)
    rebuilt = sum_of(*BASE, *parts)
    assert explain_speed(sum_of(*BASE, *parts[:7]), rebuilt, [*BASE, *parts]).kind == "late"
    assert explain_speed(sum_of(*BASE, *parts[4:7]), rebuilt, [*BASE, *parts]).kind == "ours"


def test_a_minute_of_late_trades_alone_may_not_have_come_yet() -> None:
    parts = late(1)
    assert explain_speed(None, sum_of(*parts), parts) == ("late", "the speed view has 0 of 1 late parts")


@pytest.mark.parametrize(
    ("speed", "said"),
    [
        (None, "the speed view has no row of a minute with 2 trades"),
        (sum_of(BASE[0]), "the speed view counts 1 trade, the raw log 2; late parts: 0"),
        (sum_of(*BASE, *late(1)), "the speed view counts 3 trades, the raw log 2; late parts: 0"),
    ],
)
def test_a_view_that_is_no_sum_of_what_the_log_holds_is_wrong(speed: Partial | None, said: str) -> None:
    assert explain_speed(speed, sum_of(*BASE), BASE) == ("ours", said)


def test_a_rebuilt_minute_that_does_not_follow_from_its_trades_is_wrong() -> None:
    assert explain_speed(sum_of(*BASE), sum_of(BASE[0]), BASE).kind == "ours"


def test_a_minute_without_a_trade_in_the_log_is_a_gap_of_the_log() -> None:
    assert explain_speed(sum_of(*BASE), None, []).kind == "gap"
