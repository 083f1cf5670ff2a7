"""How long what is started and stopped by a clock runs, and how long the market is open: a year, day by day."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple

from local_dev.cost.assembly import Assembly, Resource, text_of
from local_dev.cost.clock import days_of, strikes
from shared.bars.sessions import SessionDay, SessionTable
from shared.bars.windows import NEW_YORK

SCHEDULE = "AWS::Scheduler::Schedule"
PRE_MARKET = time(4)
AFTER_CLOSE = timedelta(hours=4)
"""The post-market: until 20:00, until 17:00 on half days."""
MONTHS = 12


class Span(NamedTuple):
    """Half-open, UTC."""

    start: datetime
    end: datetime

    @property
    def hours(self) -> float:
        return (self.end - self.start).total_seconds() / 3600


class Market(NamedTuple):
    """Of a year: sessions, and hours of regular and of extended trading, the regular ones not counted again."""

    sessions: int
    regular_hours: float
    extended_hours: float

    @property
    def open_hours(self) -> float:
        return self.regular_hours + self.extended_hours


@lru_cache(maxsize=8)
def market(sessions: SessionTable, year: int) -> Market:
    """Raises ValueError for a year that the session table does not hold whole."""
    days = list(days_of(year))
    if not sessions.first <= days[0] or not days[-1] <= sessions.last:
        raise ValueError(f"year must be between {sessions.first.year} and {sessions.last.year}, was {year}")
    found = [span for day in days if (span := open_span(sessions, day)) is not None]
    regular = sum(day.regular_close - day.regular_open for _, day in found) / 3_600_000
    return Market(len(found), regular, sum(span.hours for span, _ in found) - regular)


def open_span(sessions: SessionTable, day: date) -> tuple[Span, SessionDay] | None:
    """The hours of a date in which trades may come, with its session; None where there is none."""
    session = sessions.day(day)
    if session is None:
        return None
    close = datetime.fromtimestamp(session.regular_close / 1000, UTC)
    return Span(datetime.combine(day, PRE_MARKET, NEW_YORK).astimezone(UTC), close + AFTER_CLOSE), session


def year_of(year: int) -> Span:
    return Span(datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC))


def running(assembly: Assembly, resource: Resource, year: int) -> list[Span]:
    """When an ECS service or a Flink application runs: as the schedules that name it say, else the whole year.

    Made stopped where a clock starts it. Raises ValueError where it is stopped by a clock and started by none.
    """
    orders = sorted(
        (at.astimezone(UTC), starts)
        for schedule in assembly.callers_of(resource, SCHEDULE)
        if (starts := _order(schedule)) is not None
        for at in strikes(schedule.properties, year)
    )
    return list(_spans(orders, resource)) if orders else [year_of(year)]


def hours_a_month(spans: Iterable[Span]) -> float:
    return sum(span.hours for span in spans) / MONTHS


def _order(schedule: Resource) -> bool | None:
    """Whether a schedule starts or stops what it names; None where it does neither."""
    target = schedule.properties["Target"]
    action = text_of(target["Arn"]).rpartition(":aws-sdk:")[2]
    if action == "ecs:updateService":
        return '"DesiredCount":0' not in text_of(target.get("Input", "")).replace(" ", "")
    return {"kinesisanalyticsv2:startApplication": True, "kinesisanalyticsv2:stopApplication": False}.get(action)


def _spans(orders: list[tuple[datetime, bool]], resource: Resource) -> Iterator[Span]:
    """From each start to the next stop; a start of what runs and a stop of what rests change nothing."""
    since: datetime | None = None
    for at, starts in orders:
        if starts:
            since = since or at
        elif since is not None:
            yield Span(since, at)
            since = None
    if since is not None:
        yield Span(since, year_of(since.year).end)
    elif all(starts is False for _, starts in orders):
        raise ValueError(f"{resource.stack} {resource.id} is stopped by a clock and started by none")
