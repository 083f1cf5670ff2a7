"""Frames count once, whatever the stream repeats."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving_layer.push.lanes import EPOCHS, Lanes, is_first_ever, lane_of
from shared.errors import InvalidRecord
from shared.frames import Part
from tests.unit.serving_layer.push.support import heartbeat, part, row


def ids(parts: list[Part]) -> list[str]:
    return [part.f for part in parts]


def test_a_record_that_the_stream_holds_twice_counts_once() -> None:
    lanes, frame = Lanes(), [part("1-0-1", [row(1)]), part("1-0-1", [row(1)], sym="QQQ")]
    assert len(lanes.fresh(frame)) == 2
    assert lanes.fresh(frame) == []


def test_lanes_count_for_themselves() -> None:
    lanes = Lanes()
    assert ids(lanes.fresh([part("1-0-7", [row(1)])])) == ["1-0-7"]
    assert ids(lanes.fresh([part("1-1-3", [row(1)])])) == ["1-1-3"]
    assert lanes.fresh([part("1-0-7", [row(1)])]) == []


def test_a_new_ingester_begins_to_count_again_and_its_predecessors_frames_are_still_known() -> None:
    lanes = Lanes()
    lanes.fresh([part("1-0-900", [row(1)])])
    assert ids(lanes.fresh([part("2-0-1", [row(2)])])) == ["2-0-1"]
    assert lanes.fresh([part("1-0-900", [row(1)])]) == []
    assert ids(lanes.fresh([part("1-0-901", [row(3)])])) == ["1-0-901"]


def test_what_an_ingester_of_long_ago_sent_is_not_taken_any_more() -> None:
    lanes = Lanes()
    for epoch in range(1, EPOCHS + 2):
        lanes.fresh([heartbeat(f"{epoch}-0-1", 10)])
    assert lanes.fresh([part("1-0-2", [row(1)])]) == []


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2)), max_size=60), st.data())
def test_whatever_is_repeated_every_frame_counts_exactly_once(sent: list[tuple[int, int]], data: st.DataObject) -> None:
    """Each lane's frames in order, any record again right behind itself or later, as a publisher may send it."""
    counters: dict[tuple[int, int], int] = {}
    frames: list[str] = []
    for epoch, lane in sorted(sent):
        counters[epoch, lane] = counters.get((epoch, lane), 0) + 1
        frames.append(f"{epoch}-{lane}-{counters[epoch, lane]}")
    delivered: list[str] = []
    for frame in frames:
        delivered.append(frame)
        delivered += data.draw(st.lists(st.sampled_from(delivered), max_size=2))
    lanes = Lanes()
    taken = [f for frame in delivered for f in ids(lanes.fresh([part(frame, [row(1)])]))]
    assert taken == frames


def test_a_frame_that_holds_a_part_twice_is_refused() -> None:
    with pytest.raises(InvalidRecord, match="once"):
        Lanes().fresh([part("1-0-1", [row(1)]), part("1-0-1", [row(2)])])


def test_a_part_knows_its_lane_and_whether_it_is_the_very_first() -> None:
    assert lane_of(part("12-7-3", [row(1)])) == 7
    assert [is_first_ever(part(f, [row(1)])) for f in ("1-5-1", "1-0-2", "2-0-1")] == [True, False, False]
