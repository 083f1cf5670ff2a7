"""What the tables themselves refuse, whoever writes, and their months."""

import threading
from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
import pytest

from batch_layer.load.partitions import drop_partitions, ensure_months, ensure_partitions
from shared.bars.scale import MAX_PRICE, MAX_SIZE
from tests.fakes.postgres import TEMPLATE, connect, fresh_database

Connection = psycopg.Connection[tuple[Any, ...]]
GOOD = {"open": "10", "high": "12", "low": "9", "close": "11", "volume": "5"}
NULLS = dict.fromkeys(("open", "high", "low", "close"), "NULL")
TABLES = {
    "bars_1m": ({"t": "'2026-03-02 14:30Z'", "notional": "50"}, ("bars_1m", "2026-03-01", "2026-03-31")),
    "bars_1d": ({"day": "'2026-03-02'"}, ("bars_1d", "2026-03-01", "2026-03-31")),
    "bars_nd": ({"timeframe": "'week'", "day": "'2026-03-02'", "last_day": "'2026-03-06'", "forming": "false"}, None),
}


@pytest.fixture(scope="module")
def conninfo() -> Iterator[str]:
    with fresh_database(TEMPLATE) as conninfo:
        yield conninfo


@pytest.fixture
def connection(conninfo: str) -> Iterator[Connection]:
    """A connection whose writes are undone."""
    with connect(conninfo) as connection, connection.transaction(force_rollback=True):
        yield connection


def insert(connection: Connection, table: str, values: dict[str, str]) -> None:
    keys, months = TABLES[table]
    if months:
        ensure_partitions(connection, months[0], date.fromisoformat(months[1]), date.fromisoformat(months[2]))
    row = {"sym": "'SPY'", "source": "'test'", "known_at": "'2026-03-03'", **keys, **GOOD, **values}
    query = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(row.values())})"  # noqa: S608
    with connection.transaction():
        connection.execute(query.encode())


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "values",
    [
        {},
        NULLS,
        {**NULLS, "volume": "0"},
        {**dict.fromkeys(NULLS, "0.000000001"), "volume": "0.000001", "vwap": "0"},
        {**dict.fromkeys(NULLS, f"{MAX_PRICE}e-9"), "volume": f"{MAX_SIZE}e-6"},
    ],
)
def test_a_bar_of_any_market_is_taken(connection: Connection, table: str, values: dict[str, str]) -> None:
    insert(connection, table, values)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "values",
    [
        *({name: value} for name in ("open", "high", "low", "close") for value in ("'NaN'", "'Infinity'", "NULL")),
        *({name: "'NaN'"} for name in ("volume", "vwap")),
        *(dict.fromkeys(NULLS, value) for value in ("'NaN'", "'Infinity'", "'-Infinity'", "0", "-1", "1000000000")),
        *({"volume": value} for value in ("-1", "NULL", "'Infinity'", "1e12")),
        *({"high": "8"}, {"low": "10.5"}, {"open": "12.1"}, {"close": "8.9"}),
        *({"vwap": "-1"}, {"count": "-1"}, {"sym": "''"}, {"sym": "NULL"}, {"known_at": "NULL"}),
    ],
)
def test_what_is_no_bar_is_refused(connection: Connection, table: str, values: dict[str, str]) -> None:
    with pytest.raises((psycopg.IntegrityError, psycopg.errors.NumericValueOutOfRange)):
        insert(connection, table, values)


def test_a_minute_begins_at_a_whole_minute(connection: Connection) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="minute"):
        insert(connection, "bars_1m", {"t": "'2026-03-02 14:30:01Z'"})


@pytest.mark.fault("F17")
def test_a_change_of_a_minute_is_a_correction_of_its_new_york_date(connection: Connection) -> None:
    insert(connection, "bars_1m", {"t": "'2026-03-03 00:59Z'"})
    connection.execute("UPDATE bars_1m SET close = 10, revision = revision + 1, known_at = '2026-03-04'")
    assert connection.execute("SELECT relation, sym, day, (old ->> 'close')::numeric FROM corrections").fetchall() == [
        ("bars_1m", "SPY", date(2026, 3, 2), 11)
    ]


def months_of(connection: Connection, table: str) -> list[str]:
    found = connection.execute(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass ORDER BY 1", (table,)
    ).fetchall()
    return [name.removeprefix(f"{table}_") for (name,) in found]


@pytest.mark.parametrize("table", ["bars_1m", "bars_1d"])
def test_months_are_made_once_and_dropped_when_they_have_ended(connection: Connection, table: str) -> None:
    made = ensure_partitions(connection, table, date(2025, 11, 30), date(2026, 2, 1))
    assert (made, months_of(connection, table)) == (4, ["2025_11", "2025_12", "2026_01", "2026_02"])
    assert ensure_partitions(connection, table, date(2025, 12, 1), date(2026, 2, 28)) == 0
    assert ensure_months(connection, table, [date(2026, 5, 9), date(2025, 11, 1), date(2026, 5, 1)]) == 1
    assert drop_partitions(connection, table, date(2026, 1, 31)) == 2
    assert months_of(connection, table) == ["2026_01", "2026_02", "2026_05"]
    assert ensure_partitions(connection, table, date(2026, 1, 1), date(2025, 1, 1)) == 0


def test_a_month_of_minutes_ends_at_midnight_utc_whatever_the_zone_of_the_session(connection: Connection) -> None:
    connection.execute("SET LOCAL timezone = 'America/New_York'")
    ensure_partitions(connection, "bars_1m", date(2026, 2, 1), date(2026, 3, 1))
    for t in ("'2026-02-28 23:59Z'", "'2026-03-01 00:00Z'"):
        insert(connection, "bars_1m", {"t": t})
    found = connection.execute("SELECT tableoid::regclass::text, t AT TIME ZONE 'UTC' FROM bars_1m ORDER BY t")
    assert [name for name, _ in found.fetchall()] == ["bars_1m_2026_02", "bars_1m_2026_03"]


def test_other_tables_have_no_months(connection: Connection) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match="not partitioned"):
        ensure_partitions(connection, "corrections", date(2026, 1, 1), date(2026, 1, 1))


def test_a_month_is_made_while_others_read_and_write_and_by_one_of_those_who_ask(conninfo: str) -> None:
    made: list[int] = []

    def ask() -> None:
        with connect(conninfo) as connection, connection.transaction():
            made.append(ensure_partitions(connection, "bars_1d", date(2020, 1, 1), date(2020, 1, 1)))

    with connect(conninfo) as reader, reader.transaction():
        reader.execute("SELECT count(*) FROM bars_1d")
        reader.execute("LOCK TABLE bars_1d IN ROW EXCLUSIVE MODE")
        asking = [threading.Thread(target=ask) for _ in range(4)]
        for one in asking:
            one.start()
        for one in asking:
            one.join(30)
        assert sorted(made) == [0, 0, 0, 1]
    with connect(conninfo) as connection:
        drop_partitions(connection, "bars_1d", date(2020, 2, 1))
