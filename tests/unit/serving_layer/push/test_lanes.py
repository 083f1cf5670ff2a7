"""Frames count once, whatever the stream repeats."""

from hypothesis import given
from hypothesis import strategies as st

from serving_layer.push.lanes import EPOCHS, FrameName, Lanes, name_of


def new_ones(lanes: Lanes, *frames: str) -> list[bool]:
    return [lanes.is_new(name_of(f)) for f in frames]


def test_a_frame_that_the_stream_holds_twice_is_new_once() -> None:
    assert new_ones(Lanes(), "1-0-1", "1-0-1", "1-0-2", "1-0-1", "1-0-2") == [True, False, True, False, False]


def test_lanes_count_for_themselves() -> None:
    assert new_ones(Lanes(), "1-0-7", "1-1-3", "1-0-7") == [True, True, False]


def test_a_new_ingester_begins_to_count_again_and_its_predecessors_frames_are_still_known() -> None:
    assert new_ones(Lanes(), "1-0-900", "2-0-1", "1-0-900", "1-0-901") == [True, True, False, True]


def test_what_an_ingester_of_long_ago_sent_is_not_taken_any_more() -> None:
    lanes = Lanes()
    assert all(new_ones(lanes, *(f"{epoch}-0-1" for epoch in range(1, EPOCHS + 2))))
    assert new_ones(lanes, "1-0-2") == [False]


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2)), max_size=60), st.data())
def test_whatever_is_repeated_every_frame_is_new_exactly_once(sent: list[tuple[int, int]], data: st.DataObject) -> None:
    """Each lane's frames in order, any of them again later, as a publisher may send it."""
    counters: dict[tuple[int, int], int] = {}
    delivered: list[str] = []
    for epoch, lane in sorted(sent):
        counters[epoch, lane] = counters.get((epoch, lane), 0) + 1
        delivered.append(f"{epoch}-{lane}-{counters[epoch, lane]}")
        delivered += data.draw(st.lists(st.sampled_from(delivered), max_size=2))
    lanes = Lanes()
    taken = [f for f in delivered if lanes.is_new(name_of(f))]
    assert taken == list(dict.fromkeys(delivered))


def test_a_frame_knows_its_lane_and_whether_it_is_the_very_first() -> None:
    assert name_of("12-7-3") == FrameName(epoch=12, lane=7, counter=3)
    assert [name_of(f).is_first_ever for f in ("1-5-1", "1-0-2", "2-0-1")] == [True, False, False]
