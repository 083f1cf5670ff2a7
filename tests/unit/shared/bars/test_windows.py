"""Windows tile time: start included, end excluded, each instant in exactly one."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bars.windows import (
    NEW_YORK,
    STREAM_TIMEFRAMES,
    UNIT_MS,
    end_of_new_york_day_ms,
    late_rank,
    new_york_date,
    new_york_midnight_ms,
    snap_range,
)

HOUR_S = 3_600
seconds = st.integers(0, 4 * 10**9)
millis = st.integers(10**12, 4 * 10**12)
multipliers = st.integers(1, 10_000)
units = st.sampled_from(sorted(UNIT_MS))
near = st.integers(-2 * HOUR_S, 2 * HOUR_S)


def test_the_stream_timeframes_stand_in_rank_order() -> None:
    assert STREAM_TIMEFRAMES == {"1m": 60, "5m": 5 * 60, "15m": 15 * 60, "30m": 30 * 60, "1h": HOUR_S}
    assert list(STREAM_TIMEFRAMES.values()) == sorted(STREAM_TIMEFRAMES.values())


@given(seconds, near)
def test_the_late_rank_is_the_number_of_windows_that_have_closed(sec: int, ahead: int) -> None:
    promise = sec + ahead
    ends = [(sec // width + 1) * width for width in STREAM_TIMEFRAMES.values()]
    assert late_rank(sec, promise) == sum(promise >= end for end in ends)


@given(seconds, near, st.integers(0, HOUR_S))
def test_the_late_rank_never_falls_as_the_promise_grows(sec: int, ahead: int, more: int) -> None:
    assert late_rank(sec, sec + ahead) <= late_rank(sec, sec + ahead + more)


@given(seconds, near, st.integers(0, HOUR_S))
def test_an_older_second_is_never_less_late(sec: int, ahead: int, older: int) -> None:
    assert late_rank(sec, sec + ahead) <= late_rank(sec - older, sec + ahead)


@given(st.integers(0, 10**6), st.sampled_from(list(STREAM_TIMEFRAMES.items())))
def test_a_window_closes_when_the_promise_reaches_its_end_and_not_before(
    number: int, timeframe: tuple[str, int]
) -> None:
    rank = list(STREAM_TIMEFRAMES).index(timeframe[0]) + 1
    start, end = number * timeframe[1], (number + 1) * timeframe[1]
    for sec in (start, end - 1):
        assert late_rank(sec, end) >= rank
        assert late_rank(sec, end - 1) < rank
    assert late_rank(end, end) == 0, "the end belongs to the next window"


@given(millis, st.sampled_from(list(STREAM_TIMEFRAMES.values())))
def test_stream_windows_start_on_round_times_of_the_new_york_clock(t: int, width: int) -> None:
    start = datetime.fromtimestamp((t // 1000 - t // 1000 % width), NEW_YORK)
    assert (start.minute * 60 + start.second) % width == 0


@given(millis, st.integers(0, 10**9), multipliers, units)
def test_a_snapped_range_holds_what_was_asked_in_whole_windows(
    from_ms: int, length: int, multiplier: int, timespan: str
) -> None:
    unit, width, to_ms = UNIT_MS[timespan], multiplier * UNIT_MS[timespan], from_ms + length
    start, end = snap_range(from_ms, to_ms, multiplier, timespan)
    assert (end - start) % width == 0
    assert start % unit == 0
    assert start <= from_ms < start + unit, "`from` moves back to the start of its unit, no further"
    assert end - width <= to_ms < end, "the last asked instant lies in the last window"


@given(millis, st.integers(0, 300), multipliers, units)
def test_an_end_at_the_start_of_a_window_brings_that_window_for_it_is_included(
    from_ms: int, windows: int, multiplier: int, timespan: str
) -> None:
    width = multiplier * UNIT_MS[timespan]
    start, _ = snap_range(from_ms, from_ms, multiplier, timespan)
    assert snap_range(start, start + windows * width, multiplier, timespan) == (start, start + (windows + 1) * width)


@given(millis, st.integers(0, 10**9), multipliers, units)
def test_a_snapped_range_does_not_change_when_snapped_again(
    from_ms: int, length: int, multiplier: int, timespan: str
) -> None:
    start, end = snap_range(from_ms, from_ms + length, multiplier, timespan)
    assert snap_range(start, end - 1, multiplier, timespan) == (start, end)


@given(millis, st.integers(1, 300), st.integers(1, 300), multipliers, units)
def test_ranges_cut_at_a_window_tile_the_whole_range(
    from_ms: int, first: int, second: int, multiplier: int, timespan: str
) -> None:
    width = multiplier * UNIT_MS[timespan]
    start, _ = snap_range(from_ms, from_ms, multiplier, timespan)
    cut, last = start + first * width, start + (first + second) * width - 1
    assert snap_range(from_ms, cut - 1, multiplier, timespan) == (start, cut)
    assert snap_range(cut, last, multiplier, timespan) == (cut, last + 1)
    assert snap_range(from_ms, last, multiplier, timespan) == (start, last + 1)


@given(millis, multipliers, units, st.integers(0, 10**6))
def test_each_instant_of_a_range_falls_in_exactly_one_window(
    from_ms: int, multiplier: int, timespan: str, offset: int
) -> None:
    width = multiplier * UNIT_MS[timespan]
    start, end = snap_range(from_ms, from_ms + 5 * width, multiplier, timespan)
    t = start + offset % (end - start)
    assert sum(window <= t < window + width for window in range(start, end, width)) == 1


@pytest.mark.parametrize("timespan", ["second", "day", "Minute", ""])
def test_a_timespan_without_a_fixed_length_is_not_snapped(timespan: str) -> None:
    with pytest.raises(KeyError):
        snap_range(0, 0, 1, timespan)


@given(st.dates(date(1996, 1, 1), date(2035, 12, 31)))
def test_a_new_york_day_runs_from_midnight_to_midnight(day: date) -> None:
    start, end = new_york_midnight_ms(day), new_york_midnight_ms(day + timedelta(days=1))
    assert [new_york_date(t) for t in (start - 1, start, end - 1, end)] == [
        day - timedelta(days=1),
        day,
        day,
        day + timedelta(days=1),
    ]
    assert {end_of_new_york_day_ms(t) for t in (start, (start + end) // 2, end - 1)} == {end}


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 8), 23), (date(2026, 11, 1), 25), (date(2026, 7, 1), 24), (date(2027, 3, 14), 23)]
)
def test_a_day_of_a_clock_change_has_23_or_25_hours(day: date, hours: int) -> None:
    start = new_york_midnight_ms(day)
    assert (end_of_new_york_day_ms(start) - start) / 3_600_000 == hours


@pytest.mark.parametrize(
    ("utc", "expected"),
    [
        (datetime(2026, 7, 1, 3, 59, 59, tzinfo=UTC), date(2026, 6, 30)),
        (datetime(2026, 7, 1, 4, tzinfo=UTC), date(2026, 7, 1)),
        (datetime(2026, 12, 1, 4, 59, 59, tzinfo=UTC), date(2026, 11, 30)),
        (datetime(2026, 12, 1, 5, tzinfo=UTC), date(2026, 12, 1)),
    ],
)
def test_the_trade_date_changes_at_four_utc_in_summer_and_at_five_in_winter(utc: datetime, expected: date) -> None:
    assert new_york_date(int(utc.timestamp()) * 1000) == expected
