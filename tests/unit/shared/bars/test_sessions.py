"""The session table is the exchange's calendar, and its edges are right on half days and clock changes."""

import json
import warnings
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bars.sessions import SessionDay, SessionTable, new_york_sessions, sessions_named
from shared.bars.windows import NEW_YORK
from shared.errors import PermanentError
from tests.tools.freeze_sessions import FIRST, LAST, TABLE, sessions

SATURDAY = date(2026, 11, 28)
HOUR_MS = 3_600_000
SPRING_FORWARD, FALL_BACK = date(2026, 3, 8), date(2026, 11, 1)
"""Sundays: the clock changes on no trade date, but the days beside them are not 24 hours apart."""


@pytest.fixture(scope="module")
def table() -> SessionTable:
    return new_york_sessions()


def session(table: SessionTable, day: date) -> SessionDay:
    found = table.day(day)
    assert found is not None, f"{day} is a session"
    return found


def ms(day: date, at: time, utc_offset_hours: int) -> int:
    """Unix ms of a wall time with its offset written out: no time zone data is asked."""
    return int(datetime.combine(day, at, UTC).timestamp()) * 1000 - utc_offset_hours * HOUR_MS


def judge_reach(days_left: int) -> None:
    """The rule of the build: fail under 60 days, warn under 400."""
    if days_left < 60:
        pytest.fail(f"the session table ends in {days_left} days: run python -m tests.tools.freeze_sessions")
    if days_left < 400:
        warnings.warn(f"the session table ends in {days_left} days", stacklevel=2)


def test_the_frozen_table_is_what_the_calendar_generates() -> None:
    frozen, generated = json.loads(TABLE.read_text()), sessions()
    assert {**frozen, "source": ""} == {**generated, "source": ""}


def test_every_day_opens_and_closes_when_the_exchange_calendar_says(table: SessionTable) -> None:
    import exchange_calendars  # noqa: PLC0415 -- pandas comes with it, for this test alone

    calendar = exchange_calendars.get_calendar("XNYS", start=FIRST, end=LAST)
    expected = {
        day.date(): (int(opens.timestamp()) * 1000, int(closes.timestamp()) * 1000)
        for day, opens, closes in calendar.schedule[["open", "close"]].itertuples()
    }
    days = (table.first + timedelta(days=number) for number in range((table.last - table.first).days + 1))
    found = {day: table.day(day) for day in days}
    assert {day: (s.regular_open, s.regular_close) for day, s in found.items() if s is not None} == expected


@pytest.mark.parametrize("day", [date(2013, 11, 29), date(2026, 11, 27), date(2026, 12, 24), date(2027, 11, 26)])
def test_a_half_day_closes_at_one(table: SessionTable, day: date) -> None:
    half = session(table, day)
    one = ms(day, time(13), -5)
    assert half.regular_close == one
    assert half.is_regular(one - 1)
    assert not half.is_regular(one)


@pytest.mark.parametrize(
    "day",
    [date(2026, 11, 26), date(2026, 12, 25), date(2027, 1, 1), date(2027, 3, 26), date(2012, 10, 29), SATURDAY],
)
def test_holidays_closures_and_weekends_are_no_sessions(table: SessionTable, day: date) -> None:
    assert table.day(day) is None
    assert table.day_of(ms(day, time(12), -5)) is None


def test_the_table_has_no_answer_beyond_its_ends(table: SessionTable) -> None:
    assert session(table, table.first)
    assert table.day(table.first - timedelta(days=1)) is None
    assert table.day(table.last + timedelta(days=3)) is None, "a weekday"
    assert (table.last + timedelta(days=3)).weekday() < 5


@pytest.mark.parametrize(
    ("day", "offset"),
    [
        (SPRING_FORWARD - timedelta(days=2), -5),
        (SPRING_FORWARD + timedelta(days=1), -4),
        (FALL_BACK - timedelta(days=2), -4),
        (FALL_BACK + timedelta(days=1), -5),
    ],
)
def test_a_session_beside_a_clock_change_follows_the_new_york_clock(
    table: SessionTable, day: date, offset: int
) -> None:
    assert session(table, day) == SessionDay(
        date=day,
        start=ms(day, time(0), offset),
        regular_open=ms(day, time(9, 30), offset),
        regular_close=ms(day, time(16), offset),
        end=ms(day, time(0), offset) + 24 * HOUR_MS,
    )


