"""Times of all kinds of files, and those that are none."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_layer.imports.times import day_of, minute_of
from shared.errors import InvalidRecord

NEW_YORK, LONDON = ZoneInfo("America/New_York"), ZoneInfo("Europe/London")
NOON = 1_704_214_800  # 2024-01-02 12:00 in New York


@pytest.mark.parametrize(
    "value",
    [
        "2024-01-02", "20240102", " 2024-01-02 ", "2024-01-02 00:00:00", "2024-01-02T23:59:00",
        "2024-01-02 00:00:00-05:00", "2024-01-03T04:59:59Z", str(NOON), str(NOON * 1000), str(NOON * 10**6),
        str(NOON * 10**9), NOON * 1000, float(NOON), date(2024, 1, 2), datetime(2024, 1, 2),  # noqa: DTZ001 -- a time without zone is the case
        datetime(2024, 1, 3, 4, 59, tzinfo=UTC),
    ],
)  # fmt: skip  # one to a line would hide what they have in common
def test_a_day_is_the_date_that_is_written_or_that_of_the_instant_in_the_zone(value: object) -> None:
    assert day_of(value, NEW_YORK) == date(2024, 1, 2)


@pytest.mark.parametrize(
    ("value", "zone", "instant"),
    [
        ("2024-01-02 09:30", NEW_YORK, "2024-01-02T14:30Z"),
        ("2024-07-02 09:30", NEW_YORK, "2024-07-02T13:30Z"),
        ("2024-07-02 14:30:00", LONDON, "2024-07-02T13:30Z"),
        ("2024-07-02T09:30:00.000-04:00", LONDON, "2024-07-02T13:30Z"),
        ("2024-07-02T13:30:00Z", NEW_YORK, "2024-07-02T13:30Z"),
        (1_719_927_000_000, NEW_YORK, "2024-07-02T13:30Z"),
        (datetime(2024, 7, 2, 13, 30, tzinfo=UTC), LONDON, "2024-07-02T13:30Z"),
    ],
)
def test_a_minute_is_an_instant_whose_zone_is_its_own_or_the_given_one(
    value: object, zone: ZoneInfo, instant: str
) -> None:
    assert minute_of(value, zone) == datetime.fromisoformat(instant).timestamp() * 1000


@pytest.mark.parametrize("unit", [1, 10**3, 10**6, 10**9])
@given(st.integers(10**9 // 60, 4 * 10**9 // 60))
def test_unix_times_are_told_apart_by_their_size(unit: int, minute: int) -> None:
    assert minute_of(str(minute * 60 * unit), NEW_YORK) == minute * 60_000


@pytest.mark.parametrize("local", ["2024-03-10 02:30", "2024-11-03 01:30"])
def test_a_time_that_the_clocks_leave_out_or_show_twice_is_refused(local: str) -> None:
    with pytest.raises(InvalidRecord, match="left out or there twice in America/New_York") as refused:
        minute_of(local, NEW_YORK)
    assert refused.value.reason == "time"


@pytest.mark.parametrize(
    "value",
    [
        "",
        None,
        "01/02/2024",
        "2024-13-01",
        "20241301",
        "12:30",
        "nan",
        "1e9",
        "-5",
        True,
        "1" * 20,
        "2024-01-02x09:30",
        "2024-01-02T25:00",
        [1, 2],
    ],
)
def test_what_is_no_time_is_refused_as_such(value: object) -> None:
    for read in (day_of, minute_of):
        with pytest.raises(InvalidRecord) as refused:
            read(value, NEW_YORK)
        assert refused.value.reason == "time"


def test_a_minute_without_a_time_of_day_or_with_seconds_is_refused() -> None:
    with pytest.raises(InvalidRecord, match="needs a time of day"):
        minute_of("2024-01-02", NEW_YORK)
    for value in ("2024-01-02 09:30:01", "2024-01-02 09:30:00.5", str(NOON + 1)):
        with pytest.raises(InvalidRecord) as refused:
            minute_of(value, NEW_YORK)
        assert refused.value.reason == "minute"
