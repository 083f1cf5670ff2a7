"""Random feeds: nothing is lost or counted twice, and the two roads a trade can take give the same parts."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.bars.algebra import merge_all
from shared.frames import partial_from_wire, partial_to_wire
from tests.effort import examples
from tests.unit.speed_layer.feed import MINUTE, T0, Rig, trade

BAD: list[dict[str, Any]] = [
    {"p": -1},
    {"p": float("nan")},
    {"s": -5},
    {"i": ""},
    {"i": "\udfff"},
    {"sym": "?"},
    {"t": 5},
    {"t": T0 + 100 * 3_600_000},
    {"c": None},
]
OTHERS: list[Any] = [{"ev": "Q"}, {"ev": "status", "status": "x"}, 3, "text", [], {}]

identities = st.integers(0, 12)
times = st.one_of(
    st.integers(-3_000, 3_000),
    st.integers(-30 * MINUTE, 60 * MINUTE),
    st.sampled_from([13 * 60 * MINUTE, 24 * 60 * MINUTE, 10_000, -1, 0, 2_000, 2_001]),
).map(lambda offset: T0 + offset)
good = st.builds(
    lambda n, t, sym, price, size, conditions: trade(n, t, sym=sym, p=price, s=size, c=conditions),
    identities,
    times,
    st.sampled_from(["SPY", "BAC", "BRK.A"]),
    st.sampled_from([167.42, 167.42, 167.43]),
    st.sampled_from([0, 1, 0.5, 100]),
    st.sampled_from([[], [12], [37], [14, 41], [999]]),
)
elements = st.one_of(
    good, good, good, st.builds(lambda one, bad: one | bad, good, st.sampled_from(BAD)), st.sampled_from(OTHERS)
)
frames = st.one_of(st.lists(elements, max_size=12).map(lambda some: json.dumps(some).encode()), st.binary(max_size=20))


@settings(max_examples=examples(250), deadline=None)
@given(st.lists(frames, max_size=12), st.booleans(), st.booleans())
def test_what_is_received_is_accepted_a_duplicate_quarantined_or_waiting_at_every_moment(
    feed: list[bytes], live: bool, ends: bool
) -> None:
    rig = Rig()
    for data in feed:
        rig.intake.take(data, T0 if live else None)
        accepted, _, _, waiting = rig.totals()
        assert waiting <= 40
        assert sum(trades for _, _, trades in rig.sent) <= accepted
    if ends:
        rig.intake.end()
    accepted, _, quarantined, waiting = rig.totals()
    assert waiting == 0 or not ends
    trades = rig.trades()
    assert len(trades) == accepted == sum(count for _, _, count in rig.sent)
    assert len(rig.refused()) == quarantined
    assert all(t // 1000 == part.sec for part in rig.parts() for t, *_ in [(row.t,) for row in part.trades])


@pytest.mark.fault("F14", "F15")
@settings(max_examples=examples(60), deadline=None)
@given(st.data())
def test_disorder_within_2_s_and_repeats_change_no_part(data: st.DataObject) -> None:
    steps = data.draw(st.lists(st.integers(0, 700), min_size=2, max_size=60))
    feed, t = [], T0
    for n, step in enumerate(steps):
        t += step
        feed.append(trade(n, t, sym=("SPY", "BAC")[n % 2], c=([], [12], [37], [999])[n % 4], s=n % 5))
    shuffled = sorted(feed, key=lambda one: one["t"] + data.draw(st.integers(0, 1_999)))
    repeats = data.draw(st.lists(st.sampled_from(feed), max_size=10))
    at_once, one_by_one = Rig(), Rig()
    at_once.take(*feed)
    for one in shuffled:
        one_by_one.take(one)
    one_by_one.take(*repeats)
    assert one_by_one.totals() == (len(feed), len(repeats), 0, 0)
    assert _contents(one_by_one) == _contents(at_once)


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(good, min_size=1, max_size=30))
def test_a_held_trade_joins_its_part_as_any_other_does(trades: list[dict[str, Any]]) -> None:
    """With a clock far behind, every trade waits and is added apart; else the flat loop takes it."""
    unique = list({(one["sym"], one["i"]): one | {"t": T0 + int(one["i"])} for one in trades}.values())
    flat, held = Rig(T0), Rig(T0 - 10 * MINUTE)
    flat.take(*unique)
    held.take(*sorted(unique, key=lambda one: one["t"], reverse=True))
    held.intake.end()
    assert flat.totals() == held.totals() == (len(unique), 0, 0, 0)
    assert _contents(held) == _contents(flat)


def _contents(rig: Rig) -> dict[tuple[str, int], Any]:
    """(symbol, second) -> its trades and its whole partial, however many parts it came in."""
    found: dict[tuple[str, int], Any] = {}
    for part in rig.parts():
        assert part.bar is not None
        rows, partial = found.get((part.sym, part.sec), ([], merge_all([])))
        merged = merge_all([partial, partial_from_wire(part.bar)])
        found[part.sym, part.sec] = (sorted([*rows, *((r.t, r.q, r.p, r.s, r.c) for r in part.trades)]), merged)
    return {key: (rows, partial_to_wire(partial)) for key, (rows, partial) in found.items()}
