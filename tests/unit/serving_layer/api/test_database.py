"""The API over a real PostgreSQL: what is in memory elsewhere answers as the database does, and recorded history."""

import csv
import gzip
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from batch_layer.load.rows import load_daily, load_dividends, load_splits, load_tickers
from serving_layer.api.wiring import database_of
from shared.models.daily import DailyBar, Dividend, Split, Ticker
from shared.stores.daily import DailyStore
from shared.stores.postgres import PostgresSettings
from tests.effort import at_most
from tests.fakes.daily_rows import DailyRows
from tests.fakes.postgres import connection, database
from tests.unit.serving_layer.doubles import T0, Api, Control

__all__ = ["connection", "database"]

HOST = "https://bars.example.com"
AGGS, REFERENCE = "/v2/aggs/ticker", "/v3/reference"
KNOWN, LATER = datetime(2013, 1, 1, tzinfo=UTC), datetime(2013, 9, 1, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")
USD, SHARE = 10**9, 10**6


def api_over(rows: Any) -> Api:
    return Api(daily=rows, control=Control({"source": "trades/", "state": "ended"}, [{"last_trade_ms": T0}]))


def stored(database: str) -> Any:
    postgres = database_of(PostgresSettings(postgres_conninfo=database))
    assert postgres is not None
    return DailyStore(postgres)


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        yield from csv.DictReader(lines)


def day(sym: str, at: date, usd: int, **fields: Any) -> DailyBar:
    prices = {"open": usd, "high": usd + 2, "low": usd - 2, "close": usd + 1}
    scaled = {name: price * USD for name, price in prices.items()}
    return DailyBar(sym, at, **{**scaled, "volume": 70 * SHARE, "vwap": usd * 10_000, "count": 3, **fields})


DAYS = [
    *(day("SPY", date(2013, 9, 23) + timedelta(days=n), 150 + n) for n in range(12)),
    day("AIG", date(2013, 9, 30), 48, vwap=None, count=None, volume=123_456),
    DailyBar("BNO", date(2013, 9, 30), None, None, None, None, 0),
    day("bACpL", date(2013, 9, 30), 1_100),
]
SPLITS = [
    Split("SPY", date(2013, 9, 27), Decimal(3), Decimal(7), "b", KNOWN),
    Split("SPY", date(2013, 9, 27), Decimal(3), Decimal(7), "a", KNOWN),
    Split("SPY", date(2013, 10, 1), Decimal(1), Decimal("0.7137"), "c", LATER),
    Split("SPY", date(2030, 1, 2), Decimal(1), Decimal(10), "d", KNOWN),
]
DIVIDENDS = [Dividend("SPY", date(2013, month, 20), Decimal("0.7"), f"d{month}", KNOWN) for month in range(1, 10)]
TICKERS = [
    Ticker("SPY", "SPDR S&P 500", exchange="ARCX", kind="ETF", details='{"list_date":"1993-01-22"}'),
    Ticker("bACpL", "Bank of America", exchange="XNYS", kind="PFD"),
    Ticker("FB", "Facebook", active=False, delisted=datetime(2022, 6, 9, tzinfo=UTC)),
]


def test_what_is_in_memory_answers_as_the_database_does(
    database: str, connection: "psycopg.Connection[tuple[Any, ...]]"
) -> None:
    load_daily(connection, DAYS, source="test", known_at=KNOWN)
    load_splits(connection, SPLITS, source="test", known_at=KNOWN)
    load_dividends(connection, DIVIDENDS, source="test", known_at=KNOWN)
    load_tickers(connection, TICKERS, source="test", known_at=KNOWN)
    memory, real = api_over(DailyRows(DAYS, [SPLITS[1], *SPLITS[2:]], DIVIDENDS, TICKERS)), api_over(stored(database))
    for url in (
        f"{AGGS}/SPY/range/1/day/2013-09-01/2013-10-31?limit=5",
        f"{AGGS}/SPY/range/1/day/2013-09-01/2013-10-31?limit=5&sort=desc",
        f"{AGGS}/SPY/range/1/week/2013-09-01/2013-10-31?as_of=2013-08-01",
        f"{AGGS}/AIG/range/1/month/2013-09-01/2013-10-31",
        f"{AGGS}/SPY/prev",
        "/v1/open-close/SPY/2013-09-23",
        "/v2/aggs/grouped/locale/us/market/stocks/2013-09-30",
        f"{REFERENCE}/splits",
        f"{REFERENCE}/splits?ticker=SPY&as_of=2013-08-01",
        f"{REFERENCE}/dividends?limit=4",
        f"{REFERENCE}/tickers?limit=1",
        f"{REFERENCE}/tickers?search=s%26p",
        f"{REFERENCE}/tickers?active=false",
        f"{REFERENCE}/tickers/SPY",
    ):
        first, second = (json.loads(api.send(url)["body"], parse_float=Decimal) for api in (memory, real))
        assert first == second
        assert first["status"] == "OK", first
        assert "results" in first or "open" in first, "there is something to compare"


@pytest.mark.parametrize(("sym", "days"), at_most([("AAPL", 5_849), ("AIG", 5_849)], [("AIG", 5_849)]))
def test_every_recorded_day_comes_back_as_published_factors_adjust_it(
    recorded: Path, database: str, connection: "psycopg.Connection[tuple[Any, ...]]", sym: str, days: int
) -> None:
    published = {
        datetime.fromtimestamp(int(row["window_start"]) // 10**9, NEW_YORK).date(): row
        for row in rows_of(recorded / "daily" / f"{sym}.csv.gz")
    }
    factors = [
        (date.fromisoformat(row["date"]), float(row["split_factor"]))
        for row in rows_of(recorded / "factors.csv")
        if row["ticker"] == sym
    ]
    bars = [
        DailyBar(
            sym,
            at,
            open=int(Decimal(row["open"]) * USD),
            high=int(Decimal(row["high"]) * USD),
            low=int(Decimal(row["low"]) * USD),
            close=int(Decimal(row["close"]) * USD),
            volume=int(row["volume"]) * SHARE,
        )
        for at, row in published.items()
    ]
    splits = [
        Split(sym, date.fromisoformat(row["ex_date"]), Decimal(row["split_from"]), Decimal(row["split_to"]), id_, KNOWN)
        for row in rows_of(recorded / "corporate_actions.csv")
        if row["ticker"] == sym and row["split_to"]
        for id_ in (f"{row['ex_date']}-1", f"{row['ex_date']}-2")
    ]
    load_daily(connection, bars, source="recorded", known_at=datetime(2021, 4, 1, tzinfo=UTC))
    load_splits(connection, splits, source="recorded", known_at=KNOWN)
    api, url, seen = api_over(stored(database)), f"{AGGS}/{sym}/range/1/day/1998-01-01/2021-03-31?limit=2500", 0
    while url:
        body = api.get(url)
        for bar in body["results"]:
            at = datetime.fromtimestamp(bar["t"] / 1000, NEW_YORK).date()
            factor = next((factor for through, factor in factors if through >= at), 1.0)
            for name, column in (("o", "open"), ("h", "high"), ("l", "low"), ("c", "close")):
                assert abs(bar[name] / (float(published[at][column]) * factor) - 1) < 1e-5
            assert abs(bar["v"] / (float(published[at]["volume"]) / factor) - 1) < 1e-5
        seen += len(body["results"])
        url = body.get("next_url", "").removeprefix(HOST)
    assert seen == days
