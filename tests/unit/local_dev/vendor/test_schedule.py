"""When lines are due."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from local_dev.vendor.lines import NO_TIME
from local_dev.vendor.schedule import AHEAD_MS, due_times, new_york_days


def due(*times_ms: int) -> list[int]:
    return [int(time) for time in due_times(np.array(times_ms, np.int64))]


def test_lines_in_order_are_due_at_their_own_time() -> None:
    assert due(1, 5, 5, 9_000, 9_001) == [1, 5, 5, 9_000, 9_001]


def test_a_line_out_of_order_and_an_old_duplicate_are_due_with_the_line_before() -> None:
    assert due(10_000, 12_000, 11_000, 12_500) == [10_000, 12_000, 12_000, 12_500]
    assert due(1_000, 1_201_000, 1_000, 1_202_000) == [1_000, 1_201_000, 1_201_000, 1_202_000]


def test_a_lone_trade_far_ahead_is_sent_in_its_place_and_holds_up_nobody() -> None:
    assert due(100, 200, 10_300, 400, 500, 600) == [100, 200, 200, 400, 500, 600]
    assert due(9 * 10**12, 100, 200) == [100, 100, 200]


def test_a_jump_that_later_lines_confirm_is_kept_whatever_duplicates_follow() -> None:
    assert due(100, 200, 60_000, 100, 200, 60_100) == [100, 200, 60_000, 60_000, 60_000, 60_100]
    assert due(100, 200, 60_000, 100, 200) == [100, 200, 60_000, 60_000, 60_000]


def test_a_line_without_time_is_due_with_the_line_before_or_with_the_first() -> None:
    assert due(NO_TIME, NO_TIME, 7, NO_TIME, 9) == [7, 7, 7, 7, 9]
    assert due(NO_TIME, NO_TIME) == [NO_TIME, NO_TIME]
    assert due() == []


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.integers(0, 50_000) | st.just(NO_TIME)))
def test_due_times_never_fall_and_lie_within_the_times_of_the_file(times_ms: list[int]) -> None:
    result = due(*times_ms)
    assert all(left <= right for left, right in pairwise(result))
    assert set(result) <= set(times_ms)


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.integers(0, 10**6), min_size=1).map(sorted), st.randoms(use_true_random=False))
def test_disorder_within_two_seconds_only_ever_delays(times_ms: list[int], random: st.DataObject) -> None:
    shuffled = sorted(times_ms, key=lambda time: time + random.random() * AHEAD_MS)  # type: ignore[attr-defined]  # a random.Random
    result = due(*shuffled)
    assert result == np.maximum.accumulate(shuffled).tolist()


def test_new_york_days_follow_daylight_saving() -> None:
    midnight_summer, midnight_winter = 1_381_204_800_000, 1_386_046_800_000  # 04:00Z on 10-08, 05:00Z on 12-03, 2013
    days = new_york_days(np.array([midnight_summer - 1, midnight_summer, midnight_winter - 1, midnight_winter]))
    assert np.diff(days).tolist() == [1, 55, 1]
