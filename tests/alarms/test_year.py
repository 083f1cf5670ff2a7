"""A year of minutes: no alarm outside sessions, whatever is down then; a night that is left out is told.

Sessions, half days and holidays are exchange_calendars' own. `make test` takes the days around both switches of
daylight saving, a half day and a holiday; `make parity` takes the whole year.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from functools import cache, lru_cache
from typing import Any

import exchange_calendars
import pytest

from shared.bars.sessions import new_york_sessions
from shared.bars.windows import NEW_YORK
from shared.metrics import CHANNELS_REFUSED, FEED_DOWN, QUARANTINED
from shared.stores.runs import FINISHED, Run
from speed_layer.watch.measures import Seen, measures
from stacks.alarms import ALARMS, GRAPHS, Alarm, Source
from tests.effort import everything
from tests.fakes.cloudwatch import Metrics, fired_at

YEAR = 2026
BY_NAME = {alarm.name: alarm for alarm in ALARMS}
DAY = timedelta(days=1)
AFTER_CLOSE_S = 10 * 60
"""How long an alarm that fired in the session may outlast it: the periods that it looks back at."""
CUT = (
    (date(2026, 3, 8), date(2026, 3, 9)),  # the clocks go forward on Sunday
    (date(2026, 11, 1), date(2026, 11, 2)),  # the clocks go back on Sunday
    (date(2026, 11, 26), date(2026, 11, 27)),  # a holiday, then a half day
)
Spans = Sequence[tuple[date, date]]
SPANS: Spans = [(date(YEAR, 1, 1), date(YEAR, 12, 31))] if everything() else CUT
WHOLE_YEAR_S = 1_200
"""Time for half a million minutes."""
DOWN: dict[str, Any] = {"state": "running", "told_ms": 0, "connection": "gone"}


@lru_cache(maxsize=1)
def market() -> dict[date, tuple[float, float]]:
    """Trade dates of the year and of the weeks before it, with open and close (Unix s)."""
    calendar = exchange_calendars.get_calendar("XNYS", start=f"{YEAR - 1}-12-01", end=f"{YEAR}-12-31")
    return {row.Index.date(): (row.open.timestamp(), row.close.timestamp()) for row in calendar.schedule.itertuples()}


def days(spans: Spans = SPANS) -> Iterator[date]:
    for first, last in spans:
        yield from (first + n * DAY for n in range((last - first).days + 1))


def at(day: date, clock: time) -> float:
    return datetime.combine(day, clock, NEW_YORK).timestamp()


@cache
def minutes(day: date, step: int = 1) -> range:
    """Of a New York date, which may have 23 or 25 hours."""
    return range(int(at(day, time())), int(at(day + DAY, time())), 60 * step)


def nights(now_s: int, left_out: date | None = None) -> list[Run]:
    """Of the week before: each begun at 20:15 and done at ten."""
    return _nights(now_s - now_s % 1_800, left_out)


@lru_cache(maxsize=64)
def _nights(now_s: int, left_out: date | None) -> list[Run]:
    today = datetime.fromtimestamp(now_s, NEW_YORK).date()
    week = (today - n * DAY for n in range(8))
    return [
        Run(day, "run", FINISHED, at(day, time(20, 15)), at(day + DAY, time(4, 15)), {}, {}, 1)
        for day in week
        if day in market() and day != left_out and at(day, time(22)) <= now_s
    ]


def simulate(metrics: Metrics, seen: Callable[[int], Seen], of: Spans = SPANS, step: int = 1) -> None:
    table = new_york_sessions()
    for day in days(of):
        for second in minutes(day, step):
            for metric, value in measures(second * 1000, table, seen(second)).items():
                metrics.put(Source.of(metric), second + 1, value)


def fired(alarm: Alarm, metrics: Metrics, of: Spans = SPANS) -> list[int]:
    return [
        second
        for first, last in of
        for second in fired_at(alarm, metrics, int(at(first, time())), int(at(last + DAY, time())))
    ]


def in_session(second: int) -> bool:
    day = datetime.fromtimestamp(second, NEW_YORK).date()
    opens, closes = market().get(day, (0.0, 0.0))
    return opens < second <= closes + AFTER_CLOSE_S


@pytest.mark.timeout(WHOLE_YEAR_S)
def test_a_platform_that_is_well_in_sessions_and_down_outside_alarms_never() -> None:
    """Outside, its ingester is gone, no bar is promised, input is spoiled by the hundred. The first bar of a session
    comes after three minutes; until then the newest promise is of the night before."""

    def seen(second: int) -> Seen:
        day = datetime.fromtimestamp(second, NEW_YORK).date()
        opens, closes = market().get(day, (0.0, 0.0))
        is_open = opens <= second < closes
        epoch = {"state": "running", "told_ms": second * 1000, "connection": "up"} if is_open else DOWN
        return Seen(epoch, second - 65 if is_open and second - opens > 180 else 0, nights(second), 0.0, 0)

    metrics = Metrics()
    simulate(metrics, seen)
    for day in days():
        opens, closes = market().get(day, (0.0, 0.0))
        for second in minutes(day):
            if not opens - 300 <= second < closes + 300:  # a period that touches the session belongs to it
                metrics.put(Source.of(QUARANTINED), second, 500)
                metrics.put(Source.of(CHANNELS_REFUSED), second, 3)
    for name in ("feed-down", "bars-late", "quarantined", "channels-refused", "night-missing"):
        assert fired(BY_NAME[name], metrics) == [], name
    assert metrics.total(FEED_DOWN) == 0


@pytest.mark.timeout(WHOLE_YEAR_S)
def test_a_platform_that_is_down_all_year_alarms_in_every_session_and_outside_none() -> None:
    metrics = Metrics()
    simulate(metrics, lambda second: Seen(DOWN, 0, nights(second), 0.0, 0))
    for name in ("feed-down", "bars-late"):
        told = fired(BY_NAME[name], metrics)
        assert [second for second in told if not in_session(second)] == [], name
        days_told = {datetime.fromtimestamp(second, NEW_YORK).date() for second in told}
        assert days_told == {day for day in days() if day in market()}, name


@pytest.mark.parametrize("left_out", [date(2026, 3, 6), date(2026, 11, 27), date(2026, 12, 24)])
def test_a_night_that_is_left_out_is_told_the_next_morning_and_no_other(left_out: date) -> None:
    """A Friday before the clocks change, and both half days."""
    span = [(left_out - DAY, left_out + 4 * DAY)]
    metrics = Metrics()
    simulate(metrics, lambda second: Seen({}, 0, nights(second, left_out), 0.0, 0), span, step=5)
    told = fired(BY_NAME["night-missing"], metrics, span)
    due = at(left_out + DAY, time(6))
    assert due < told[0] <= due + 20 * 60
    assert told[-1] >= at(left_out + 4 * DAY, time(23, 50)), "until somebody runs it"


RAN = {
    date(2026, 11, 25): (time(3, 30), time(20, 30)),
    date(2026, 11, 26): (time(), time(23, 59)),  # Thanksgiving: nobody has stopped them
    date(2026, 11, 27): (time(3, 30), time(17, 30)),  # a half day, with extended hours to 17:00
}
"""New York times from which and to which the processes ran; on the Saturday after, not at all."""


@pytest.mark.alarm("ingester-out-of-hours")
def test_what_runs_by_the_clock_is_told_of_outside_its_hours_only() -> None:
    def runs(second: int) -> bool:
        moment = datetime.fromtimestamp(second, NEW_YORK)
        begins, ends = RAN.get(moment.date(), (time(), time()))
        return begins <= moment.time() < ends

    metrics, span = Metrics(), [(min(RAN), max(RAN) + DAY)]
    by_flink, by_ingester = BY_NAME["flink-out-of-hours"], BY_NAME["ingester-out-of-hours"]
    gone = {"state": "running", "told_ms": 0}

    def seen(second: int) -> Seen:
        return Seen({"state": "running", "told_ms": second * 1000} if runs(second) else gone, 0, (), 0.0, 0)

    simulate(metrics, seen, span, step=5)
    for second in (second for day in days(span) for second in minutes(day, 5) if runs(second)):
        metrics.put(by_flink.source, second, 2)
    for alarm in (by_flink, by_ingester):
        told = fired(alarm, metrics, span)
        assert {datetime.fromtimestamp(second, NEW_YORK).date() for second in told[:-3]} == {date(2026, 11, 26)}
        assert len(told) > 250, alarm.name


def test_what_is_drawn_beside_the_alarms_is_no_alarm() -> None:
    alarms = {(alarm.source.namespace, alarm.source.name) for alarm in ALARMS}
    drawn = [(source.namespace, source.name) for graphs in GRAPHS.values() for _, source, _ in graphs]
    assert not alarms.intersection(drawn)
