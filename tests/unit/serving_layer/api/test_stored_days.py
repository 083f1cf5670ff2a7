"""Single days where there is a database: previous close, open-close and grouped daily."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from shared.models.bar import Edges
from shared.models.daily import DailyBar, Split
from tests.fakes.daily_rows import DailyRows
from tests.unit.serving_layer.doubles import MINUTE, NOW_S, T0, Api, Control, minute_of
from tests.unit.serving_layer.events import AUTHORIZED, REQUEST_ID, body_of

PREV = "/v2/aggs/ticker/SPY/prev"
OPEN_CLOSE = "/v1/open-close/SPY"
GROUPED = "/v2/aggs/grouped/locale/us/market/stocks"
DAY_MS = 86_400_000
CLOSE_MS = T0 + 390 * MINUTE
"""2013-10-08 16:00 in New York."""
MONDAY, TUESDAY = date(2013, 10, 7), date(2013, 10, 8)
USD, SHARE = 10**9, 10**6


def bar(day: date, usd: int, sym: str = "SPY") -> DailyBar:
    return DailyBar(sym, day, usd * USD, (usd + 2) * USD, (usd - 2) * USD, (usd + 1) * USD, 70 * SHARE, usd * 10_000, 3)


def api_of(rows: DailyRows) -> Api:
    return Api(daily=rows, control=Control({"source": "trades/", "state": "ended"}, [{"last_trade_ms": T0}]))


@pytest.fixture
def rows() -> DailyRows:
    """Two symbols, one of them with a split on Tuesday and one to come."""
    return DailyRows(
        [bar(date(2013, 10, 3), 140), bar(date(2013, 10, 4), 161), bar(date(2013, 10, 4), 42, "AIG")],
        [
            Split("SPY", TUESDAY, Decimal(1), Decimal(7), "1", datetime(2013, 9, 1, tzinfo=UTC)),
            Split("AIG", date(2013, 10, 9), Decimal(1), Decimal(2), "2", datetime(2013, 9, 1, tzinfo=UTC)),
        ],
    )


def test_the_previous_close_is_the_last_stored_day_at_todays_prices(rows: DailyRows) -> None:
    body = api_of(rows).get(PREV)
    assert body["adjusted"] is True
    assert body["results"] == [
        {"T": "SPY", "v": 490, "vw": 23, "o": 23, "c": 23.142857143, "h": 23.285714286, "l": 22.714285714}
        | {"t": CLOSE_MS - 4 * DAY_MS, "n": 3}
    ]
    raw = api_of(rows).get(f"{PREV}?adjusted=false")
    assert (raw["adjusted"], raw["results"][0]["c"]) == (False, 162)
    then = api_of(rows).get(f"{PREV}?as_of=2013-08-01")
    assert (then["adjusted"], then["results"][0]["c"]) == (True, 162)


def test_a_session_that_is_not_stored_yet_is_the_previous_one_all_the_same(rows: DailyRows) -> None:
    api = api_of(rows)
    t = T0 - DAY_MS
    api.rows.put_base("SPY", t, minute_of(t, first=16_800, last=16_870, high=16_870, low=16_800), NOW_S)
    (found,) = api.get(PREV)["results"]
    assert (found["t"], found["o"], found["c"]) == (CLOSE_MS - DAY_MS, 24, 24.1)


def test_a_day_before_any_recent_session_is_the_previous_one_where_none_came_later() -> None:
    found = api_of(DailyRows([bar(date(1999, 6, 1), 50)])).get(PREV)["results"]
    assert [one["c"] for one in found] == [51]
    assert api_of(DailyRows()).send(PREV)["statusCode"] == 404


def test_open_close_tells_the_stored_day_and_what_minutes_know_of_its_edges(rows: DailyRows) -> None:
    rows.days["SPY", MONDAY] = bar(MONDAY, 161)
    api = api_of(rows)
    for t, cents in ((T0 - DAY_MS - MINUTE, 16_100), (T0 - DAY_MS, 99_900), (CLOSE_MS - DAY_MS, 16_800)):
        minute = minute_of(t, first=cents, last=cents, high=cents, low=cents, size=9)
        api.rows.put_base("SPY", t, minute if cents == 99_900 else minute._replace(day=Edges()), NOW_S)
    adjusted, raw = (api.get(f"{OPEN_CLOSE}/2013-10-07?adjusted={word}") for word in ("true", "false"))
    assert raw == {
        "status": "OK",
        "request_id": REQUEST_ID,
        "from": "2013-10-07",
        "symbol": "SPY",
        "open": 161,
        "high": 163,
        "low": 159,
        "close": 162,
        "volume": 70,
        "preMarket": 161,
        "afterHours": 168,
    }
    assert (adjusted["open"], adjusted["preMarket"], adjusted["afterHours"], adjusted["volume"]) == (23, 23, 24, 490)


def test_open_close_of_long_ago_has_no_edges_and_of_a_closed_day_is_404(rows: DailyRows) -> None:
    body = api_of(rows).get(f"{OPEN_CLOSE}/2013-10-04")
    assert (body["open"], body.keys() & {"preMarket", "afterHours"}) == (23, set())
    for day in ("2013-10-05", "2013-10-02", "2030-01-01"):
        answer = api_of(rows).send(f"{OPEN_CLOSE}/{day}")
        assert (answer["statusCode"], body_of(answer)["status"]) == (404, "NOT_FOUND")


def test_a_grouped_day_holds_every_symbol_at_todays_prices_and_the_close_of_its_session(rows: DailyRows) -> None:
    body = api_of(rows).get(f"{GROUPED}/2013-10-04?include_otc=false&locale=us&market_type=stocks")
    t = CLOSE_MS - 4 * DAY_MS
    assert body == {
        "queryCount": 2,
        "resultsCount": 2,
        "count": 2,
        "adjusted": True,
        "status": "OK",
        "request_id": REQUEST_ID,
        "results": [
            {"T": "AIG", "v": 70, "vw": 42, "o": 42, "c": 43, "h": 44, "l": 40, "t": t, "n": 3},
            {"T": "SPY", "v": 490, "vw": 23, "o": 23, "c": 23.142857143, "h": 23.285714286, "l": 22.714285714}
            | {"t": t, "n": 3},
        ],
    }
    raw = api_of(rows).get(f"{GROUPED}/2013-10-04?adjusted=false")
    assert (raw["adjusted"], [one["o"] for one in raw["results"]]) == (False, [42, 161])
    then = api_of(rows).get(f"{GROUPED}/2013-10-04?as_of=2013-08-01")
    assert [one["o"] for one in then["results"]] == [42, 161]


def test_a_day_without_trades_is_an_empty_group(rows: DailyRows) -> None:
    body = api_of(rows).get(f"{GROUPED}/2013-10-05")
    assert (body["resultsCount"], "results" in body) == (0, False)
    rows.days["FB", date(2013, 10, 5)] = DailyBar("FB", date(2013, 10, 5), None, None, None, None, 0)
    assert api_of(rows).get(f"{GROUPED}/2013-10-05")["resultsCount"] == 0


def test_without_a_database_a_grouped_day_has_to_wait() -> None:
    answer = Api().send(f"{GROUPED}/2013-10-04")
    assert (answer["statusCode"], answer["multiValueHeaders"]["Retry-After"]) == (503, ["1"])


@pytest.mark.parametrize("day", ["today", "2013-02-30", "20131004", "1381239000000"])
def test_a_date_that_is_none_is_400(rows: DailyRows, day: str) -> None:
    assert api_of(rows).send(f"{GROUPED}/{day}")["statusCode"] == 400
    assert api_of(rows).send(f"{GROUPED}/2013-10-04?as_of={day}x")["statusCode"] == 400


def test_a_grouped_day_needs_a_key_for_bars(rows: DailyRows) -> None:
    url = f"{GROUPED}/2013-10-04"
    assert api_of(rows).send(url, authorizer={**AUTHORIZED, "scopes": "live:read"})["statusCode"] == 403
    assert api_of(rows).send(url, authorizer=None)["statusCode"] == 401
