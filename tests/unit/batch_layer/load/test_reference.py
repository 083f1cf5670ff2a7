from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from batch_layer.load.rows import Loaded, load_dividends, load_splits, load_tickers
from shared.models.daily import Dividend, Split, Ticker
from shared.stores.daily import DailyStore
from shared.stores.postgres import Postgres

Connection = psycopg.Connection[tuple[Any, ...]]
KNOWN = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)
LATER = KNOWN + timedelta(days=1)
SPLIT = Split("AIG", date(2009, 7, 1), Decimal(20), Decimal(1), "E1", KNOWN)
ODD = Split("BNO", date(2026, 4, 1), Decimal("1.5"), Decimal("2.25"), "E2", KNOWN)
CASH = Dividend("SPY", date(2026, 3, 20), Decimal("1.762308"), "D1", KNOWN, recorded=date(2026, 3, 23), frequency=4)
APPLE = Ticker("AAPL", "Apple Inc.", exchange="XNAS", kind="CS", composite_figi="BBG000B9XRY4", updated=KNOWN)


@pytest.fixture
def store(database: str) -> DailyStore:
    return DailyStore(Postgres(database))


def splits(connection: Connection, *rows: Split) -> Loaded:
    return load_splits(connection, rows, source="rest", known_at=LATER)


def dividends(connection: Connection, *rows: Dividend) -> Loaded:
    return load_dividends(connection, rows, source="rest", known_at=LATER)


def tickers(connection: Connection, *rows: Ticker, known_at: datetime = KNOWN) -> Loaded:
    return load_tickers(connection, rows, source="rest", known_at=known_at)


def test_splits_and_dividends_are_read_as_they_were_loaded(connection: Connection, store: DailyStore) -> None:
    assert splits(connection, ODD, SPLIT) == Loaded(rows=2, added=2)
    assert dividends(connection, CASH) == Loaded(rows=1, added=1)
    assert (store.splits(None), store.splits("BNO"), store.splits("SPY")) == ([SPLIT, ODD], [ODD], [])
    assert (store.dividends("SPY"), store.dividends(None), store.dividends("AIG")) == ([CASH], [CASH], [])


def test_a_repeat_that_was_fetched_later_changes_nothing(connection: Connection, store: DailyStore) -> None:
    splits(connection, SPLIT)
    dividends(connection, CASH)
    assert splits(connection, SPLIT._replace(known_at=LATER)) == Loaded(rows=1)
    assert dividends(connection, CASH._replace(known_at=LATER, cash=Decimal("1.76230800"))) == Loaded(rows=1)
    assert store.splits("AIG") == [SPLIT]


def test_what_was_known_then_stays_readable(connection: Connection, store: DailyStore) -> None:
    revised = SPLIT._replace(day=date(2009, 7, 2), known_at=LATER)
    paid = CASH._replace(paid=date(2026, 4, 30), known_at=LATER)
    splits(connection, SPLIT)
    dividends(connection, CASH)
    assert splits(connection, revised).changed == dividends(connection, paid).changed == 1
    before, then, now = KNOWN - timedelta(seconds=1), LATER - timedelta(seconds=1), LATER
    assert [store.splits("AIG", at) for at in (before, then, now, None)] == [[], [SPLIT], [revised], [revised]]
    assert [store.dividends(None, at) for at in (before, then, now, None)] == [[], [CASH], [paid], [paid]]


def test_one_split_under_two_ids_is_used_once(connection: Connection, store: DailyStore) -> None:
    assert splits(connection, SPLIT._replace(id="E9"), SPLIT).added == 2
    assert store.splits("AIG") == [SPLIT]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (SPLIT._replace(split_from=Decimal(0)), "ratio"),
        (SPLIT._replace(split_to=Decimal("NaN")), "split_to"),
        (SPLIT._replace(split_to=Decimal("Infinity")), "split_to"),
        (SPLIT._replace(split_to=Decimal("1e9999")), "split_to"),
        (SPLIT._replace(id=""), "id"),
        (SPLIT._replace(known_at=datetime(2026, 3, 3)), "known_at"),  # noqa: DTZ001  (that is what is wrong with it)
    ],
)
def test_a_split_that_cannot_be_is_set_aside(connection: Connection, row: Split, reason: str) -> None:
    assert splits(connection, ODD, row) == Loaded(rows=2, added=1, reasons={reason: 1})


@pytest.mark.parametrize("cash", [Decimal(-1), Decimal("NaN"), Decimal("-Infinity")])
def test_a_dividend_that_cannot_be_is_set_aside(connection: Connection, cash: Decimal) -> None:
    assert dividends(connection, CASH._replace(cash=cash)) == Loaded(rows=1, reasons={"cash": 1})


def test_a_listing_is_read_as_it_was_loaded_and_its_changes_are_corrections(
    connection: Connection, store: DailyStore
) -> None:
    assert tickers(connection, APPLE) == Loaded(rows=1, added=1)
    assert tickers(connection, APPLE, known_at=LATER) == Loaded(rows=1)
    renamed = APPLE._replace(name="Apple", details='{"homepage_url":"https://apple.example"}')
    assert tickers(connection, renamed, known_at=LATER) == Loaded(rows=1, changed=1)
    assert (store.ticker("AAPL"), store.ticker("aapl")) == (renamed, None)
    assert connection.execute("SELECT relation, sym, day, old ->> 'name', known_at FROM corrections").fetchall() == [
        ("tickers", "AAPL", None, "Apple Inc.", LATER)
    ]


OLD_FB = Ticker("FB", "FBR Asset Investment", active=False, delisted=datetime(2003, 3, 31, tzinfo=UTC))
FB = Ticker("FB", "Facebook", composite_figi="BBG000MM2P62")
ENDED_FB = FB._replace(active=False, delisted=datetime(2022, 6, 9, tzinfo=UTC))


@pytest.mark.parametrize("rows", [(OLD_FB, FB), (FB, OLD_FB)])
def test_a_symbol_that_was_given_away_again_is_its_active_company(
    connection: Connection, store: DailyStore, rows: tuple[Ticker, ...]
) -> None:
    tickers(connection, *rows)
    assert store.ticker("FB") == FB
    assert tickers(connection, OLD_FB, known_at=LATER) == Loaded(rows=1, outdated=1)
    assert store.ticker("FB") == FB


def test_the_end_of_the_listing_itself_takes_its_place(connection: Connection, store: DailyStore) -> None:
    tickers(connection, FB)
    assert tickers(connection, ENDED_FB, known_at=LATER).changed == 1
    assert store.ticker("FB") == ENDED_FB


def test_an_end_after_the_listing_was_known_takes_its_place_without_a_figi(
    connection: Connection, store: DailyStore
) -> None:
    tickers(connection, APPLE._replace(composite_figi=""))
    ended = APPLE._replace(composite_figi="", active=False, delisted=KNOWN + timedelta(hours=3))
    assert tickers(connection, ended, known_at=LATER).changed == 1
    assert store.ticker("AAPL") == ended


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_listings_that_ended_the_last_is_kept(
    connection: Connection, store: DailyStore, order: tuple[int, int]
) -> None:
    for n, which in enumerate(order):
        tickers(connection, (OLD_FB, ENDED_FB)[which], known_at=KNOWN + n * timedelta(days=1))
    assert store.ticker("FB") == ENDED_FB


def test_a_listing_without_a_name_or_symbol_is_set_aside(connection: Connection) -> None:
    nameless = APPLE._replace(name=None)  # type: ignore[arg-type]
    assert tickers(connection, nameless, APPLE._replace(sym="")) == Loaded(rows=2, reasons={"name": 1, "sym": 1})
