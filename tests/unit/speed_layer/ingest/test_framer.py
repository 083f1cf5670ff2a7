"""Frames: every accepted trade in exactly one part, one part a frame, symbol and second, under the stream's limits."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.bars.algebra import merge_all
from shared.bars.windows import STREAM_TIMEFRAMES
from shared.frames import partial_from_wire
from speed_layer.ingest.framer import FRAME_TRADES, Framer
from speed_layer.ingest.lanes import lane_of
from tests.effort import examples
from tests.unit.speed_layer.feed import LANES, S0, T0, Rig, trade

MIB = 2**20


@pytest.mark.fault("F69")
@settings(max_examples=examples(60), deadline=None)
@given(
    st.lists(
        st.one_of(st.tuples(st.integers(0, 5_000), st.sampled_from(["SPY", "BAC", "AIG"])), st.just(None)), max_size=80
    )
)
def test_every_trade_is_in_one_part_and_every_part_is_the_only_one_of_its_frame_symbol_and_second(
    feed: list[tuple[int, str] | None],
) -> None:
    rig = Rig(T0 + 5_000)
    for n, step in enumerate(feed):
        if step is None:
            rig.framer.flush()
        else:
            rig.take(trade(n, T0 + step[0], sym=step[1]))
    ids = Counter((part.f, part.sym, part.sec) for part in rig.parts())
    assert set(ids.values()) <= {1}
    assert all(row.t // 1_000 == part.sec for part in rig.parts() for row in part.trades)
    assert sorted(rig.trades()) == sorted((step[1], T0 + step[0], str(n)) for n, step in enumerate(feed) if step)
    for lane, parts in rig.frames():
        assert all(lane_of(part.sym, LANES) == lane and part.f.split("-")[1] == str(lane) for part in parts)


def test_the_engine_gets_exactly_what_the_frames_say() -> None:
    rig = Rig(promise=S0 + 60)
    rig.take(*(trade(n, T0 + n * 40, sym=("SPY", "BAC")[n % 2]) for n in range(200)))
    framed = [(part.sym, part.sec, part.late, part.bar and partial_from_wire(part.bar)) for part in rig.parts()]
    assert rig.counted == framed


@pytest.mark.parametrize("trades", [1_999, 2_000, 2_001, 4_000, 7_001])
def test_a_busy_second_goes_on_in_the_next_frame(trades: int) -> None:
    rig = Rig()
    rig.take(*(trade(n) for n in range(trades)))
    sizes = [sum(len(part.trades) for part in parts) for _, parts in rig.frames()]
    assert sum(sizes) == trades
    assert all(size <= FRAME_TRADES for size in sizes)
    assert len(sizes) <= trades // 1_000 + 1
    assert [row.i for part in rig.parts() for row in part.trades] == [str(n) for n in range(trades)], "in their order"
    assert merge_all(partial for *_, partial in rig.counted).count == trades
    assert len({part.f for part in rig.parts()}) == len(sizes)


def test_a_part_goes_on_under_a_new_frame_after_its_frame_was_sent() -> None:
    rig = Rig()
    rig.take(trade(1))
    rig.framer.flush()
    rig.take(trade(2))
    assert [[row.i for row in part.trades] for part in rig.parts()] == [["1"], ["2"]]


@pytest.mark.fault("F25")
def test_no_record_is_too_large_for_the_stream_whatever_the_trades_carry() -> None:
    rig = Rig()
    absurd = {"i": "\x01" * 60, "c": [10**17] * 60, "p": 123_456_789.123456, "ds": "999999999.123456"}
    rig.take(*(trade(n, T0 + n * 1_000, **absurd | {"i": f"{n:04d}" + absurd["i"]}) for n in range(3_000)))  # type: ignore[operator]  # its id is text
    rig.take(*(trade(n, T0 + 3_000_000, **absurd | {"i": f"{n:04d}" + absurd["i"]}) for n in range(3_000, 6_000)))  # type: ignore[operator]  # its id is text
    frames = rig.frames()
    assert max(len(data) for _, data, _ in rig.sent) < MIB
    assert len(rig.trades()) == 6_000
    assert sum(count for _, _, count in rig.sent) == 6_000
    assert merge_all(partial for *_, partial in rig.counted).count == 6_000
    ids = Counter((part.f, part.sym, part.sec) for _, parts in frames for part in parts)
    assert set(ids.values()) == {1}


def test_no_record_of_refused_input_is_too_large_for_the_stream() -> None:
    rig = Rig()
    rig.take(*(trade(n, p=-1, i="x" * 64) for n in range(3_000)))
    for _ in range(500):
        rig.intake.take(b"\xff" * 10_000)
    assert len(rig.refused()) == 3_500
    assert max(len(data) for _, data, _ in rig.sent) < MIB
    assert rig.refused()[-1] == ("frame", b"\xff" * 4_096)
    assert [entry.size for _, parts in rig.frames() for part in parts for entry in part.quarantine][-1] == 10_000


def test_refused_input_vouches_for_no_promise_that_was_not_told() -> None:
    rig = Rig(promise=S0)
    rig.framer.promise = S0 + 100
    rig.take(trade(1, p=-1))
    ((_, (part,)),) = rig.frames()
    assert (part.sym, part.sec) == ("", S0)
    rig.framer.heartbeat()
    rig.take(trade(2, p=-1))
    assert rig.frames()[-1][1][0].sec == S0 + 100


@pytest.mark.fault("F16")
def test_late_counts_the_timeframes_that_the_promise_had_closed_when_the_part_was_framed() -> None:
    ten = S0 + 1_800  # a full hour: from there every timeframe ends apart
    for rank, width in enumerate(STREAM_TIMEFRAMES.values(), start=1):
        for promise, late in ((ten + width - 1, rank - 1), (ten + width, rank)):
            rig = Rig(ten * 1000, promise=promise)
            rig.take(trade(1, T0 + 1_800_000))
            assert [part.late for part in rig.parts()] == [late], (width, promise)
    rig = Rig(T0, promise=S0 + 59)
    rig.take(trade(1))
    rig.framer.promise = S0 + 60
    assert next(rig.parts()).late == 1, "the promise counts at framing, not at arrival"


@pytest.mark.fault("F19")
def test_a_heartbeat_goes_to_every_lane() -> None:
    rig = Rig(promise=S0)
    rig.framer.heartbeat()
    assert [(lane, parts[0].sym, parts[0].sec) for lane, parts in rig.frames()] == [(n, "", S0) for n in range(LANES)]


def test_frame_ids_of_a_lane_rise_and_never_repeat() -> None:
    rig = Rig()
    for n in range(20):
        rig.take(trade(n, sym=("SPY", "BAC")[n % 2]), trade(n, p=-1))
        rig.framer.heartbeat()
        rig.framer.flush()
    last = dict.fromkeys(range(LANES), 0)
    for lane, parts in rig.frames():
        (f,) = {part.f for part in parts}
        assert int(f.split("-")[2]) > last[lane]
        last[lane] = int(f.split("-")[2])


def test_full_frames_do_not_wait_for_the_clock() -> None:
    sent: list[int] = []
    framer = Framer(1, 1, lambda lane, data, trades: sent.append(trades), lambda *part: None)
    rig = Rig()
    rig.intake._framer = framer
    rig.take(*(trade(n) for n in range(2_000)))
    assert sent == [2_000]


def test_a_lane_is_the_same_in_every_process_and_all_are_used() -> None:
    assert [lane_of(sym, 4) for sym in ("SPY", "BAC", "AIG", "BRK.A")] == [3, 2, 3, 2]
    assert {lane_of(f"S{n}", 16) for n in range(500)} == set(range(16))