@pytest.mark.parametrize(("sunday", "hours"), [(SPRING_FORWARD, 23), (FALL_BACK, 25)])
def test_the_weekend_of_a_clock_change_is_an_hour_shorter_or_longer(
    table: SessionTable, sunday: date, hours: int
) -> None:
    friday, monday = session(table, sunday - timedelta(days=2)), session(table, sunday + timedelta(days=1))
    assert monday.start - friday.end == (24 + hours) * HOUR_MS


def test_midnight_belongs_to_the_day_it_starts(table: SessionTable) -> None:
    tuesday, wednesday = session(table, date(2026, 11, 3)), session(table, date(2026, 11, 4))
    assert tuesday.end == wednesday.start
    assert table.day_of(wednesday.start) == wednesday
    assert table.day_of(wednesday.start - 1) == tuesday


@given(st.integers(0, 20 * 365 * 24 * 60))
def test_an_instant_lies_in_the_session_of_its_new_york_date(minute: int) -> None:
    t = ms(date(2006, 1, 1), time(0), 0) + minute * 60_000
    found = new_york_sessions().day_of(t)
    local = datetime.fromtimestamp(t / 1000, NEW_YORK)
    if found is None:
        assert new_york_sessions().day(local.date()) is None
    else:
        assert found.date == local.date()
        assert found.start <= t < found.end
        assert found.start < found.regular_open < found.regular_close < found.end
        assert found.is_regular(t) == (found.regular_open <= t < found.regular_close)


def test_the_regular_session_includes_its_start_and_excludes_its_end(table: SessionTable) -> None:
    day = session(table, date(2013, 10, 8))
    assert [day.is_regular(t) for t in (day.regular_open - 1, day.regular_open)] == [False, True]
    assert [day.is_regular(t) for t in (day.regular_close - 1, day.regular_close)] == [True, False]


def test_the_table_reaches_far_enough_ahead_of_today(table: SessionTable) -> None:
    judge_reach(table.days_left(datetime.now(NEW_YORK).date()))


def test_days_left_are_counted_to_the_last_day(table: SessionTable) -> None:
    assert table.days_left(table.last) == 0
    assert table.days_left(table.last - timedelta(days=400)) == 400
    assert table.days_left(table.last + timedelta(days=1)) == -1


def test_a_table_that_ends_within_400_days_warns_and_within_60_fails() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        judge_reach(400)
    for days in (399, 60):
        with pytest.warns(UserWarning, match=f"ends in {days} days"):
            judge_reach(days)
    for days in (59, -1):
        with pytest.raises(pytest.fail.Exception, match="freeze_sessions"):
            judge_reach(days)


def test_the_simulated_market_is_open_every_minute_of_every_date() -> None:
    market = sessions_named("SIMULATED")
    for day in (SATURDAY, SPRING_FORWARD, FALL_BACK, date(2026, 12, 25)):
        open_day = session(market, day)
        assert (open_day.regular_open, open_day.regular_close) == (open_day.start, open_day.end)
        assert session(market, day + timedelta(days=1)).start == open_day.end


def test_a_session_table_that_nobody_knows_is_refused() -> None:
    assert sessions_named("XNYS") is new_york_sessions()
    with pytest.raises(PermanentError, match="SESSIONS must be one of"):
        sessions_named("XLON")


@pytest.mark.parametrize("name", ["XNYS", "SIMULATED"])
def test_a_date_trades_when_it_has_a_session(name: str) -> None:
    table = sessions_named(name)
    for days in (*range(-3, 800), (table.last - table.first).days, (table.last - table.first).days + 1):
        day = table.first + timedelta(days=days)
        assert table.trades_on(day) == (table.day(day) is not None)
