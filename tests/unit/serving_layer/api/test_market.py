"""Where the market stands, by the host's time where the feed is live, by the feed's where it is not."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from serving_layer.api.market import Market
from shared.bars.sessions import new_york_sessions, sessions_named
from shared.errors import StoreUnavailable
from shared.stores.settled import Settled
from tests.unit.serving_layer.doubles import Control


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


TUESDAY = at("2013-10-08T14:00:00")
HOST = at("2026-11-25T12:00:00")


class Clock:
    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def session_of(market: Market) -> date | None:
    session = market.moment().session
    return None if session is None else session.date


@pytest.mark.parametrize("feed", [{}, {"source": "polygon", "state": "running"}])
def test_a_live_feeds_time_is_the_hosts(feed: dict[str, Any]) -> None:
    market = Market(Control(feed, [{"last_trade_ms": int(TUESDAY * 1000)}]), new_york_sessions(), Clock(HOST))
    assert market.moment().now_ms == int(HOST * 1000)
    assert session_of(market) == date(2026, 11, 25)


@pytest.mark.parametrize("source", ["trades/", "sim"])
def test_another_feeds_time_is_that_of_its_last_trade_over_all_ingesters(source: str) -> None:
    epochs = [{"last_trade_ms": int(TUESDAY * 1000)}, {"last_trade_ms": 0}, {}]
    market = Market(Control({"source": source, "state": "ended"}, epochs), new_york_sessions(), Clock(HOST))
    assert market.moment().now_ms == int(TUESDAY * 1000)
    assert session_of(market) == date(2013, 10, 8)


def test_a_feed_without_a_trade_has_the_hosts_time() -> None:
    market = Market(Control({"source": "sim"}, [{}]), sessions_named("SIMULATED"), Clock(HOST))
    assert session_of(market) == date(2026, 11, 25)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2013-10-12T15:00:00", date(2013, 10, 11)),  # a Saturday
        ("2013-10-14T03:59:59", date(2013, 10, 11)),  # Sunday evening in New York
        ("2013-10-14T04:00:00", date(2013, 10, 14)),
        ("2026-11-26T15:00:00", date(2026, 11, 25)),  # Thanksgiving
    ],
)
def test_on_a_day_without_a_session_the_last_one_stands(now: str, expected: date) -> None:
    assert session_of(Market(Control(), new_york_sessions(), Clock(at(now)))) == expected


def test_sessions_before_an_instant_come_newest_first_and_leave_out_its_own_date() -> None:
    market = Market(Control(), new_york_sessions(), Clock(TUESDAY))
    days = [session.date for session in market.sessions_before(int(TUESDAY * 1000))]
    assert days[:3] == [date(2013, 10, 7), date(2013, 10, 4), date(2013, 10, 3)]


def test_what_the_table_said_holds_for_a_second() -> None:
    clock, control = Clock(HOST), Control({"source": "trades/", "state": "running"}, [{"last_trade_ms": 5_000}])
    market = Market(control, new_york_sessions(), clock)
    assert market.moment().replaying
    control._feed = {"source": "trades/", "state": "ended"}
    clock.now += 0.9
    assert market.moment().replaying
    clock.now += 0.2
    assert not market.moment().replaying


@pytest.mark.parametrize(
    ("feed", "end", "expected"),
    [
        ({}, "2013-10-08T14:00:00", 1),
        ({}, "2013-10-08T04:00:01", 1),
        ({}, "2013-10-08T04:00:00", 60),
        ({}, "2013-10-09T14:00:00", 1),
        ({}, "2013-10-01T14:00:00", 60),
        ({"source": "sim", "state": "running"}, "2013-10-01T14:00:00", 60),
        ({"source": "trades/", "state": "running"}, "2013-10-01T14:00:00", 0),
        ({"source": "trades/", "state": "running"}, "2013-10-08T14:00:00", 0),
        ({"source": "trades/", "state": "ended"}, "2013-10-01T14:00:00", 60),
    ],
)
def test_answers_are_kept_for_a_second_from_the_open_session_on_and_for_a_minute_before_it(
    feed: dict[str, Any], end: str, expected: int
) -> None:
    control = Control(feed, [{"last_trade_ms": int(TUESDAY * 1000)}])
    assert Market(control, new_york_sessions(), Clock(TUESDAY)).keep_s(int(at(end) * 1000)) == expected


class Stored:
    """A batch view with some settled dates."""

    def __init__(self, *settled: date) -> None:
        self.settled, self.text, self.asked = settled, "v1", 0

    def days(self, timeframe: str, first: date, last: date) -> dict[date, Settled]:
        self.asked += 1
        known = datetime(2013, 10, 9, tzinfo=UTC)
        return {day: Settled(known, "raw log", known) for day in self.settled if first <= day <= last}

    def version(self) -> str:
        return self.text


SETTLED = tuple(date(2013, 10, day) for day in (1, 2, 3, 4, 7))
"""All five sessions before TUESDAY."""


@pytest.mark.parametrize(
    ("settled", "end", "expected"),
    [
        (SETTLED, "2013-10-08T04:00:00", 3_600),
        (SETTLED, "2013-10-08T04:00:01", 1),
        (SETTLED, "2013-10-01T04:00:01", 3_600),
        (SETTLED, "2013-10-01T04:00:00", 86_400),
        (SETTLED[:-1], "2013-10-08T04:00:00", 60),  # Monday is not settled yet
        (SETTLED[:-1], "2013-10-07T04:00:00", 3_600),
        (SETTLED[1:], "2013-10-08T04:00:00", 60),  # a session before it is not
        ((), "2013-10-01T04:00:00", 86_400),
    ],
)
def test_what_is_settled_is_kept_for_an_hour_and_for_a_day_after_five_sessions(
    settled: tuple[date, ...], end: str, expected: int
) -> None:
    market = Market(Control(), new_york_sessions(), Clock(TUESDAY), Stored(*settled))
    assert market.keep_named_s(int(at(end) * 1000)) == expected


def test_a_correction_gives_an_answer_another_name() -> None:
    clock, stored = Clock(TUESDAY), Stored(*SETTLED)
    market = Market(Control(), new_york_sessions(), clock, stored)
    name = market.named("/a")
    assert name == market.named("/a") != market.named("/b")
    stored.text = "v2"
    clock.now += 1.1
    assert market.named("/a") != name


def test_what_is_settled_is_asked_for_by_answers_that_are_kept_long_and_without_it_they_are_kept_as_others() -> None:
    class Away(Stored):
        def days(self, timeframe: str, first: date, last: date) -> dict[date, Settled]:
            raise StoreUnavailable("control table")

    end, away, there = int(at("2013-10-01T04:00:00") * 1000), Away(), Stored(*SETTLED)
    market = Market(Control(), new_york_sessions(), Clock(TUESDAY), there)
    market.moment()
    assert (market.keep_s(end), there.asked) == (60, 0)
    market = Market(Control(), new_york_sessions(), Clock(TUESDAY), away)
    assert (market.moment().now_ms, market.named("/a"), market.keep_named_s(end)) == (int(TUESDAY * 1000), "/a", 60)


def test_while_a_recording_is_replayed_what_is_settled_is_not_kept_either() -> None:
    control = Control({"source": "trades/", "state": "running"}, [{"last_trade_ms": int(TUESDAY * 1000)}])
    market = Market(control, new_york_sessions(), Clock(TUESDAY), Stored(*SETTLED))
    assert market.keep_named_s(int(at("2013-10-01T04:00:00") * 1000)) == 0


def test_where_nobody_can_say_what_is_open_nothing_is_kept() -> None:
    class Down(Control):
        def feed(self) -> dict[str, Any]:
            raise StoreUnavailable("control table")

    market = Market(Down(), new_york_sessions(), Clock(TUESDAY))
    assert (market.keep_s(0), market.keep_named_s(0), market.named("/a")) == (0, 0, "/a")
    with pytest.raises(StoreUnavailable):
        market.moment()
