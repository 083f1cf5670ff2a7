"""Days, companies and the market's hours by the vendor's own clients under both names, unmodified, over HTTP."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import massive  # type: ignore[import-untyped]  # the vendor ships no types
import polygon  # type: ignore[import-untyped]  # the vendor ships no types
import pytest

from shared.models.daily import DailyBar, Dividend, Split, Ticker
from tests.fakes.daily_rows import DailyRows
from tests.unit.serving_layer.doubles import MINUTE, NOW_S, T0, Api, Control, minute_of
from tests.unit.serving_layer.http_shim import serving

KNOWN = datetime(2013, 1, 1, tzinfo=UTC)
USD, SHARE = 10**9, 10**6
OCTOBER = [date(2013, 10, day) for day in (1, 2, 3, 4, 7)]


def bar(sym: str, day: date, usd: int) -> DailyBar:
    return DailyBar(sym, day, usd * USD, (usd + 2) * USD, (usd - 2) * USD, (usd + 1) * USD, 70 * SHARE, usd * 10_000, 3)


def midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo("America/New_York")).timestamp()) * 1000


@pytest.fixture(scope="module")
def api() -> Api:
    """SPY and AIG in October 2013, SPY's 7 for 1 split on Tuesday the 8th, the day that is forming."""
    rows = DailyRows(
        [bar(sym, day, usd + n) for sym, usd in (("SPY", 160), ("AIG", 50)) for n, day in enumerate(OCTOBER)],
        [Split("SPY", date(2013, 10, 8), Decimal(1), Decimal(7), f"s{n}", KNOWN) for n in (1, 2)],
        [Dividend("SPY", date(2013, month, 20), Decimal("0.7"), f"d{month}", KNOWN) for month in range(1, 13)],
        [Ticker("SPY", "SPDR", kind="ETF", details='{"address":null}'), *(Ticker(f"T{n}", "") for n in range(25))],
    )
    api = Api(daily=rows, control=Control({"source": "trades/", "state": "ended"}, [{"last_trade_ms": T0}]))
    for t in (T0, T0 + MINUTE):
        api.rows.put_base("SPY", t, minute_of(t, first=2_400, last=2_400, high=2_500, low=2_300), NOW_S)
    return api


@pytest.fixture(params=[polygon, massive], ids=["polygon", "massive"])
def module(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.mark.parametrize("sort", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 2, 50_000])
def test_the_client_pages_through_every_day_once_in_order(api: Api, module: Any, sort: str, limit: int) -> None:
    asked: list[str] = []
    with serving(api, asked) as base:
        client = module.RESTClient(api_key="cv_1_2", base=base)
        bars = list(client.list_aggs("SPY", 1, "day", "2013-10-01", "2013-10-31", sort=sort, limit=limit))
    expected = [midnight(day) for day in (*OCTOBER, date(2013, 10, 8))]
    assert [one.timestamp for one in bars] == (expected if sort == "asc" else expected[::-1])
    assert len(asked) == -(-6 // limit)
    first, last = (bars[0], bars[-1]) if sort == "asc" else (bars[-1], bars[0])
    assert (first.open, first.volume, first.transactions) == (22.857142857, 490, 3)
    assert (last.open, last.high, last.low, last.volume) == (24, 25, 23, 200)


def test_the_client_gets_weeks_and_months_and_raw_prices(api: Api, module: Any) -> None:
    with serving(api, []) as base:
        client = module.RESTClient(api_key="cv_1_2", base=base)
        weeks = client.get_aggs("AIG", 1, "week", "2013-10-01", "2013-10-08")
        months = client.get_aggs("SPY", 1, "month", date(2013, 10, 2), date(2013, 10, 2), adjusted=False)
    assert [(one.timestamp, one.open, one.close) for one in weeks] == [
        (midnight(date(2013, 9, 29)), 50, 54),
        (midnight(date(2013, 10, 6)), 54, 55),
    ]
    assert [(one.timestamp, one.open, one.volume) for one in months] == [(midnight(date(2013, 10, 1)), 160, 550)]


def test_the_client_gets_a_grouped_day_the_previous_close_and_a_days_open_and_close(api: Api, module: Any) -> None:
    with serving(api, []) as base:
        client = module.RESTClient(api_key="cv_1_2", base=base)
        grouped = client.get_grouped_daily_aggs("2013-10-01")
        (before,) = client.get_previous_close_agg("SPY")
        day = client.get_daily_open_close_agg("SPY", "2013-10-07", adjusted=False)
    assert [(one.ticker, one.close) for one in grouped] == [("AIG", 51), ("SPY", 23)]
    assert (before.ticker, before.close) == ("SPY", 23.571428571)
    assert (day.symbol, day.from_, day.open, day.close, day.volume) == ("SPY", "2013-10-07", 164, 165, 70)


@pytest.mark.parametrize("limit", [1, 5, 1_000])
def test_the_client_pages_through_splits_and_dividends(api: Api, module: Any, limit: int) -> None:
    with serving(api, []) as base:
        client = module.RESTClient(api_key="cv_1_2", base=base)
        splits = list(client.list_splits("SPY", execution_date_gte="2013-01-01", order="asc", limit=limit))
        paid = list(client.list_dividends("SPY", ex_dividend_date_lt=date(2013, 10, 1), limit=limit))
    assert [(one.execution_date, one.split_from, one.split_to, one.ticker) for one in splits] == [
        ("2013-10-08", 1, 7, "SPY"),
        ("2013-10-08", 1, 7, "SPY"),
    ]
    assert [one.ex_dividend_date for one in paid] == [f"2013-{month:02d}-20" for month in range(9, 0, -1)]
    assert {(one.cash_amount, one.dividend_type) for one in paid} == {(0.7, "CD")}


def test_the_client_pages_through_tickers_and_gets_the_details_of_one(api: Api, module: Any) -> None:
    asked: list[str] = []
    with serving(api, asked) as base:
        client = module.RESTClient(api_key="cv_1_2", base=base)
        names = [one.ticker for one in client.list_tickers(market="stocks", active=True)]
        pages, known = len(asked), client.get_ticker_details("SPY")
        with pytest.raises(module.exceptions.BadResponse, match="Ticker not found"):
            client.get_ticker_details("ZZZZQ")
    assert names == sorted(["SPY", *(f"T{n}" for n in range(25))])
    assert pages == 3, "the client asks for ten at a time"
    assert (known.ticker, known.name, known.type, known.active, known.address) == ("SPY", "SPDR", "ETF", True, None)


def test_the_client_gets_the_markets_status_and_holidays(api: Api, module: Any) -> None:
    with serving(api, []) as base:
        client = module.RESTClient(api_key="cv_1_2", base=base)
        status, holidays = client.get_market_status(), client.get_market_holidays()
    assert (status.market, status.exchanges.nyse, status.early_hours, status.after_hours) == (
        "open",
        "open",
        False,
        False,
    )
    assert status.server_time == "2013-10-08T09:30:00-04:00"
    assert (holidays[0].date, holidays[0].name, holidays[0].status) == ("2013-11-28", "Thanksgiving", "closed")
