"""Custom bars of days and longer, adjusted bars of minutes, and what happens when the database is away."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.models.bar import Edges
from shared.models.daily import DailyBar, Split
from tests.fakes.daily_rows import DailyRows
from tests.unit.serving_layer.doubles import MINUTE, NOW_S, T0, Api, Control, minute_of
from tests.unit.serving_layer.events import AUTHORIZED, body_of

HOST = "https://bars.example.com"
RANGE = "/v2/aggs/ticker/SPY/range"
MINUTES = f"{RANGE}/1/minute/2013-10-07/2013-10-08"
TODAY = date(2013, 10, 8)
"""The feed's date: NOW_S and T0 lie in it."""
DAY_MS = 86_400_000
KNOWN = datetime(2013, 1, 1, tzinfo=UTC)
USD, CENT, SHARE = 10**9, 10**7, 10**6


def midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo("America/New_York")).timestamp()) * 1000


def daily(day: date, cents: int = 16_000, **fields: Any) -> DailyBar:
    """Opens at `cents`, goes 50 up and 50 down, closes 10 higher; 1,000 shares."""
    prices = {"open": cents, "high": cents + 50, "low": cents - 50, "close": cents + 10}
    scaled = {name: price * CENT for name, price in prices.items()}
    return DailyBar("SPY", day, **{**scaled, "volume": 1_000 * SHARE, "vwap": cents * 100, "count": 7, **fields})


def weekdays(first: date, last: date) -> list[date]:
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [day for day in days if day.weekday() < 5]


def split(day: date, split_from: int, split_to: int, known: datetime = KNOWN) -> Split:
    return Split("SPY", day, Decimal(split_from), Decimal(split_to), f"S{day}", known)


def api_of(rows: DailyRows, **more: Any) -> Api:
    return Api(daily=rows, control=Control({"source": "trades/", "state": "ended"}, [{"last_trade_ms": T0}]), **more)


def pages(api: Api, url: str) -> Iterator[dict[str, Any]]:
    while True:
        body = api.get(url)
        yield body
        if "next_url" not in body:
            return
        url = body["next_url"].removeprefix(HOST)


def days_of(body: dict[str, Any]) -> list[date]:
    return [datetime.fromtimestamp(bar["t"] / 1000, ZoneInfo("America/New_York")).date() for bar in body["results"]]


@pytest.fixture
def rows() -> DailyRows:
    """Every weekday of July to October 4, one cent a day up."""
    days = weekdays(date(2013, 7, 1), date(2013, 10, 4))
    return DailyRows([daily(day, 16_000 + n) for n, day in enumerate(days)])


def test_a_day_bar_has_polygons_fields_and_starts_at_new_yorks_midnight(rows: DailyRows) -> None:
    body = api_of(rows).get(f"{RANGE}/1/day/2013-07-02/2013-07-02")
    assert body["results"] == [
        {"v": 1_000, "vw": 160.01, "o": 160.01, "c": 160.11, "h": 160.51, "l": 159.51, "t": 1_372_737_600_000, "n": 7}
    ]
    assert (body["ticker"], body["adjusted"], body["queryCount"], body["resultsCount"]) == ("SPY", True, 1, 1)


def test_what_a_source_does_not_tell_is_left_out(rows: DailyRows) -> None:
    rows.days["SPY", date(2013, 7, 2)] = daily(date(2013, 7, 2), vwap=None, count=None)
    (bar,) = api_of(rows).get(f"{RANGE}/1/day/2013-07-02/2013-07-02")["results"]
    assert bar.keys() == {"v", "o", "c", "h", "l", "t"}
    (week,) = api_of(rows).get(f"{RANGE}/1/week/2013-07-02/2013-07-02")["results"]
    assert week.keys() == {"v", "o", "c", "h", "l", "t"}


