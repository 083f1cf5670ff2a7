"""Feed time at a speed."""

import numpy as np
import pytest

from local_dev.vendor.timeline import Timeline
from tests.unit.local_dev.vendor.support import DAY_MS, OPEN_MS

HOUR_MS = 3_600_000
DUE = np.array([OPEN_MS, OPEN_MS + 1_000, OPEN_MS + 2 * HOUR_MS, OPEN_MS + DAY_MS, OPEN_MS + DAY_MS + 500], np.int64)
DAY_ONE_S = 7_200.0


def test_lines_are_due_at_the_speed_of_the_clock() -> None:
    timeline = Timeline(DUE, speed=10)
    assert [timeline.position_at(elapsed) for elapsed in (0, 0.0999, 0.1, 719.9, 720)] == [1, 1, 2, 2, 4]
    assert timeline.clock_ms_at(0.05) == OPEN_MS + 500


def test_the_time_between_two_trade_dates_is_left_out_and_a_quiet_time_within_one_is_not() -> None:
    timeline = Timeline(DUE, speed=1)
    assert timeline.clock_ms_at(DAY_ONE_S - 1) == OPEN_MS + 2 * HOUR_MS - 1_000
    assert timeline.position_at(DAY_ONE_S - 1) == 2
    assert timeline.clock_ms_at(DAY_ONE_S + 0.1) == OPEN_MS + DAY_MS + 100
    assert timeline.position_at(DAY_ONE_S + 0.1) == 4
    assert timeline.position_at(DAY_ONE_S + 0.5) == 5


def test_a_night_shorter_than_an_hour_is_not_left_out() -> None:
    midnight_ms = 1_381_204_800_000
    due = np.array([midnight_ms - 1_000, midnight_ms + 1_000], np.int64)
    assert Timeline(due, speed=1).position_at(1.9) == 1


def test_the_clock_stands_still_after_the_last_line() -> None:
    assert Timeline(DUE, speed=1).clock_ms_at(10**6) == DUE[-1]
    assert Timeline(DUE, speed=1).position_at(10**6) == len(DUE)


@pytest.mark.parametrize(
    ("from_ms", "position", "clock_ms"),
    [
        (OPEN_MS - DAY_MS, 0, OPEN_MS),
        (OPEN_MS + 400, 1, OPEN_MS + 400),
        (OPEN_MS + 1_000, 1, OPEN_MS + 1_000),
        (OPEN_MS + 3 * HOUR_MS, 3, OPEN_MS + DAY_MS),
        (OPEN_MS + DAY_MS + 501, 5, OPEN_MS + DAY_MS + 500),
    ],
    ids=["before the first", "between lines", "at a line", "in the night", "after the last"],
)
def test_the_clock_can_start_anywhere(from_ms: int, position: int, clock_ms: int) -> None:
    timeline = Timeline(DUE, speed=2, from_ms=from_ms)
    assert (timeline.start_position, timeline.clock_ms_at(0)) == (position, clock_ms)
    assert timeline.position_at(0) in {position, position + 1}


def test_seconds_until_a_line_agree_with_the_lines_due_then() -> None:
    timeline = Timeline(DUE, speed=4, from_ms=OPEN_MS + 600)
    for position in range(timeline.start_position, len(DUE)):
        assert timeline.position_at(timeline.seconds_until(position)) > position
    assert timeline.seconds_until(1) == pytest.approx(0.1)
