"""Whether the market is open, by the feed's clock, and when it will not be."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import exchange_calendars
import pytest

from shared.bars.sessions import sessions_named
from shared.polygon.market_answers import market_now, upcoming
from tests.unit.serving_layer.doubles import Api, Control
from tests.unit.serving_layer.events import AUTHORIZED

NOW, UPCOMING = "/v1/marketstatus/now", "/v1/marketstatus/upcoming"


def new_york(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/New_York")).timestamp() * 1000)


def api_at(text: str) -> Api:
    return Api(control=Control({"source": "trades/", "state": "ended"}, [{"last_trade_ms": new_york(text)}]))


@pytest.mark.parametrize(
    ("at", "market", "early", "late"),
    [
        ("2013-10-08T03:59:59", "closed", False, False),
        ("2013-10-08T04:00:00", "extended-hours", True, False),
        ("2013-10-08T09:29:59", "extended-hours", True, False),
        ("2013-10-08T09:30:00", "open", False, False),
        ("2013-10-08T15:59:59", "open", False, False),
        ("2013-10-08T16:00:00", "extended-hours", False, True),
        ("2013-10-08T19:59:59", "extended-hours", False, True),
        ("2013-10-08T20:00:00", "closed", False, False),
        ("2013-11-29T12:59:59", "open", False, False),
        ("2013-11-29T13:00:00", "extended-hours", False, True),
        ("2013-11-29T17:00:00", "closed", False, False),
        ("2013-11-28T12:00:00", "closed", False, False),
        ("2013-10-12T12:00:00", "closed", False, False),
    ],
)
def test_the_market_is_where_the_feed_is(at: str, market: str, early: bool, late: bool) -> None:
    offset = "-04:00" if at < "2013-11-03" else "-05:00"
    assert api_at(at).get(NOW) == {
        "market": market,
        "earlyHours": early,
        "afterHours": late,
        "exchanges": {"nyse": market, "nasdaq": market, "otc": market},
        "serverTime": at + offset,
    }


def test_the_simulators_market_never_closes_and_has_no_holidays() -> None:
    simulated = sessions_named("SIMULATED")
    for at in ("2013-10-12T03:00", "2013-12-25T20:00"):
        assert market_now(simulated, new_york(at))["market"] == "open"
        assert upcoming(simulated, new_york(at)) == []


def upcoming_at(text: str) -> list[dict[str, Any]]:
    rows: Any = api_at(text).get(UPCOMING)
    assert isinstance(rows, list)
    return rows


def test_the_next_year_names_every_closed_weekday_and_early_close_of_the_calendar() -> None:
    """Against the calendar that the session table was frozen from, by its own words."""
    calendar = exchange_calendars.get_calendar("XNYS", start="2013-01-01", end="2015-01-01")
    rows = [row for row in upcoming_at("2013-10-08T10:00") if row["exchange"] == "NYSE"]
    sessions = {f"{day:%Y-%m-%d}" for day in calendar.sessions_in_range("2013-10-08", "2014-10-08")}
    closed = [row["date"] for row in rows if row["status"] == "closed"]
    assert not sessions & set(closed)
    assert len(closed) == 9
    early = {f"{day:%Y-%m-%d}" for day in calendar.early_closes} & sessions
    assert {row["date"] for row in rows if row["status"] == "early-close"} == early


def test_holidays_have_names_and_short_days_their_hours_in_utc() -> None:
    rows = upcoming_at("2026-06-01T10:00")
    assert [(row["date"], row["name"], row["status"]) for row in rows if row["exchange"] == "NASDAQ"] == [
        ("2026-06-19", "Juneteenth", "closed"),
        ("2026-07-03", "Independence Day", "closed"),
        ("2026-09-07", "Labor Day", "closed"),
        ("2026-11-26", "Thanksgiving", "closed"),
        ("2026-11-27", "Thanksgiving", "early-close"),
        ("2026-12-24", "Christmas", "early-close"),
        ("2026-12-25", "Christmas", "closed"),
        ("2027-01-01", "New Year's Day", "closed"),
        ("2027-01-18", "Martin Luther King, Jr. Day", "closed"),
        ("2027-02-15", "Washington's Birthday", "closed"),
        ("2027-03-26", "Good Friday", "closed"),
        ("2027-05-31", "Memorial Day", "closed"),
    ]
    (short,) = [row for row in rows if row["date"] == "2026-11-27" and row["exchange"] == "OTC"]
    assert (short["open"], short["close"]) == ("2026-11-27T14:30:00.000Z", "2026-11-27T18:00:00.000Z")
    assert "open" not in rows[0]


@pytest.mark.parametrize("first", ["2001-09-10T10:00", "2012-10-26T10:00", "2018-12-01T10:00"])
def test_days_on_which_the_market_closed_for_no_holiday_are_named_so(first: str) -> None:
    assert upcoming_at(first)[0]["name"] == "Special closing"


@pytest.mark.parametrize("url", [NOW, UPCOMING])
def test_the_markets_status_needs_a_key_for_bars(url: str) -> None:
    assert api_at("2013-10-08T10:00").send(url, authorizer={**AUTHORIZED, "scopes": "live:read"})["statusCode"] == 403
    assert api_at("2013-10-08T10:00").send(url, authorizer=None)["statusCode"] == 401