def test_a_day_on_which_no_price_was_set_is_not_shown_and_its_volume_is_part_of_its_week(rows: DailyRows) -> None:
    nothing = DailyBar("SPY", date(2013, 7, 2), None, None, None, None, 5 * SHARE, 1_600_000, 1)
    rows.days["SPY", nothing.day] = nothing
    assert "results" not in api_of(rows).get(f"{RANGE}/1/day/2013-07-02/2013-07-02")
    (week,) = api_of(rows).get(f"{RANGE}/1/week/2013-07-02/2013-07-02")["results"]
    assert (week["v"], week["n"], week["o"], week["c"]) == (4_005, 29, 160, 160.14)


@pytest.mark.parametrize("sort", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 2, 7, 23, 50_000])
@pytest.mark.parametrize(
    ("windows", "starts"),
    [
        ("1/day", weekdays(date(2013, 7, 1), date(2013, 10, 4))),
        ("1/week", [date(2013, 6, 30) + timedelta(weeks=n) for n in range(14)]),
        ("3/week", [date(2013, 6, 30) + timedelta(weeks=3 * n) for n in range(5)]),
        ("1/month", [date(2013, month, 1) for month in (7, 8, 9, 10)]),
        ("2/month", [date(2013, 7, 1), date(2013, 9, 1)]),
        ("1/quarter", [date(2013, 7, 1), date(2013, 10, 1)]),
        ("1/year", [date(2013, 1, 1)]),
        ("10/day", [date(2013, 7, 1) + timedelta(days=10 * n) for n in range(10)]),
    ],
)
def test_every_page_size_gives_the_same_windows_in_order(
    rows: DailyRows, windows: str, starts: list[date], limit: int, sort: str
) -> None:
    url = f"{RANGE}/{windows}/2013-07-01/2013-10-04?limit={limit}&sort={sort}"
    found = list(pages(api_of(rows), url))
    bars = [bar for page in found for bar in page["results"]]
    assert [bar["t"] for bar in bars] == [midnight(start) for start in (starts if sort == "asc" else starts[::-1])]
    assert sum(bar["v"] for bar in bars) == 1_000 * len(rows.days)
    assert all(page["queryCount"] <= limit or page["count"] == 1 for page in found)
    closes = {day: 160 + n / 100 + 0.1 for n, (_, day) in enumerate(sorted(rows.days))}
    for bar, later in zip(bars, [*bars[1:], None] if sort == "asc" else [None, *bars[:-1]], strict=True):
        inside = [c for day, c in closes.items() if bar["t"] <= midnight(day) < (later["t"] if later else 10**13)]
        assert bar["c"] == pytest.approx(inside[-1])
        assert bar["o"] == pytest.approx(inside[0] - 0.1)


def test_the_limit_counts_days_and_the_window_it_cuts_off_waits_for_the_next_page(rows: DailyRows) -> None:
    found = list(pages(api_of(rows), f"{RANGE}/1/week/2013-07-07/2013-07-20?limit=7"))
    assert [days_of(page) for page in found] == [[date(2013, 7, 7)], [date(2013, 7, 14)]]
    assert [page["queryCount"] for page in found] == [5, 5]


def test_the_next_url_keeps_anchor_and_as_of(rows: DailyRows) -> None:
    rows.all_splits = [split(date(2013, 9, 3), 1, 2)]
    first = api_of(rows).get(f"{RANGE}/3/day/2013-07-02/2013-07-31?limit=3&as_of=2012-12-31")
    assert first["next_url"].startswith(f"{HOST}{RANGE}/3/day/{midnight(date(2013, 7, 5))}/")
    second = api_of(rows).get(first["next_url"].removeprefix(HOST))
    assert days_of(second) == [date(2013, 7, 5)]
    assert second["results"][0]["o"] == 160.04, "the split was not known then"
    assert api_of(rows).send(first["next_url"].removeprefix(HOST).replace("/3/day/", "/4/day/"))["statusCode"] == 400


