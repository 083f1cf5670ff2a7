"""Starts and stops of every day of six years, against an independent calendar with its times written in wall time."""

from datetime import UTC, date, datetime, time, timedelta

import exchange_calendars
import pytest

from shared.bars.sessions import new_york_sessions
from shared.bars.windows import NEW_YORK
from speed_layer.planner.plan import DUE_IN_MS, Order, Process, plan, still_due

INGESTER, FLINK = Process.INGESTER, Process.FLINK
MINUTE_MS = 60_000


def orders(day: date) -> tuple[Order, ...]:
    return plan(day, new_york_sessions())


def wall(order: Order) -> time:
    return datetime.fromtimestamp(order.at / 1000, NEW_YORK).time()


def utc(order: Order) -> datetime:
    return datetime.fromtimestamp(order.at / 1000, UTC)


@pytest.mark.parametrize("year", range(2024, 2030))
def test_every_session_of_a_year_is_covered_and_no_other_day_has_an_order(year: int) -> None:
    calendar = exchange_calendars.get_calendar("XNYS", end="2030-01-01").schedule.loc[f"{year}-01-01" : f"{year}-12-31"]
    closes = {day.date(): close.to_pydatetime() for day, close in calendar["close"].items()}
    days = [date(year, 1, 1) + timedelta(days=number) for number in range(366)]
    planned = {day: found for day in days if day.year == year and (found := orders(day))}
    assert planned.keys() == closes.keys()
    early = 0
    for day, found in planned.items():
        assert [(order.process, order.starts) for order in found] == [
            *((INGESTER, True), (FLINK, True)),
            *((INGESTER, False), (FLINK, False)),
        ]
        assert {wall(order) for order in found if order.starts} == {time(3, 30)}
        over = closes[day] + timedelta(hours=4)
        assert [utc(order) - over for order in found if not order.starts] == [
            timedelta(minutes=20),
            timedelta(minutes=30),
        ]
        assert {order.day for order in found} == {day}
        early += wall(found[-1]) == time(17, 30)
    assert early == sum(close.astimezone(NEW_YORK).hour == 13 for close in closes.values()) > 0


@pytest.mark.parametrize(
    ("day", "start", "stop"),
    [
        (date(2026, 3, 6), datetime(2026, 3, 6, 8, 30, tzinfo=UTC), datetime(2026, 3, 7, 1, 20, tzinfo=UTC)),
        (date(2026, 3, 9), datetime(2026, 3, 9, 7, 30, tzinfo=UTC), datetime(2026, 3, 10, 0, 20, tzinfo=UTC)),
        (date(2026, 10, 30), datetime(2026, 10, 30, 7, 30, tzinfo=UTC), datetime(2026, 10, 31, 0, 20, tzinfo=UTC)),
        (date(2026, 11, 2), datetime(2026, 11, 2, 8, 30, tzinfo=UTC), datetime(2026, 11, 3, 1, 20, tzinfo=UTC)),
        (date(2026, 11, 27), datetime(2026, 11, 27, 8, 30, tzinfo=UTC), datetime(2026, 11, 27, 22, 20, tzinfo=UTC)),
    ],
)
def test_the_days_beside_both_clock_changes_and_a_half_day(day: date, start: datetime, stop: datetime) -> None:
    found = [utc(order) for order in orders(day) if order.process is INGESTER]
    assert found == [start, stop]


@pytest.mark.parametrize("day", [date(2026, 11, 26), date(2026, 11, 28), date(2026, 12, 25), date(2035, 1, 2)])
def test_holidays_weekends_and_days_beyond_the_table_have_none(day: date) -> None:
    assert orders(day) == ()


def test_no_two_orders_have_one_name_and_each_is_a_name_that_the_scheduler_takes() -> None:
    found = [order.name for n in range(366) for order in orders(date(2026, 1, 1) + timedelta(days=n))]
    assert len(set(found)) == len(found)
    assert "2026-11-27-flink-stop" in found
    assert all(len(name) <= 64 for name in found)


def test_a_plan_that_comes_in_time_is_whole() -> None:
    found = orders(date(2026, 11, 25))
    assert tuple(still_due(found, found[0].at - MINUTE_MS)) == found


def test_a_late_start_comes_at_once_while_its_stop_is_ahead() -> None:
    found = orders(date(2026, 11, 25))
    noon = int(datetime(2026, 11, 25, 12, tzinfo=NEW_YORK).timestamp() * 1000)
    left = list(still_due(found, noon))
    assert [order.at for order in left if order.starts] == [noon + DUE_IN_MS] * 2
    assert [order for order in left if not order.starts] == [order for order in found if not order.starts]


@pytest.mark.parametrize("at", [time(19, 50), time(20, 5), time(20, 19, 30), time(20, 29, 30)])
def test_a_late_start_never_comes_near_its_stop_or_after_it(at: time) -> None:
    now = int(datetime.combine(date(2026, 11, 25), at, NEW_YORK).timestamp() * 1000)
    left = list(still_due(orders(date(2026, 11, 25)), now))
    stops = {order.process: order.at for order in left if not order.starts}
    assert all(stops[order.process] - order.at >= 29 * MINUTE_MS for order in left if order.starts)
    assert [order.process for order in left if order.starts] == ([Process.FLINK] if at == time(19, 50) else [])


def test_between_the_stops_only_the_later_one_is_left_and_nothing_is_started() -> None:
    found = orders(date(2026, 11, 25))
    stop, last = (order for order in found if not order.starts)
    assert [order for order in still_due(found, stop.at + MINUTE_MS) if order.process is INGESTER] == []
    assert [order.at for order in still_due(found, stop.at + MINUTE_MS) if not order.starts] == [last.at]
    assert list(still_due(found, last.at)) == []
