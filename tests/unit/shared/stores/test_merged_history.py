"""The merged read over both views, in memory: which view a minute comes from, told by its count."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bars.sessions import new_york_sessions
from shared.models.bar import Partial
from shared.stores.bars import TTL_S
from shared.stores.history import BatchView, History, either
from shared.stores.settled_spans import SettledSpans
from tests.fakes.bar_rows import BarRows
from tests.fakes.settled_dates import SettledDates

MONDAY, TUESDAY, WEDNESDAY = (date(2013, 10, n) for n in (7, 8, 9))
SETTLED_AT = datetime(2013, 10, 9, 2, tzinfo=UTC)
NOW_S = 1_381_370_000
MINUTE, DAY_MS = 60_000, 86_400_000
SPEED, FORMING, BATCH = 1, 2, 3
"""Counts that tell the view."""


def open_of(day: date) -> int:
    at = datetime(day.year, day.month, day.day, 9, 30, tzinfo=ZoneInfo("America/New_York"))
    return int(at.timestamp()) * 1000


def partial(t: int, count: int) -> Partial:
    key = f"{t:013d}{1:012d}{10**9:018d}"
    return Partial(key, key, 10**9, 10**9, count, count, count)


class Batch:
    def __init__(self) -> None:
        self.asked: list[tuple[int, int, datetime | None]] = []

    def minutes(
        self, sym: str, start_ms: int, end_ms: int, *, reverse: bool = False, as_of: datetime | None = None
    ) -> Iterator[tuple[int, Partial]]:
        self.asked.append((start_ms, end_ms, as_of))
        times = [open_of(day) + n * MINUTE for day in (MONDAY, TUESDAY, WEDNESDAY) for n in range(3)]
        for t in sorted(times, reverse=reverse):
            if start_ms <= t < end_ms:
                yield t, partial(t, BATCH)


class Forming:
    def unstored_minutes(self, sym: str, start: int, end: int) -> dict[int, Partial]:
        """The last minute of each day, and on Tuesday one that is stored nowhere."""
        times = [open_of(day) + 2 * MINUTE for day in (MONDAY, TUESDAY, WEDNESDAY)] + [open_of(TUESDAY) + 9 * MINUTE]
        return {t: partial(t, FORMING) for t in times if start <= t < end}


@pytest.fixture
def batch() -> Batch:
    return Batch()


@pytest.fixture
def dates() -> SettledDates:
    return SettledDates()


@pytest.fixture
def history(batch: Batch, dates: SettledDates) -> History:
    rows = BarRows()
    for day in (MONDAY, TUESDAY, WEDNESDAY):
        for n in range(3):
            t = open_of(day) + n * MINUTE
            rows.put_base("SPY", t, partial(t, SPEED), NOW_S)
    return History(rows, Forming(), BatchView(batch, SettledSpans(dates, new_york_sessions(), lambda: 0.0)))


def views(history: History, **query: Any) -> dict[date, list[int]]:
    """The view of each minute, by date, in the order in which they came."""
    found: dict[date, list[int]] = {}
    for t, read in history.minutes("SPY", open_of(MONDAY) - DAY_MS, open_of(WEDNESDAY) + DAY_MS, NOW_S, **query):
        found.setdefault(datetime.fromtimestamp(t / 1000, UTC).date(), []).append(read.count)
    return found


UNSETTLED = [SPEED, SPEED, FORMING]


def test_a_settled_date_comes_from_the_batch_view_alone(history: History, dates: SettledDates) -> None:
    dates.settle("1m", TUESDAY, known_at=SETTLED_AT, source="rebuild")
    expected = {MONDAY: UNSETTLED, TUESDAY: [BATCH] * 3, WEDNESDAY: UNSETTLED}
    assert views(history) == expected
    assert list(views(history, reverse=True).items()) == [(d, v[::-1]) for d, v in reversed(expected.items())]


def test_while_nothing_is_settled_the_batch_view_is_not_asked(history: History, batch: Batch) -> None:
    assert views(history) == {MONDAY: UNSETTLED, TUESDAY: [*UNSETTLED, FORMING], WEDNESDAY: UNSETTLED}
    assert batch.asked == []


def test_when_all_is_settled_it_is_one_read(history: History, batch: Batch, dates: SettledDates) -> None:
    for day in (MONDAY, WEDNESDAY, TUESDAY):
        dates.settle("1m", day, known_at=SETTLED_AT, source="rebuild")
    assert views(history) == dict.fromkeys((MONDAY, TUESDAY, WEDNESDAY), [BATCH] * 3)
    assert len(batch.asked) == 1


def test_as_of_before_a_date_was_settled_it_is_read_from_the_speed_rows(
    history: History, batch: Batch, dates: SettledDates
) -> None:
    dates.settle("1m", TUESDAY, known_at=SETTLED_AT, source="rebuild")
    before, after = SETTLED_AT - timedelta(seconds=1), SETTLED_AT + timedelta(days=7)
    assert views(history, as_of=before)[TUESDAY] == [*UNSETTLED, FORMING]
    assert batch.asked == []
    assert views(history, as_of=after)[TUESDAY] == [BATCH] * 3
    assert [as_of for _, _, as_of in batch.asked] == [after], "the batch view is asked for what it knew then"


def test_nothing_was_known_of_minutes_that_had_not_begun(history: History) -> None:
    noon = datetime(2013, 10, 8, 16, tzinfo=UTC)
    assert list(views(history, as_of=noon)) == [MONDAY, TUESDAY]
    opened = datetime.fromtimestamp(open_of(TUESDAY) / 1000, UTC)
    assert views(history, as_of=opened)[TUESDAY] == [SPEED]


def test_a_date_older_than_speed_rows_live_is_read_from_what_was_imported_where_nothing_was_streamed(
    batch: Batch, dates: SettledDates
) -> None:
    """Monday is old and not streamed, Tuesday old and streamed, Wednesday not old."""
    rows = BarRows()
    for day in (TUESDAY, WEDNESDAY):
        for n in range(3):
            t = open_of(day) + n * MINUTE
            rows.put_base("SPY", t, partial(t, SPEED), NOW_S + TTL_S)

    class Nothing:
        def unstored_minutes(self, sym: str, start: int, end: int) -> dict[int, Partial]:
            return {}

    now_s = open_of(WEDNESDAY) // 1000 + TTL_S
    history = History(rows, Nothing(), BatchView(batch, SettledSpans(dates, new_york_sessions(), lambda: 0.0)))
    streamed = [SPEED] * 3
    expected = {MONDAY: [BATCH] * 3, TUESDAY: streamed, WEDNESDAY: streamed}
    for reverse in (False, True):
        found: dict[date, list[int]] = {}
        for t, read in history.minutes("SPY", open_of(MONDAY), open_of(WEDNESDAY) + DAY_MS, now_s, reverse=reverse):
            found.setdefault(datetime.fromtimestamp(t / 1000, UTC).date(), []).append(read.count)
        assert list(found.items()) == sorted(expected.items(), reverse=reverse)
    assert {asked[1] for asked in batch.asked} == {open_of(WEDNESDAY) - 9 * 3_600_000 - 1_800_000}, "midnight"


@given(st.data())
def test_of_two_views_each_date_comes_from_one(data: st.DataObject) -> None:
    hours = st.lists(st.integers(0, 30 * 24), unique=True)
    reverse = data.draw(st.booleans())
    first, second = (
        [(open_of(MONDAY) + h * 3_600_000, partial(0, n)) for h in sorted(data.draw(hours), reverse=reverse)]
        for n in (SPEED, BATCH)
    )

    def day(t: int) -> date:
        return datetime.fromtimestamp(t / 1000, ZoneInfo("America/New_York")).date()

    covered = {day(t) for t, _ in first}
    expected = [*first, *(minute for minute in second if day(minute[0]) not in covered)]
    found = list(either(iter(first), iter(second), reverse=reverse))
    assert found == sorted(expected, key=lambda minute: minute[0], reverse=reverse)
