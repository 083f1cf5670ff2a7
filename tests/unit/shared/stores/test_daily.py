import csv
import gzip
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from batch_layer.load.rows import Loaded, load_daily, load_tickers
from shared.bars.scale import PRICE_DIGITS, parse_scaled
from shared.models.daily import DailyBar, Ticker
from shared.stores.daily import ORDERED, DailyStore, Symbols
from shared.stores.postgres import Postgres
from tests.fakes.postgres import TEMPLATE, connect, fresh_database

Connection = psycopg.Connection[tuple[Any, ...]]
KNOWN = datetime(2026, 3, 6, tzinfo=UTC)
LATER = KNOWN + timedelta(days=1)
DAYS = [date(2026, 2, 26) + timedelta(days=n) for n in range(8)]
BARS = {
    (sym, day): DailyBar(sym, day, 10 + n, 12 + n, 9, 11, n, 10 + n, n)
    for sym in ("AIG", "SPY", "spy")
    for n, day in enumerate(DAYS)
    if day.weekday() < 5
}


@pytest.fixture(scope="module")
def conninfo() -> Iterator[str]:
    """A database that holds BARS, and one of them as it became the day after."""
    with fresh_database(TEMPLATE) as conninfo:
        with connect(conninfo) as connection:
            load_daily(connection, BARS.values(), source="rest", known_at=KNOWN)
            load_daily(connection, [REVISED], source="rest", known_at=LATER)
            load_tickers(connection, TICKERS, source="rest", known_at=KNOWN)
        yield conninfo


@pytest.fixture(scope="module")
def store(conninfo: str) -> DailyStore:
    return DailyStore(Postgres(conninfo))


REVISED = BARS["SPY", date(2026, 3, 2)]._replace(close=10, volume=1_000_000_000_000)
NOW = {**BARS, (REVISED.sym, REVISED.day): REVISED}


def of(sym: str, start: date, end: date, bars: dict[tuple[str, date], DailyBar] = NOW) -> list[DailyBar]:
    return [bar for bar in bars.values() if bar.sym == sym and start <= bar.day <= end]


def test_bars_of_a_symbol_come_by_day_with_both_ends(store: DailyStore) -> None:
    for start in DAYS:
        for end in DAYS:
            assert store.bars("SPY", start, end) == of("SPY", start, end)
            assert store.bars("SPY", start, end, reverse=True) == of("SPY", start, end)[::-1]


def test_a_limit_takes_from_the_side_that_is_read_first(store: DailyStore) -> None:
    whole = of("SPY", DAYS[0], DAYS[-1])
    for limit in range(len(whole) + 2):
        assert store.bars("SPY", DAYS[0], DAYS[-1], limit=limit) == whole[:limit]
        assert store.bars("SPY", DAYS[0], DAYS[-1], reverse=True, limit=limit) == whole[::-1][:limit]


def test_symbols_differ_by_case_and_what_is_not_there_is_nothing(store: DailyStore) -> None:
    assert {bar.sym for bar in store.bars("spy", DAYS[0], DAYS[-1])} == {"spy"}
    assert store.bars("Spy", DAYS[0], DAYS[-1]) == []
    assert store.bars("SPY", date(1998, 1, 1), date(1998, 12, 31)) == []


def test_a_date_has_the_bars_of_all_symbols_by_symbol(store: DailyStore) -> None:
    for day in DAYS:
        assert store.grouped(day) == [bar for (_, at), bar in sorted(NOW.items()) if at == day]


def test_the_last_bar_before_a_date_may_be_in_another_month(store: DailyStore) -> None:
    assert store.last_before("SPY", date(2026, 3, 2)) == NOW["SPY", date(2026, 2, 27)]
    assert store.last_before("SPY", date(2030, 1, 1)) == NOW["SPY", date(2026, 3, 5)]
    assert store.last_before("SPY", DAYS[0]) is None
    assert store.last_before("SPY", date.min) is None


@pytest.mark.fault("F17")
def test_what_was_known_before_a_correction_can_be_read(store: DailyStore) -> None:
    first, last, then = DAYS[0], DAYS[-1], LATER - timedelta(microseconds=1)
    assert store.bars("SPY", first, last, as_of=then) == of("SPY", first, last, BARS)
    assert store.bars("SPY", first, last, as_of=LATER) == of("SPY", first, last)
    assert store.bars("SPY", first, last, as_of=KNOWN - timedelta(days=1)) == []
    assert store.bars("SPY", first, last, as_of=then, reverse=True, limit=2) == of("SPY", first, last, BARS)[:-3:-1]
    assert store.grouped(REVISED.day, as_of=then) == [bar for (_, day), bar in BARS.items() if day == REVISED.day]