@given(
    st.tuples(st.integers(1, 6), st.sampled_from(["day", "week", "month", "quarter", "year"])),
    st.integers(0, 120),
    st.integers(0, 40),
    st.integers(1, 30),
    st.sampled_from(["asc", "desc"]),
)
def test_pages_give_the_bars_of_one_unlimited_read(
    windows: tuple[int, str], first: int, length: int, limit: int, sort: str
) -> None:
    multiplier, unit = windows
    days = weekdays(date(2013, 6, 3), date(2013, 10, 4))
    rows = DailyRows([daily(day, 16_000 + n) for n, day in enumerate(days)], [split(date(2013, 8, 14), 3, 7)])
    api, start = api_of(rows), date(2013, 5, 20) + timedelta(days=first)
    path = f"{RANGE}/{multiplier}/{unit}/{start}/{start + timedelta(days=length)}"
    whole = api.get(f"{path}?limit=50000&sort={sort}").get("results", [])
    paged = list(pages(api, f"{path}?limit={limit}&sort={sort}"))
    assert [bar for page in paged for bar in page.get("results", [])] == whole
    assert all(page["results"] for page in paged[:-1]), "every page that others follow shows a bar"


def test_bars_before_a_split_are_adjusted_and_a_week_across_it_is_at_the_new_price(rows: DailyRows) -> None:
    rows.all_splits = [split(date(2013, 7, 10), 1, 2), split(date(2013, 7, 10), 1, 2), split(date(2014, 1, 2), 1, 10)]
    api = api_of(rows)
    (week,) = api.get(f"{RANGE}/1/week/2013-07-08/2013-07-08")["results"]
    days = api.get(f"{RANGE}/1/day/2013-07-08/2013-07-10")["results"]
    assert [bar["o"] for bar in days] == [80.025, 80.03, 160.07]
    assert [bar["v"] for bar in days] == [2_000, 2_000, 1_000]
    assert (week["o"], week["l"], week["h"], week["c"], week["v"]) == (80.025, 79.775, 160.59, 160.19, 7_000)
    paid = 2_000 * 80.025 + 2_000 * 80.03 + 1_000 * (160.07 + 160.08 + 160.09)
    assert week["vw"] == pytest.approx(paid / 7_000, abs=5e-5)


def test_raw_bars_are_there_for_those_who_ask(rows: DailyRows) -> None:
    rows.all_splits = [split(date(2013, 7, 10), 1, 2)]
    body = api_of(rows).get(f"{RANGE}/1/day/2013-07-08/2013-07-08?adjusted=false")
    assert (body["adjusted"], body["results"][0]["o"]) == (False, 160.05)
    assert "splits" not in rows.asked


def test_as_of_picks_the_splits_that_were_known_and_in_force_then(rows: DailyRows) -> None:
    rows.all_splits = [
        split(date(2013, 7, 10), 1, 2),
        split(date(2013, 9, 3), 1, 5, known=datetime(2013, 8, 1, 12, tzinfo=UTC)),
    ]
    api, url = api_of(rows), f"{RANGE}/1/day/2013-07-01/2013-07-01?as_of="
    opens = {
        moment: api.get(url + moment)["results"][0]["o"]
        for moment in ("2012-12-30", "2013-07-09", "2013-07-10", "2013-08-01", "2013-08-01T11:59:59Z", "2013-09-03")
    }
    assert list(opens.values()) == [160, 160, 80, 80, 80, 16]
    assert api.get(url.removesuffix("?as_of="))["results"][0]["o"] == 16


def test_a_split_beyond_the_feeds_date_adjusts_once_days_at_its_new_price_are_stored(rows: DailyRows) -> None:
    rows.all_splits = [split(date(2014, 6, 9), 1, 2)]
    url = f"{RANGE}/1/day/2013-07-01/2013-07-01"
    assert api_of(rows).get(url)["results"][0]["o"] == 160
    rows.days["SPY", date(2014, 6, 9)] = daily(date(2014, 6, 9), 9_000)
    assert api_of(rows).get(url)["results"][0]["o"] == 80


