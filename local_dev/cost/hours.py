"""How long what is started and stopped by a clock runs, and how long the market is open: a year, day by day."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import NamedTuple

from local_dev.cost.assembly import Assembly, Resource, references, text_of
from local_dev.cost.clock import days_of, strikes
from shared.bars.sessions import SessionDay, SessionTable, sessions_named
from speed_layer.planner.plan import Order, Process, plan, still_due

SCHEDULE, FUNCTION = "AWS::Scheduler::Schedule", "AWS::Lambda::Function"
PLANNER = "speed_layer.planner.handler.lambda_handler"
"""Of the function that makes the schedules of a day when that has begun, so that none of them is in a template."""
VARIABLES = {Process.INGESTER: "INGESTER_SERVICE", Process.FLINK: "FLINK_APPLICATION"}
"""What tells a planner that it has a process to start and stop."""
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
    return Span(_utc(session.extended_open), _utc(session.extended_close)), session


def _utc(t_ms: int) -> datetime:
    return datetime.fromtimestamp(t_ms / 1000, UTC)


def year_of(year: int) -> Span:
    return Span(datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC))


def running(assembly: Assembly, resource: Resource, year: int) -> list[Span]:
    """When an ECS service or a Flink application runs: as the schedules that name it say, and those that a planner will
    make of it; else the whole year.

    Made stopped where a clock starts it. Raises ValueError where it is stopped by a clock and started by none.
    """
    orders = sorted([*_scheduled(assembly, resource, year), *_planned(assembly, resource, year)])
    return list(_spans(orders, resource)) if orders else [year_of(year)]


def hours_a_month(spans: Iterable[Span]) -> float:
    return sum(span.hours for span in spans) / MONTHS


def planned(assembly: Assembly, planner: Resource, year: int) -> Iterator[Order]:
    """Of a planner's function: the orders of the days on which a schedule calls it before them."""
    variables = planner.properties["Environment"]["Variables"]
    sessions = sessions_named(text_of(variables["SESSIONS"]))
    for schedule in assembly.callers_of(planner, SCHEDULE):
        for at in strikes(schedule.properties, year):
            now = int(at.timestamp() * 1000)
            ours = [order for order in plan(at.date(), sessions) if VARIABLES[order.process] in variables]
            yield from still_due(ours, now)


def planners(assembly: Assembly) -> Iterator[Resource]:
    return (function for function in assembly.of(FUNCTION) if function.properties.get("Handler") == PLANNER)


def _scheduled(assembly: Assembly, resource: Resource, year: int) -> Iterator[tuple[datetime, bool]]:
    for schedule in assembly.callers_of(resource, SCHEDULE):
        starts = _order(schedule)
        if starts is not None:
            yield from ((at.astimezone(UTC), starts) for at in strikes(schedule.properties, year))


def _planned(assembly: Assembly, resource: Resource, year: int) -> Iterator[tuple[datetime, bool]]:
    for planner in planners(assembly):
        variables, near = planner.properties["Environment"]["Variables"], planner.stack == resource.stack
        for process, variable in VARIABLES.items():
            if references(variables.get(variable)).hold(resource, near=near):
                orders = planned(assembly, planner, year)
                yield from ((_utc(order.at), order.starts) for order in orders if order.process is process)


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
