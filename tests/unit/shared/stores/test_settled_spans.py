"""Where a read is cut: against a plain look at every minute's date."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from shared.bars.sessions import new_york_sessions
from shared.stores.settled_spans import KEPT_S, SettledSpans
from tests.fakes.settled_dates import SettledDates

NEW_YORK = ZoneInfo("America/New_York")
KNOWN = datetime(2014, 1, 1, tzinfo=UTC)
FIRST = date(2011, 12, 1)
HOUR = 3_600_000


def ms(day: date, hours: float = 0) -> int:
    return int((datetime(day.year, day.month, day.day, tzinfo=NEW_YORK)).timestamp() * 1000 + hours * HOUR)


def spans_of(dates: SettledDates) -> SettledSpans:
    return SettledSpans(dates, new_york_sessions(), lambda: 0.0)


settled_days = st.sets(st.integers(0, 60)).map(lambda numbers: {FIRST + timedelta(days=n) for n in numbers})


@given(settled_days, st.integers(0, 60 * 24), st.integers(0, 30 * 24), st.booleans())
def test_spans_tile_the_range_and_each_session_lies_on_its_side(
    settled: set[date], start_h: int, width_h: int, reverse: bool
) -> None:
    """Over the end of a year in which a chunk ends, too."""
    dates = SettledDates()
    for day in settled:
        dates.settle("1m", day, known_at=KNOWN, source="rebuild")
    start, end = ms(FIRST) + start_h * HOUR, ms(FIRST) + (start_h + width_h) * HOUR
    spans = list(spans_of(dates).spans(start, end, reverse=reverse))
    if start == end:
        assert spans == []
        return
    ordered = spans[::-1] if reverse else spans
    assert (ordered[0].start, ordered[-1].end) == (start, end)
    assert all(one.end == other.start for one, other in pairwise(ordered))
    assert all(span.start < span.end for span in ordered)
    sessions = new_york_sessions()
    for t in range(start, end, HOUR):
        day = datetime.fromtimestamp(t / 1000, NEW_YORK).date()
        (inside,) = [span for span in spans if span.start <= t < span.end]
        if day in settled:
            assert inside.is_settled
        elif sessions.day(day):
            assert not inside.is_settled


def test_a_weekend_between_settled_days_cuts_nothing() -> None:
    dates = SettledDates()
    week = [date(2013, 10, 4), date(2013, 10, 7), date(2013, 10, 8)]  # a Friday, Monday, Tuesday
    for day in week:
        dates.settle("1m", day, known_at=KNOWN, source="rebuild")
    spans = list(spans_of(dates).spans(ms(date(2013, 10, 3)), ms(date(2013, 10, 10))))
    assert [(span.start, span.end, span.is_settled) for span in spans] == [
        (ms(date(2013, 10, 3)), ms(date(2013, 10, 4)), False),
        (ms(date(2013, 10, 4)), ms(date(2013, 10, 9)), True),
        (ms(date(2013, 10, 9)), ms(date(2013, 10, 10)), False),
    ]


def test_as_of_a_date_is_settled_from_its_first_settling_on() -> None:
    dates, day = SettledDates(), date(2013, 10, 8)
    dates.settle("1m", day, known_at=KNOWN, source="rebuild")
    dates.settle("1m", day, known_at=KNOWN + timedelta(days=3), source="rebuild")
    for at, expected in [(KNOWN - timedelta(seconds=1), False), (KNOWN, True), (KNOWN + timedelta(days=1), True)]:
        (span,) = spans_of(dates).spans(ms(day), ms(day, 20), as_of=at)
        assert span.is_settled is expected


def test_a_snapshot_holds_for_a_second() -> None:
    dates, day, now = SettledDates(), date(2013, 10, 8), [100.0]
    spans = SettledSpans(dates, new_york_sessions(), lambda: now[0])

    def is_settled() -> bool:
        (span,) = spans.spans(ms(day), ms(day, 20))
        return span.is_settled

    assert not is_settled()
    dates.settle("1m", day, known_at=KNOWN, source="rebuild")
    now[0] += KEPT_S - 0.01
    assert not is_settled()
    now[0] += 0.01
    assert is_settled()
    assert len(dates.asked) == 2


def test_a_reader_that_stops_early_looks_up_no_more_dates_than_it_came_to() -> None:
    dates = SettledDates()
    lazy = spans_of(dates).spans(ms(date(2001, 1, 1)), ms(date(2026, 1, 1)), reverse=True)
    next(lazy)
    assert dates.asked == [(date(2024, 1, 1), date(2025, 12, 31))]
    next(lazy)
    assert dates.asked[1:] == [(date(2020, 1, 1), date(2023, 12, 31))]


def test_a_range_outside_of_all_time_has_no_spans_and_a_larger_one_is_cut_to_it() -> None:
    spans = spans_of(SettledDates())
    assert list(spans.spans(10**15, 10**17)) == []
    assert list(spans.spans(-(10**15), 0)) == []
    found = list(spans.spans(-5, 10**17))
    assert (found[0].start, found[-1].end) == (0, 10**13)
