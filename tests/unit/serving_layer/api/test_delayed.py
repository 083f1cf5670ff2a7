"""A key of the delayed plan sees what ended 15 minutes ago by the feed's time, and nothing younger."""

from datetime import date
from typing import Any

import pytest

from serving_layer.api.delay import DELAY_MS
from tests.fakes.daily_rows import DailyRows
from tests.unit.serving_layer.api.test_day_aggregates import daily, midnight
from tests.unit.serving_layer.doubles import MINUTE, NOW_S, T0, Api, Control, minute_of
from tests.unit.serving_layer.events import AUTHORIZED

DELAYED = {**AUTHORIZED, "scopes": "bars:read", "plan": "delayed"}
RANGE = "/v2/aggs/ticker/SPY/range"
TODAY, MONDAY = date(2013, 10, 8), date(2013, 10, 7)
FEED = T0 + 40 * MINUTE + 30_000
"""10:10:30 in New York on Tuesday: seen are windows that end by 09:55:30."""


@pytest.fixture
def api() -> Api:
    """Forty minutes of SPY on Tuesday, and the stored days of a fortnight."""
    control = Control({"source": "trades/", "state": "ended"}, [{"last_trade_ms": FEED}])
    rows = DailyRows([daily(date(2013, 9, 30 - back)) for back in range(7)] + [daily(MONDAY)])
    api = Api(daily=rows, control=control)
    for i in range(40):
        bar = minute_of(T0 + i * MINUTE, first=16_742, last=16_750, high=16_800, low=16_700)
        api.rows.put_base("SPY", T0 + i * MINUTE, bar, NOW_S)
    return api


def times(api: Api, url: str, authorizer: Any) -> list[int]:
    return [bar["t"] for bar in api.get(url, authorizer=authorizer).get("results", [])]


@pytest.mark.parametrize("minutes", [1, 5, 15, 30])
@pytest.mark.parametrize("sort", ["asc", "desc"])
def test_minute_bars_are_those_that_ended_by_then_and_whole(api: Api, minutes: int, sort: str) -> None:
    url = f"{RANGE}/{minutes}/minute/2013-10-08/2013-10-08?sort={sort}"
    live, delayed = times(api, url, AUTHORIZED), times(api, url, DELAYED)
    assert delayed == [t for t in live if t + minutes * MINUTE <= FEED - DELAY_MS]
    assert set(live) - set(delayed)


def test_the_pages_of_a_delayed_answer_end_there_too(api: Api) -> None:
    url, seen = f"{RANGE}/1/minute/2013-10-08/2013-10-08?limit=10", list[int]()
    while url:
        body = api.get(url, authorizer=DELAYED)
        seen += [bar["t"] for bar in body["results"]]
        url = body.get("next_url", "").removeprefix("https://bars.example.com")
    assert seen == [T0 + i * MINUTE for i in range(25)]


def test_a_range_that_nobody_may_see_yet_is_empty(api: Api) -> None:
    since = T0 + 30 * MINUTE
    assert times(api, f"{RANGE}/1/minute/{since}/{since + MINUTE}", AUTHORIZED) != []
    assert times(api, f"{RANGE}/1/minute/{since}/{since + MINUTE}", DELAYED) == []


@pytest.mark.parametrize("span", ["1/day", "1/week"])
def test_a_day_or_a_week_is_seen_when_it_is_over(api: Api, span: str) -> None:
    url = f"{RANGE}/{span}/2013-09-23/2013-10-08"
    live, delayed = times(api, url, AUTHORIZED), times(api, url, DELAYED)
    last = {"1/day": midnight(TODAY), "1/week": midnight(date(2013, 10, 6))}[span]
    assert live[-1] == last
    assert delayed == live[:-1] != []


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (f"/v1/open-close/SPY/{TODAY}", 403),
        (f"/v1/open-close/SPY/{MONDAY}", 200),
        (f"/v2/aggs/grouped/locale/us/market/stocks/{TODAY}", 403),
        (f"/v2/aggs/grouped/locale/us/market/stocks/{MONDAY}", 200),
        ("/v2/aggs/ticker/SPY/prev", 200),
        ("/v1/signals", 403),
        ("/v2/last/trade/SPY", 403),
        ("/v3/trades/SPY", 403),
        ("/v2/snapshot/locale/us/markets/stocks/tickers", 403),
        ("/v1/marketstatus/now", 200),
    ],
)
def test_what_tells_of_now_is_refused(api: Api, url: str, code: int) -> None:
    assert api.send(url, authorizer=DELAYED)["statusCode"] == code
    assert api.send(url, authorizer={**AUTHORIZED, "scopes": "bars:read live:read"})["statusCode"] in {200, 404}


def test_just_after_midnight_the_day_before_is_not_over_yet() -> None:
    """Trading has ended hours ago by then; the rule is one and the same all the same."""
    for after_ms, code in ((DELAY_MS - 1, 403), (DELAY_MS, 200)):
        control = Control({"source": "trades/", "state": "ended"}, [{"last_trade_ms": midnight(TODAY) + after_ms}])
        api = Api(daily=DailyRows([daily(MONDAY)]), control=control)
        assert api.send(f"/v1/open-close/SPY/{MONDAY}", authorizer=DELAYED)["statusCode"] == code