def minutes_on(api: Api, day: date, cents: int, **more: Any) -> int:
    """Two minutes from 09:30 of a date; returns the first one's start."""
    t = midnight(day) + T0 - midnight(TODAY)
    api.rows.put_base("SPY", t, minute_of(t, first=cents, last=cents + 2, high=cents + 5, low=cents - 5, **more), NOW_S)
    later = minute_of(t + MINUTE, first=cents + 3, last=cents + 4, high=cents + 9, low=cents - 1, **more)
    api.rows.put_base("SPY", t + MINUTE, later, NOW_S)
    return t


def test_the_forming_day_stands_behind_the_stored_ones_without_hole_or_double(rows: DailyRows) -> None:
    """Friday is stored; Monday's nightly batch has not run; today's minutes come in."""
    api = api_of(rows)
    minutes_on(api, date(2013, 10, 4), 1, size=9)  # settled: its stored row stands
    minutes_on(api, date(2013, 10, 7), 16_700)
    minutes_on(api, TODAY, 16_800)
    for sort in ("asc", "desc"):
        body = api.get(f"{RANGE}/1/day/2013-10-03/2013-12-31?sort={sort}")
        expected = [date(2013, 10, 3), date(2013, 10, 4), date(2013, 10, 7), TODAY]
        assert days_of(body) == (expected if sort == "asc" else expected[::-1])
    today = api.get(f"{RANGE}/1/day/{TODAY}/{TODAY}")["results"]
    assert today == [
        {"v": 200, "vw": 168.0225, "o": 168, "c": 168.04, "h": 168.09, "l": 167.95, "t": midnight(TODAY), "n": 4}
    ]
    (week,) = api.get(f"{RANGE}/1/week/{TODAY}/{TODAY}")["results"]
    assert (week["o"], week["c"], week["v"], week["t"]) == (167, 168.04, 400, midnight(date(2013, 10, 6)))
    rows.days["SPY", date(2013, 10, 7)] = daily(date(2013, 10, 7), 20_000)
    assert api.get(f"{RANGE}/1/day/2013-10-07/2013-10-07")["results"][0]["o"] == 200, "what is stored wins"


def test_days_that_are_stored_beyond_the_feeds_date_are_shown_too(rows: DailyRows) -> None:
    rows.days["SPY", date(2013, 11, 4)] = daily(date(2013, 11, 4))
    api = api_of(rows)
    minutes_on(api, TODAY, 16_800)
    assert days_of(api.get(f"{RANGE}/1/day/2013-10-04/2013-11-30")) == [date(2013, 10, 4), TODAY, date(2013, 11, 4)]
    found = api.get(f"{RANGE}/1/day/2013-10-04/2013-11-30?sort=desc")
    assert days_of(found) == [date(2013, 11, 4), TODAY, date(2013, 10, 4)]


def test_trades_outside_the_regular_session_make_no_day(rows: DailyRows) -> None:
    api = api_of(rows)
    early = minute_of(T0 - MINUTE, first=1, last=1, high=1, low=1)._replace(day=Edges())
    api.rows.put_base("SPY", T0 - MINUTE, early, NOW_S)
    url = f"{RANGE}/1/day/{TODAY}/{TODAY}"
    assert "results" not in api.get(url)
    later = api_of(rows)
    later.rows.put_base("SPY", T0 - MINUTE, early, NOW_S)
    minutes_on(later, TODAY, 16_800)
    (bar,) = later.get(url)["results"]
    assert (bar["v"], bar["l"]) == (300, 167.95), "yet their volume is part of it"


@pytest.mark.parametrize("sort", ["asc", "desc"])
def test_minutes_before_a_split_are_adjusted_by_their_new_york_date(sort: str) -> None:
    rows = DailyRows(splits=[split(TODAY, 1, 7)])
    api = api_of(rows)
    monday, tuesday = minutes_on(api, date(2013, 10, 7), 16_700), minutes_on(api, TODAY, 2_400)
    body = api.get(f"{MINUTES}?sort={sort}")
    bars = sorted(body["results"], key=lambda bar: bar["t"])
    assert body["adjusted"] is True
    assert [bar["t"] for bar in bars] == [monday, monday + MINUTE, tuesday, tuesday + MINUTE]
    assert bars[0] == {
        "v": 700,
        "vw": 23.8586,
        "o": 23.857142857,
        "c": 23.86,
        "h": 23.864285714,
        "l": 23.85,
        "t": monday,
        "n": 2,
    }
    assert (bars[2]["o"], bars[2]["v"]) == (24, 100)
    raw = api.get(f"{MINUTES}?adjusted=false")
    assert (raw["adjusted"], raw["results"][0]["o"], raw["results"][0]["v"]) == (False, 167, 100)