TICKERS = [
    Ticker("AAPL", "Apple Inc.", exchange="XNAS", kind="CS", updated=KNOWN, cik="0000320193"),
    Ticker("AIG", "American International Group", exchange="XNYS", kind="CS", updated=KNOWN + timedelta(hours=1)),
    Ticker("BRK.A", "Berkshire Hathaway", exchange="XNYS", kind="CS"),
    Ticker("FB", "Facebook", exchange="XNAS", kind="CS", active=False, delisted=KNOWN),
    Ticker("SPY", "SPDR S&P 500 ETF 100% _", exchange="ARCX", kind="ETF", details='{"a":1}'),
    Ticker("X:BTCUSD", "Bitcoin", market="crypto", locale="global"),
]


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        ({}, lambda _: True),
        ({"active": True}, lambda t: t.active),
        ({"active": False}, lambda t: not t.active),
        ({"kind": "ETF"}, lambda t: t.kind == "ETF"),
        ({"market": "crypto"}, lambda t: t.market == "crypto"),
        ({"exchange": "XNYS", "kind": "CS"}, lambda t: t.exchange == "XNYS"),
        ({"search": "aPP"}, lambda t: t.sym == "AAPL"),
        ({"search": "aig"}, lambda t: t.sym == "AIG"),
        ({"search": "0% _"}, lambda t: t.sym == "SPY"),
        ({"search": "_"}, lambda t: "_" in t.name),
        ({"search": "%"}, lambda t: "%" in t.name),
        ({"search": "\\"}, lambda _: False),
        ({"symbols": Symbols(gt="AIG")}, lambda t: t.sym > "AIG"),
        ({"symbols": Symbols(gte="AIG", lt="FB")}, lambda t: "AIG" <= t.sym < "FB"),
        ({"symbols": Symbols(lte="FB"), "active": True}, lambda t: t.sym <= "FB" and t.active),
    ],
)
def test_listings_are_those_that_fit_all_that_is_asked(store: DailyStore, asked: dict[str, Any], fits: Any) -> None:
    assert store.tickers(**asked) == [ticker for ticker in TICKERS if fits(ticker)]


@pytest.mark.parametrize("order", ORDERED)
@pytest.mark.parametrize("reverse", [False, True])
def test_listings_come_in_the_order_asked_for_and_what_has_no_value_last(
    store: DailyStore, order: str, reverse: bool
) -> None:
    known = [ticker for ticker in TICKERS if getattr(ticker, order) is not None]
    unknown = [ticker for ticker in TICKERS if getattr(ticker, order) is None]
    expected = [
        *sorted(known, key=lambda ticker: (getattr(ticker, order), ticker.sym), reverse=reverse),
        *sorted(unknown, key=lambda ticker: ticker.sym, reverse=reverse),
    ]
    assert store.tickers(order=order, reverse=reverse) == expected
    assert store.tickers(order=order, reverse=reverse, limit=2) == expected[:2]


def test_an_order_that_is_no_column_is_refused(store: DailyStore) -> None:
    with pytest.raises(ValueError, match="order must be one of"):
        store.tickers(order="sym; DROP TABLE tickers")


def in_the_file(path: Path) -> list[DailyBar]:
    """The days of a recorded file; 0 transactions mean unknown there."""
    bars = []
    with gzip.open(path, "rt") as lines:
        for row in csv.DictReader(lines):
            day = datetime.fromtimestamp(
                int(row["window_start"]) // 10**9, UTC
            ).date()  # 4 or 5 h after midnight in UTC
            open_, high, low, close = (
                parse_scaled(row[name], PRICE_DIGITS) for name in ("open", "high", "low", "close")
            )
            bars.append(DailyBar(row["ticker"], day, open_, high, low, close, int(row["volume"]) * 10**6))
    return bars


def test_recorded_days_come_back_exactly_as_the_files_have_them(recorded: Path) -> None:
    files = {path.name.partition(".")[0]: in_the_file(path) for path in sorted((recorded / "daily").glob("*.csv.gz"))}
    bars = [bar for rows in files.values() for bar in rows]
    with fresh_database(TEMPLATE) as conninfo, connect(conninfo) as connection:
        assert load_daily(connection, bars, source="files", known_at=KNOWN) == Loaded(rows=len(bars), added=len(bars))
        assert load_daily(connection, bars[::-1], source="files", known_at=LATER) == Loaded(rows=len(bars))
        store = DailyStore(Postgres(conninfo))
        for sym, rows in files.items():
            assert store.bars(sym, date(1998, 1, 1), date(2021, 3, 31)) == rows
        crash = date(2008, 9, 15)
        assert store.grouped(crash) == [bar for bar in bars if bar.day == crash]
