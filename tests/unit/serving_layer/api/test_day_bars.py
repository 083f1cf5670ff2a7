"""Previous close and open-close, as far as there is data."""

import pytest

from shared.models.bar import Edges
from tests.unit.serving_layer.doubles import MINUTE, NOW_S, T0, Api, Control, minute_of
from tests.unit.serving_layer.events import AUTHORIZED, REQUEST_ID, body_of

PREV = "/v2/aggs/ticker/SPY/prev"
OPEN_CLOSE = "/v1/open-close/SPY"
HOUR = 60 * MINUTE
DAY_MS = 24 * HOUR
CLOSE = T0 + 6 * HOUR + 30 * MINUTE


@pytest.fixture
def api() -> Api:
    """SPY on Monday and Tuesday, with trades before the open and after the close; the feed ended on Tuesday."""
    api = Api(control=Control({"source": "trades/", "state": "ended"}, [{"last_trade_ms": CLOSE + HOUR}]))
    for base in (T0 - DAY_MS, T0):
        cents = 16_700 if base == T0 else 16_600
        for t, shift in (
            (base - 2 * HOUR, 1),
            (base - MINUTE, 2),
            (CLOSE - T0 + base, 3),
            (CLOSE - T0 + base + HOUR, 4),
        ):
            price = cents + 1_000 + shift
            outside = minute_of(t, first=price, last=price, high=price, low=price, size=10)._replace(day=Edges())
            api.rows.put_base("SPY", t, outside, NOW_S)
        for t, first, last in ((base, 0, 5), (CLOSE - T0 + base - MINUTE, 20, 9)):
            minute = minute_of(t, first=cents + first, last=cents + last, high=cents + 30, low=cents - 30, count=4)
            api.rows.put_base("SPY", t, minute, NOW_S)
    return api


def test_the_previous_close_is_the_bar_of_the_session_before_the_feeds(api: Api) -> None:
    assert api.get(PREV) == {
        "ticker": "SPY",
        "queryCount": 1,
        "resultsCount": 1,
        "count": 1,
        "adjusted": False,
        "status": "OK",
        "request_id": REQUEST_ID,
        "results": [
            {
                "T": "SPY",
                "v": 240,
                "vw": pytest.approx(
                    (100 * 166.025 + 100 * 166.145 + 10 * (176.01 + 176.02 + 176.03 + 176.04)) / 240, abs=1e-4
                ),
                "o": 166,
                "c": 166.09,
                "h": 166.3,
                "l": 165.7,
                "t": CLOSE - DAY_MS,
                "n": 16,
            }
        ],
    }


def test_open_close_has_the_first_price_before_the_open_and_the_last_after_the_close(api: Api) -> None:
    assert api.get(f"{OPEN_CLOSE}/2013-10-08?adjusted=true") == {
        "status": "OK",
        "request_id": REQUEST_ID,
        "from": "2013-10-08",
        "symbol": "SPY",
        "open": 167,
        "high": 167.3,
        "low": 166.7,
        "close": 167.09,
        "afterHours": 177.04,
        "preMarket": 177.01,
        "volume": 240,
    }


def test_without_trades_outside_the_regular_session_their_prices_are_left_out() -> None:
    api = Api()
    api.rows.put_base("SPY", T0, minute_of(T0, first=5, last=5, high=5, low=5), NOW_S)
    body = api.get(f"{OPEN_CLOSE}/2013-10-08")
    assert body.keys().isdisjoint({"preMarket", "afterHours"})


@pytest.mark.parametrize("day", ["2013-10-09", "2013-10-12", "2013-10-06"])
def test_a_day_without_data_is_404(api: Api, day: str) -> None:
    answer = api.send(f"{OPEN_CLOSE}/{day}")
    assert answer["statusCode"] == 404
    assert body_of(answer)["status"] == "NOT_FOUND"


def test_a_symbol_without_a_day_before_is_404(api: Api) -> None:
    assert api.send(PREV.replace("SPY", "ZZZZQ"))["statusCode"] == 404


@pytest.mark.parametrize(
    "url",
    [
        f"{OPEN_CLOSE}/today",
        f"{OPEN_CLOSE}/2013-02-30",
        f"{PREV}?adjusted=maybe",
        f"{OPEN_CLOSE}/2013-10-08?adjusted=2",
    ],
)
def test_a_parameter_that_breaks_its_rule_is_400(api: Api, url: str) -> None:
    assert api.send(url)["statusCode"] == 400


@pytest.mark.parametrize("url", [PREV, f"{OPEN_CLOSE}/2013-10-08"])
def test_days_are_bars_and_need_a_key_for_them(api: Api, url: str) -> None:
    assert api.send(url, authorizer={**AUTHORIZED, "scopes": "live:read"})["statusCode"] == 403
    assert api.send(url, authorizer=None)["statusCode"] == 401
