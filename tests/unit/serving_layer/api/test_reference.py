"""Splits, dividends and tickers: what they look like, what they can be filtered by, and pages of them."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from shared.models.daily import Dividend, Split, Ticker
from tests.fakes.daily_rows import DailyRows
from tests.unit.serving_layer.doubles import Api
from tests.unit.serving_layer.events import AUTHORIZED, body_of

HOST = "https://bars.example.com"
REFERENCE = "/v3/reference"
KNOWN, LATER = datetime(2020, 9, 1, tzinfo=UTC), datetime(2021, 1, 2, tzinfo=UTC)


def split(sym: str, day: str, ratio: str, id_: str, known: datetime = KNOWN) -> Split:
    before, after = ratio.split("->")
    return Split(sym, date.fromisoformat(day), Decimal(before), Decimal(after), id_, known)


SPLITS = [
    split("AAPL", "2005-02-28", "1->2", "a"),
    split("AAPL", "2014-06-09", "1->7", "b"),
    split("AAPL", "2020-08-31", "1->4", "c", LATER),
    split("AIG", "2009-07-01", "20->1", "d"),
    split("BNO", "2020-08-31", "1->0.7137", "e"),
    split("ZM", "2031-01-02", "100->1", "f"),
]
DIVIDENDS = [
    Dividend("AAPL", date(2012, 8, 9), Decimal("2.6500"), "1", KNOWN, frequency=4, paid=date(2012, 8, 16)),
    Dividend("AAPL", date(2013, 2, 7), Decimal("2.65"), "2", KNOWN, frequency=4),
    Dividend("AIG", date(2013, 9, 3), Decimal("0.1"), "3", KNOWN, frequency=4, recorded=date(2013, 9, 12)),
    Dividend("AIG", date(2011, 1, 20), Decimal("8.42"), "4", KNOWN, kind="SC"),
    Dividend("SPY", date(2013, 9, 20), Decimal("0.83"), "5", LATER, frequency=4, declared=date(2013, 9, 19)),
]
TICKERS = [
    Ticker("AAPL", "Apple Inc.", exchange="XNAS", kind="CS", cik="0000320193", composite_figi="BBG000B9XRY4"),
    Ticker("AIG", "American International Group", exchange="XNYS", kind="CS"),
    Ticker("BRK.A", "Berkshire Hathaway", exchange="XNYS", kind="CS", details='{"homepage_url":"https://b.com"}'),
    Ticker("FB", "Facebook", exchange="XNAS", kind="CS", active=False, delisted=datetime(2022, 6, 9, tzinfo=UTC)),
    Ticker("SPY", "SPDR S&P 500", exchange="ARCX", kind="ETF", updated=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
    Ticker("bACpL", "Bank of America 7.25%", exchange="XNYS", kind="PFD"),
]


@pytest.fixture
def api() -> Api:
    return Api(daily=DailyRows(splits=SPLITS, dividends=DIVIDENDS, tickers=TICKERS))


def pages(api: Api, url: str) -> Iterator[dict[str, Any]]:
    while True:
        body = api.get(url)
        yield body
        if "next_url" not in body:
            return
        assert body["next_url"].startswith(HOST)
        url = body["next_url"].removeprefix(HOST)


def found(api: Api, route: str, query: str, name: str = "id") -> str:
    """The ids of all pages, in their order."""
    rows = [row for page in pages(api, f"{REFERENCE}/{route}?{query}") for row in page["results"]]
    return " ".join(row[name] for row in rows)


@pytest.mark.parametrize("limit", [1, 2, 1_000])
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "f e c b d a"),
        ("order=asc", "a d b c e f"),
        ("sort=ticker&order=asc", "a b c d e f"),
        ("ticker=AAPL", "c b a"),
        ("ticker=aapl", ""),
        ("ticker.gt=AAPL&ticker.lte=BNO", "e d"),
        ("execution_date=2020-08-31", "e c"),
        ("execution_date.gte=2009-07-01&execution_date.lt=2020-08-31", "b d"),
        ("execution_date.gt=2020-08-31", "f"),
        ("reverse_split=true", "f e d"),
        ("reverse_split=false&ticker=AAPL&order=asc", "a b c"),
        ("as_of=2020-12-31&ticker=AAPL", "b a"),
        ("apiKey=cv_1_2&unknown=1", "f e c b d a"),
    ],
)
def test_splits_are_filtered_and_paged_without_losing_a_filter(api: Api, query: str, expected: str, limit: int) -> None:
    assert found(api, "splits", f"{query}&limit={limit}") == expected


def test_a_split_is_written_with_plain_numbers_whatever_its_ratio(api: Api) -> None:
    body = api.send(f"{REFERENCE}/splits?ticker=BNO")["body"]
    assert json.loads(body, parse_float=Decimal)["results"] == [
        {"execution_date": "2020-08-31", "id": "e", "split_from": 1, "split_to": Decimal("0.7137"), "ticker": "BNO"}
    ]
    assert '"split_from":100,' in api.send(f"{REFERENCE}/splits?ticker=ZM")["body"]


@pytest.mark.parametrize("limit", [1, 2, 1_000])
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "5 3 2 1 4"),
        ("order=asc", "4 1 2 3 5"),
        ("sort=cash_amount", "4 2 1 5 3"),
        ("sort=pay_date&order=asc", "4 2 3 5 1"),
        ("sort=ticker&order=asc", "1 2 4 3 5"),
        ("ticker=AIG", "3 4"),
        ("cash_amount=2.65", "2 1"),
        ("cash_amount.gt=0.1&cash_amount.lt=2.65", "5"),
        ("ex_dividend_date.lt=2013-01-01", "1 4"),
        ("pay_date.gte=2012-01-01", "1"),
        ("record_date=2013-09-12", "3"),
        ("declaration_date.lte=2013-09-19", "5"),
        ("frequency=4&ticker=AAPL", "2 1"),
        ("dividend_type=SC", "4"),
        ("as_of=2020-12-31", "3 2 1 4"),
    ],
)
def test_dividends_are_filtered_and_paged_without_losing_a_filter(
    api: Api, query: str, expected: str, limit: int
) -> None:
    assert found(api, "dividends", f"{query}&limit={limit}") == expected


def test_a_dividend_leaves_out_what_is_not_known(api: Api) -> None:
    first, second = api.get(f"{REFERENCE}/dividends?ticker=AAPL&order=asc")["results"]
    assert first == {
        "cash_amount": 2.65,
        "currency": "USD",
        "dividend_type": "CD",
        "ex_dividend_date": "2012-08-09",
        "frequency": 4,
        "id": "1",
        "pay_date": "2012-08-16",
        "ticker": "AAPL",
    }
    assert "pay_date" not in second


@pytest.mark.parametrize("limit", [1, 2, 1_000])
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "AAPL AIG BRK.A SPY bACpL"),
        ("order=desc", "bACpL SPY BRK.A AIG AAPL"),
        ("active=false", "FB"),
        ("ticker=BRK.A", "BRK.A"),
        ("ticker.gte=AIG&ticker.lt=SPY", "AIG BRK.A"),
        ("ticker.gt=AIG&ticker.lte=SPY&order=desc", "SPY BRK.A"),
        ("ticker=SPY&ticker.lt=B", ""),
        ("type=CS", "AAPL AIG BRK.A"),
        ("exchange=XNYS", "AIG BRK.A bACpL"),
        ("market=crypto", ""),
        ("search=am", "AIG bACpL"),
        ("cik=320193", "AAPL"),
        ("cik=0000320193", "AAPL"),
    ],
)
def test_tickers_are_filtered_and_paged_without_losing_a_filter(
    api: Api, query: str, expected: str, limit: int
) -> None:
    assert found(api, "tickers", f"{query}&limit={limit}", "ticker") == expected


def test_a_ticker_leaves_out_what_is_not_known(api: Api) -> None:
    rows = {row["ticker"]: row for row in api.get(f"{REFERENCE}/tickers")["results"]}
    assert rows["AAPL"] == {
        "ticker": "AAPL",
        "name": "Apple Inc.",
        "market": "stocks",
        "locale": "us",
        "primary_exchange": "XNAS",
        "type": "CS",
        "active": True,
        "currency_name": "usd",
        "cik": "0000320193",
        "composite_figi": "BBG000B9XRY4",
    }
    assert rows["SPY"]["last_updated_utc"] == "2026-01-02T03:04:05Z"
    assert api.get(f"{REFERENCE}/tickers?active=false")["results"][0]["delisted_utc"] == "2022-06-09T00:00:00Z"


def test_details_add_the_vendors_further_fields_but_no_null_and_nothing_over_our_own() -> None:
    told = (
        '{"branding":{"icon_url":"https://x"},"address":null,"list_date":"1993-01-22","name":"Old","market_cap":1.5e12}'
    )
    api = Api(daily=DailyRows(tickers=[TICKERS[4]._replace(details=told)]))
    row = api.get(f"{REFERENCE}/tickers/SPY?date=2013-10-08&ticker=SPY")["results"]
    assert (row["ticker"], row["name"], row["list_date"]) == ("SPY", "SPDR S&P 500", "1993-01-22")
    assert row["branding"] == {"icon_url": "https://x"}
    assert "address" not in row


def test_an_unknown_ticker_is_404_and_tickers_are_case_sensitive(api: Api) -> None:
    assert api.get(f"{REFERENCE}/tickers/bACpL")["results"]["type"] == "PFD"
    for sym in ("BACPL", "types", "ZZZZQ"):
        answer = api.send(f"{REFERENCE}/tickers/{sym}")
        assert (answer["statusCode"], body_of(answer)["error"]) == (404, "Ticker not found.")


@pytest.mark.parametrize(
    "url",
    [
        "splits?ticker=A%20B",
        "splits?execution_date=yesterday",
        "splits?execution_date.gte=2013-02-30",
        "splits?reverse_split=1",
        "splits?sort=id",
        "splits?limit=1001",
        "splits?limit=0",
        "splits?order=up",
        "splits?as_of=never",
        "splits?ticker=A&ticker=B",
        "splits?cursor=YWJj",
        "dividends?cash_amount=NaN",
        "dividends?cash_amount.gt=1e999999999",
        "dividends?cash_amount=abc",
        "dividends?frequency=3",
        "dividends?dividend_type=cd",
        "dividends?pay_date.lt=2013",
        "tickers?sort=name",
        "tickers?cusip=037833100",
        "tickers?active=maybe",
        "tickers?ticker.gt=%00",
        "tickers/%00",
    ],
)
def test_a_parameter_that_breaks_its_rule_is_400(api: Api, url: str) -> None:
    answer = api.send(f"{REFERENCE}/{url}")
    assert (answer["statusCode"], body_of(answer)["status"]) == (400, "ERROR")


def test_a_cursor_fits_its_route_alone_and_cannot_be_altered(api: Api) -> None:
    following = api.get(f"{REFERENCE}/splits?limit=1&ticker=AAPL&apiKey=cv_secret")["next_url"].removeprefix(HOST)
    parts = urlsplit(following)
    assert parts.path == f"{REFERENCE}/splits"
    assert [name for name, _ in parse_qsl(parts.query)] == ["cursor"]
    assert api.send(following)["statusCode"] == 200
    assert api.send(following.replace("/splits", "/dividends"))["statusCode"] == 400
    assert api.send(following[:-1] + ("A" if following[-1] != "A" else "B"))["statusCode"] == 400
    assert api.get(f"{following}&ticker=AIG&limit=7") == api.get(following), "with a cursor nothing else counts"


@pytest.mark.parametrize("route", ["splits", "dividends", "tickers", "tickers/AAPL"])
def test_reference_data_need_a_key_and_a_database_that_answers(api: Api, route: str) -> None:
    url = f"{REFERENCE}/{route}"
    assert api.send(url, authorizer={**AUTHORIZED, "scopes": "live:read"})["statusCode"] == 403
    assert api.send(url, authorizer=None)["statusCode"] == 401
    rows = DailyRows()
    rows.down = True
    for away in (Api(), Api(daily=rows)):
        answer = away.send(url)
        assert (answer["statusCode"], answer["multiValueHeaders"]["Retry-After"]) == (503, ["1"])
