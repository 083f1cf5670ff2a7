"""What to ask for, and what it costs."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_layer.fetch.bucket import TokenBucket
from batch_layer.fetch.planner import FREE, METHODS, PAID, Plan, Quota, describe, duration, plan_days
from batch_layer.fetch.reference_plan import plan_reference
from shared.bars.sessions import SIMULATED, sessions_named
from shared.errors import PermanentError
from tests.unit.batch_layer.fetch.support import SESSIONS

TWO_YEARS = (date(2023, 1, 1), date(2024, 12, 31))
SESSIONS_OF_TWO_YEARS = 250 + 252  # published: NYSE trading days of 2023 and 2024
FIFTY = [f"S{number:02}" for number in range(50)]


def plan(symbols: list[str] | None, quota: Quota = FREE, span: tuple[date, date] = TWO_YEARS) -> Plan:
    return plan_days(symbols, *span, sessions=SESSIONS, quota=quota)


def test_fifty_symbols_over_two_years_are_fifty_calls_and_nine_minutes_on_the_free_plan() -> None:
    best = plan(FIFTY)
    assert (best.method, best.calls, best.seconds) == ("range", 50, 540)
    (other,) = best.others
    assert (other.method, other.calls) == ("grouped", SESSIONS_OF_TWO_YEARS)
    assert other.seconds == 100 * 60
    assert describe(best) == [
        "Daily bars from 2023-01-03 to 2024-12-31: one call a symbol.",
        "50 calls, about 2.6 MB, about 9 min at 5 calls a minute.",
        "Rather than one call a session for the whole market: 502 calls, about 579.8 MB, "
        "about 1 h 40 min at 5 calls a minute.",
    ]


def test_reference_data_is_counted_beside_the_bars() -> None:
    best = plan(["A", "B"])
    whole = best.also(plan_reference(["A", "B"], *TWO_YEARS))
    assert whole.calls == 2 + 6
    assert describe(whole) == [*describe(best), "6 calls for splits, dividends and tickers; about 1 min in all."]
    rest = whole.without({unit.id for unit in best.units})
    assert describe(rest) == ["6 calls for splits, dividends and tickers; about 1 min in all."]


def test_fifty_symbols_over_a_week_are_a_call_a_session() -> None:
    best = plan(FIFTY, span=(date(2024, 7, 1), date(2024, 7, 7)))
    assert best.method == "grouped"
    assert [unit.id for unit in best.units] == [f"grouped/*/2024-07-0{day}" for day in (1, 2, 3, 5)]


def test_the_whole_market_is_a_call_a_session_or_a_flat_file_where_the_plan_has_them() -> None:
    assert (plan(None).method, plan(None).calls) == ("grouped", SESSIONS_OF_TWO_YEARS)
    assert (plan(None, PAID).method, plan(None, PAID).calls) == ("flat", SESSIONS_OF_TWO_YEARS)


def test_only_what_is_allowed_is_planned_and_nothing_allowed_is_an_error() -> None:
    chosen = plan_days(FIFTY, *TWO_YEARS, sessions=SESSIONS, quota=PAID, methods=["grouped"])
    assert (chosen.method, chosen.others) == ("grouped", ())
    with pytest.raises(PermanentError, match="flat"):
        plan_days(FIFTY, *TWO_YEARS, sessions=SESSIONS, quota=FREE, methods=["flat"])
    with pytest.raises(PermanentError, match="range"):
        plan_days(None, *TWO_YEARS, sessions=SESSIONS, quota=FREE, methods=["range"])


def test_a_span_without_sessions_is_nothing_to_fetch() -> None:
    for symbols in (FIFTY, None):
        best = plan(symbols, span=(date(2024, 7, 6), date(2024, 7, 7)))
        assert (best.units, best.calls, describe(best)) == ((), 0, ["Nothing to fetch."])


def test_a_symbol_named_twice_is_asked_for_once() -> None:
    assert [unit.id for unit in plan(["B", "A", "B"]).units] == [
        "range/A/2023-01-03..2024-12-31",
        "range/B/2023-01-03..2024-12-31",
    ]


def test_what_is_done_is_left_out_of_the_rest() -> None:
    best = plan(["A", "B"])
    rest = best.without({best.units[0].id})
    assert [unit.sym for unit in rest.units] == ["B"]
    assert rest.calls == 1


@given(st.integers(1, 300), st.integers(1, 60), st.integers(1, 50))
def test_the_time_is_what_the_bucket_makes_of_calls_that_take_none_or_the_calls_own(
    days: int, calls_a_minute: int, symbols: int
) -> None:
    quota = Quota(calls_a_minute, flat_files=False)
    first = date(2024, 1, 1)
    sessions = sessions_named(SIMULATED)
    names = [f"S{number}" for number in range(symbols)]
    best = plan_days(names, first, first + timedelta(days=days - 1), sessions=sessions, quota=quota)
    bucket, now = TokenBucket(calls_a_minute), 0.0
    for _ in range(best.calls):
        now = bucket.take(now)
    assert best.seconds == max(now, best.calls / 2)


@given(
    st.dates(date(2020, 1, 1), date(2024, 12, 31)),
    st.integers(0, 400),
    st.none() | st.sets(st.sampled_from(FIFTY), min_size=1).map(sorted),
    st.sampled_from([FREE, PAID]),
)
def test_the_chosen_way_is_never_slower_than_another(
    first: date, days: int, symbols: list[str] | None, quota: Quota
) -> None:
    span = (first, first + timedelta(days=days))
    best = plan(symbols, quota, span)
    usable = [one for one in METHODS if (one != "flat" or quota.flat_files) and (one != "range" or symbols)]
    singles = [plan_days(symbols, *span, sessions=SESSIONS, quota=quota, methods=[one]) for one in usable]
    assert best.seconds == min(single.seconds for single in singles)
    assert {best.method, *(other.method for other in best.others)} == {single.method for single in singles}


@given(st.dates(date(2000, 1, 1), date(2024, 12, 31)), st.integers(0, 60))
def test_the_days_of_a_plan_are_the_weekdays_less_the_holidays(first: date, days: int) -> None:
    last = first + timedelta(days=days)
    planned = {unit.start for unit in plan(None, span=(first, last)).units}
    every = {first + timedelta(days=number) for number in range(days + 1)}
    assert planned == {day for day in every if SESSIONS.day(day)}
    assert all(day is not None and day.weekday() < 5 for day in planned)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.5, "1 min"),
        (61, "1 min 1 s"),
        (3_600, "1 h"),
        (3_660, "1 h 1 min"),
        (1e5, "27 h 46 min"),
    ],
)
def test_durations_are_read_in_their_two_largest_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text
