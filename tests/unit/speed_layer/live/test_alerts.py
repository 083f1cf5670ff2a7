"""Price rules over frames of the trades stream."""

import random
from itertools import accumulate
from typing import Any

import pytest

from shared.errors import StoreUnavailable
from shared.frames import Part
from shared.models.alert import Crossing, PriceCross
from speed_layer.alerts.service import Alerts
from speed_layer.edges import Edges
from speed_layer.live.handler import handle
from tests.fakes.alert_rows import AlertRows
from tests.fakes.kinesis import Kinesis
from tests.unit.speed_layer.alerts.rules import stored
from tests.unit.speed_layer.consumers import NOW_S, Consumers
from tests.unit.speed_layer.feed import S0, Rig, trade
from tests.unit.speed_layer.records import part, record


@pytest.fixture
def rows() -> AlertRows:
    rows = AlertRows()
    rows.put_rule(stored(PriceCross("110", "up")))
    return rows


def edges(rows: AlertRows) -> Edges:
    return Consumers(Kinesis(), Kinesis(1)).edges._replace(alerts=Alerts("live", rows, lambda: 0))


def fired(rows: AlertRows) -> list[Crossing]:
    return sorted((one.crossing for one in rows.fired.values()), key=lambda one: one.t)


def special(sec: int, price: int, f: str, **changes: Any) -> Part:
    rig = Rig(sec * 1000)
    rig.take(trade(price, sec * 1000, p=price, **changes))
    (made,) = rig.parts()
    made.f = f
    return made


def test_a_trade_over_the_level_is_told_with_its_price_and_time(rows: AlertRows) -> None:
    handle([record([part(S0, (5,)), part(S0 + 1, (11, 12))])], edges(rows), NOW_S)
    (one,) = fired(rows)
    assert (one.sym, one.direction, one.value, one.t) == ("SPY", "up", "111", (S0 + 1) * 1000 + 11)


def test_a_batch_or_a_frame_that_comes_again_tells_nothing_new(rows: AlertRows) -> None:
    """The second frame begins over the level and ends under it: taken twice, it would seem to cross upwards."""
    first = record([part(S0, (5, 11))], 1)
    second = record([part(S0 + 10, (12,), f="1-0-2"), part(S0 + 11, (5,), f="1-0-2")], 2)
    for batch in ([first, second], [second], [second._replace(sequence="3")], [first, second]):
        handle(batch, edges(rows), NOW_S)
    assert [one.value for one in fired(rows)] == ["111"]
    handle([record([part(S0 + 20, (11,), f="1-0-3")], 4)], edges(rows), NOW_S)
    assert len(fired(rows)) == 2, "the rule was armed"


@pytest.mark.parametrize(
    "high",
    [
        part(S0 + 1, (11,), f="1-0-2", late=1),
        part(S0 + 1, (11,), f="1-0-2", sym="BAC"),
        special(S0 + 1, 111, "1-0-2", c=[2]),
        special(S0 + 1, 111, "1-0-2", s=0),
    ],
    ids=["late", "another symbol", "an average price", "no size"],
)
def test_what_sets_no_price_of_now_fires_nothing(high: Part, rows: AlertRows) -> None:
    handle([record([part(S0, (5,))]), record([high], 2)], edges(rows), NOW_S)
    assert not rows.fired
    handle([record([part(S0 + 2, (11,), f="1-0-3")], 3)], edges(rows), NOW_S)
    assert len(rows.fired) == 1, "the rule was armed"


def test_cut_in_whatever_batches_the_crossings_are_the_same(rows: AlertRows) -> None:
    draw = random.Random(4)
    frames = [record([part(S0 + n, (draw.randint(1, 20),), f=f"1-0-{n + 1}")], n + 1) for n in range(120)]
    handle(frames, edges(rows), NOW_S)
    expected = fired(rows)
    assert len(expected) > 10
    for seed in range(5):
        others = AlertRows()
        others.put_rule(stored(PriceCross("110", "up")))
        cuts = random.Random(seed)
        ends = [end for end in accumulate(cuts.randint(1, 9) for _ in range(99)) if end < 120] + [120]
        for start, end in zip([0, *ends], ends, strict=False):
            handle(frames[max(0, start - cuts.randint(0, 3)) : end], edges(others), NOW_S)
        assert fired(others) == expected


def test_positions_of_an_earlier_release_neither_repeat_nor_pass_over_a_crossing(rows: AlertRows) -> None:
    """It wrote a trade's place in its frame with six digits; its last frame comes again, to this release."""
    draw = random.Random(5)
    frames = [
        record([part(S0 + n, tuple(draw.randint(1, 20) for _ in range(6)), f=f"1-0-{n + 1}")], n + 1) for n in range(40)
    ]
    handle(frames, edges(rows), NOW_S)
    expected, seen = fired(rows), set[str]()
    assert len(expected) > 10
    for cut in range(1, len(frames)):
        others = AlertRows()
        others.put_rule(stored(PriceCross("110", "up")))
        handle(frames[:cut], edges(others), NOW_S)
        for key, held in others.states.items():
            head, _, number = held.state.position.rpartition("-")
            others.states[key] = held._replace(state=held.state._replace(position=f"{head}-{int(number):06d}"))
            seen.add(f"{int(number):06d}")
        handle(frames[cut - 1 :], edges(others), NOW_S)
        assert fired(others) == expected
    assert {"000000", "000001"} <= seen


def test_a_table_of_alerts_that_is_away_makes_the_batch_come_again(rows: AlertRows) -> None:
    def away(call: str) -> None:
        if call == "put_state":
            raise StoreUnavailable(call)

    rows.before = away
    process = edges(rows)
    with pytest.raises(StoreUnavailable):
        handle([record([part(S0, (5, 11))])], process, NOW_S)
    rows.before = lambda call: None
    handle([record([part(S0, (5, 11))])], process, NOW_S)
    assert len(rows.fired) == 1