@pytest.mark.parametrize("sort", ["asc", "desc"])
def test_a_window_of_minutes_across_a_split_is_at_the_new_price_throughout(sort: str) -> None:
    api = api_of(DailyRows(splits=[split(TODAY, 1, 7)]))
    monday = minutes_on(api, date(2013, 10, 7), 16_800)
    minutes_on(api, TODAY, 2_400)
    (bar,) = api.get(f"{RANGE}/48/hour/{monday}/{monday}?sort={sort}")["results"]
    assert (bar["o"], bar["c"], bar["v"], bar["n"]) == (24, 24.04, 1_600, 8)
    assert (bar["h"], bar["l"]) == (24.09, 23.95)
    paid = 100 * (168.01 + 168.035 + 24.01 + 24.035)
    assert bar["vw"] == pytest.approx(paid / 1_600, abs=5e-5)


def test_splits_of_a_symbol_are_looked_up_once_a_minute() -> None:
    rows, now_s = DailyRows(), [float(NOW_S)]
    api = api_of(rows, now_s=lambda: now_s[0])
    for _ in range(3):
        api.get(MINUTES)
    assert rows.asked == ["splits"]
    now_s[0] += 59
    api.get(MINUTES)
    assert rows.asked == ["splits"]
    now_s[0] += 1
    rows.all_splits = [split(TODAY, 1, 7)]
    minutes_on(api, date(2013, 10, 7), 16_700)
    assert api.get(MINUTES)["results"][0]["v"] == 700
    assert rows.asked == ["splits"] * 2


@pytest.mark.parametrize(
    "url",
    [
        MINUTES,
        f"{RANGE}/1/day/2013-07-02/2013-07-02",
        f"{RANGE}/1/day/2013-07-02/2013-07-02?adjusted=false",
        "/v2/aggs/ticker/SPY/prev",
        "/v1/open-close/SPY/2013-10-07",
        "/v2/aggs/grouped/locale/us/market/stocks/2013-10-07",
    ],
)
def test_what_needs_a_database_that_is_away_is_503_with_a_time_to_wait_and_never_raw(url: str) -> None:
    rows = DailyRows()
    rows.down = True
    api = api_of(rows)
    minutes_on(api, date(2013, 10, 7), 16_700)
    answer = api.send(url)
    assert answer["statusCode"] == 503
    assert answer["multiValueHeaders"]["Retry-After"] == ["1"]
    assert "10.0.0.7" not in answer["body"]
    rows.down = False
    assert api.send(url)["statusCode"] == 200, "a failure is not remembered"


def test_raw_minutes_need_no_database() -> None:
    rows = DailyRows()
    rows.down = True
    api = api_of(rows)
    minutes_on(api, TODAY, 16_700)
    assert api.get(f"{MINUTES}?adjusted=false")["count"] == 2
    assert rows.asked == []


def test_without_a_database_bars_are_made_of_minutes_and_raw() -> None:
    api = Api()
    minutes_on(api, TODAY, 16_700)
    assert api.get(MINUTES)["adjusted"] is False
    refused = api.send(f"{RANGE}/1/day/2013-10-08/2013-10-08")
    assert refused["statusCode"] == 400
    assert "not served yet" in body_of(refused)["error"]


def test_days_need_a_key_for_bars(rows: DailyRows) -> None:
    url = f"{RANGE}/1/day/2013-07-02/2013-07-02"
    assert api_of(rows).send(url, authorizer={**AUTHORIZED, "scopes": "live:read"})["statusCode"] == 403
    assert api_of(rows).send(url, authorizer=None)["statusCode"] == 401
