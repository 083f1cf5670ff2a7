"""Splits, dividends and tickers as the vendor tells them."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from batch_layer.fetch.reference import fetch_dividends, fetch_splits, fetch_ticker, fetch_tickers
from batch_layer.fetch.units import Unit
from shared.errors import InvalidRecord, SourceUnavailable
from shared.models.daily import Dividend, Split, Ticker
from tests.unit.batch_layer.fetch.support import client
from tests.unit.shared.clients.vendor import Answer, Vendor, vendor

AT = datetime(2024, 12, 31, 12, tzinfo=UTC)
SPLITS = Unit("splits", "A", date(2020, 1, 1), asked=AT.date())
DIVIDENDS = Unit("dividends", start=date(2020, 1, 1), end=date(2020, 1, 7), asked=AT.date())
SPLIT = '{"id":"E1","ticker":"A","execution_date":"2020-08-31","split_from":1,"split_to":4}'
DIVIDEND = (
    '{"id":"E2","ticker":"A","ex_dividend_date":"2020-01-02","cash_amount":0.205,"currency":"USD","dividend_type":"SC",'
    '"frequency":4,"declaration_date":"2019-12-01","record_date":"2020-01-03","pay_date":"2020-01-20"}'
)


@pytest.fixture
def server() -> Iterator[Vendor]:
    with vendor() as server:
        yield server


def answer(*rows: str, **more: Any) -> Answer:
    head = json.dumps({"status": "OK", **more})[:-1]
    return Answer(body=f'{head},"results":[{",".join(rows)}]}}'.encode())


def asked(server: Vendor, number: int = 0) -> tuple[str, dict[str, list[str]]]:
    url = urlsplit(server.requests[number][0])
    return url.path, parse_qs(url.query)


def test_a_split_keeps_its_ratio_as_written(server: Vendor) -> None:
    fractional = SPLIT.replace('"split_to":4', '"split_to":0.7137')
    server.answers = [answer(SPLIT, fractional)]
    splits = fetch_splits(client(server.url), SPLITS, AT).splits
    assert splits[0] == Split("A", date(2020, 8, 31), Decimal(1), Decimal(4), "E1", AT)
    assert splits[1].split_to == Decimal("0.7137")


def test_splits_of_a_symbol_are_asked_for_without_an_end(server: Vendor) -> None:
    server.answers = [answer()]
    assert not fetch_splits(client(server.url), SPLITS, AT).splits
    assert asked(server) == (
        "/v3/reference/splits",
        {
            "ticker": ["A"],
            "execution_date.gte": ["2020-01-01"],
            "order": ["asc"],
            "sort": ["execution_date"],
            "limit": ["1000"],
        },
    )


def test_a_dividend_keeps_everything_that_was_told(server: Vendor) -> None:
    bare = '{"id":"E3","ticker":"B","ex_dividend_date":"2020-01-02","cash_amount":1}'
    server.answers = [answer(DIVIDEND, bare)]
    full, short = fetch_dividends(client(server.url), DIVIDENDS, AT).dividends
    dates = {"declared": date(2019, 12, 1), "recorded": date(2020, 1, 3), "paid": date(2020, 1, 20)}
    assert full == Dividend("A", date(2020, 1, 2), Decimal("0.205"), "E2", AT, "USD", "SC", 4, **dates)
    assert short == Dividend("B", date(2020, 1, 2), Decimal(1), "E3", AT)
    path, query = asked(server)
    assert path == "/v3/reference/dividends"
    assert (query["ex_dividend_date.gte"], query["ex_dividend_date.lte"]) == (["2020-01-01"], ["2020-01-07"])
    assert "ticker" not in query


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (SPLIT.replace('"split_to":4', '"split_to":0'), "split_to"),
        (SPLIT.replace('"split_from":1', '"split_from":-1'), "split_from"),
        (SPLIT.replace('"split_from":1', '"split_from":"1"'), "split_from"),
        (SPLIT.replace('"split_from":1', '"split_from":null'), "split_from"),
        (SPLIT.replace("2020-08-31", "2020-02-31"), "shape"),
        (SPLIT.replace('"id":"E1",', ""), "shape"),
        (SPLIT.replace('"A"', '"not a symbol"'), "symbol"),
        ("[]", "shape"),
    ],
)
def test_a_row_that_breaks_a_rule_is_kept_apart(server: Vendor, bad: str, reason: str) -> None:
    server.answers = [answer(bad, SPLIT)]
    fetched = fetch_splits(client(server.url), SPLITS, AT)
    assert [split.id for split in fetched.splits] == ["E1"]
    assert [(one.row, one.reason) for one in fetched.refused] == [(bad.encode(), reason)]


@pytest.mark.parametrize("body", [b"", b"{", b'{"status":"OK"}', b'{"status":"OK","results":null}', b'{"results":[]}'])
def test_a_page_without_results_is_broken_and_not_empty(server: Vendor, body: bytes) -> None:
    server.answers = [Answer(200, body)]
    with pytest.raises(SourceUnavailable, match="broken body"):
        fetch_splits(client(server.url), SPLITS, AT)


LISTED = {
    "ticker": "A", "name": "Agilent", "market": "stocks", "locale": "us", "primary_exchange": "XNYS", "type": "CS",
    "active": True, "currency_name": "usd", "cik": "0001090872", "composite_figi": "BBG000C2V3D6",
    "share_class_figi": "BBG001SCTQY4", "last_updated_utc": "2024-12-30T00:00:00Z",
}  # fmt: skip  # a row as it comes


def test_tickers_are_listed_page_by_page(server: Vendor) -> None:
    gone = {"ticker": "B", "name": "Bell", "active": False, "delisted_utc": "2020-01-02T05:00:00", "cik": None}
    server.answers = [answer(json.dumps(LISTED), next_url="/v3/reference/tickers?cursor=b"), answer(json.dumps(gone))]
    first, second = fetch_tickers(client(server.url), Unit("tickers", asked=AT.date())).tickers
    assert first == Ticker(
        "A", "Agilent", exchange="XNYS", kind="CS", cik="0001090872", composite_figi="BBG000C2V3D6",
        share_class_figi="BBG001SCTQY4", updated=datetime(2024, 12, 30, tzinfo=UTC),
    )  # fmt: skip  # as above
    assert second == Ticker("B", "Bell", active=False, delisted=datetime(2020, 1, 2, 5, tzinfo=UTC))
    assert asked(server)[1] == {
        "market": ["stocks"], "active": ["true"], "order": ["asc"], "sort": ["ticker"], "limit": ["1000"],
    }  # fmt: skip  # a query as it goes


def test_symbols_that_are_no_longer_listed_are_asked_for_apart(server: Vendor) -> None:
    server.answers = [answer()]
    fetch_tickers(client(server.url), Unit("delisted", asked=AT.date()))
    assert asked(server)[1]["active"] == ["false"]


def test_details_keep_what_has_no_place_of_its_own(server: Vendor) -> None:
    more = {"market_cap": 4e10, "address": {"city": "Santa Clara"}}
    server.answers = [Answer(200, json.dumps({"status": "OK", "results": LISTED | more}).encode())]
    (ticker,) = fetch_ticker(client(server.url), Unit("ticker", "BRK.A", asked=AT.date())).tickers
    assert (ticker.sym, ticker.name) == ("A", "Agilent")
    assert json.loads(ticker.details) == more
    assert asked(server)[0] == "/v3/reference/tickers/BRK.A"


def test_a_symbol_that_the_vendor_does_not_know_is_that_units_failure(server: Vendor) -> None:
    server.answers = [Answer(404, b'{"status":"NOT_FOUND"}')]
    with pytest.raises(InvalidRecord, match="404"):
        fetch_ticker(client(server.url), Unit("ticker", "NONE", asked=AT.date()))
