"""Queries as users of TimescaleDB write them, against DuckDB (whose time_bucket was made to agree) and plain Python."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import psycopg
import pytest

from batch_layer.load.migrate import migrate
from tests.fakes.postgres import TEMPLATE, connect, fresh_database

Connection = psycopg.Connection[tuple[Any, ...]]
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
START = datetime(2026, 2, 27, 14, 30, tzinfo=UTC)


def minutes(sym: str) -> list[tuple[Any, ...]]:
    """Four sessions' worth of minutes across a week and a month's end, some missing: sym, t, o, h, l, c, v."""
    random, rows = Random(sym), []
    for day in range(5):
        for minute in range(390):
            if random.random() < 0.1:
                continue
            open_, close = random.randint(9_000, 11_000), random.randint(9_000, 11_000)
            high, low = max(open_, close) + random.randint(0, 50), min(open_, close) - random.randint(0, 50)
            t = START + timedelta(days=day) + minute * MINUTE
            rows.append((sym, t, *(Decimal(x) / 100 for x in (open_, high, low, close)), random.randint(1, 10**6)))
    return rows


ROWS = [row for sym in ("AIG", "SPY") for row in minutes(sym)]


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    """A database with minutes in bars_1m, not in the order of time."""
    with fresh_database(TEMPLATE) as conninfo, connect(conninfo) as connection:
        connection.execute("SELECT ensure_partitions('bars_1m', '2026-02-27', '2026-03-31')")
        shuffled = Random(1).sample(ROWS, len(ROWS))
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO bars_1m (sym, t, open, high, low, close, volume, notional, source, known_at)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, 0, 'test', now())",
                shuffled,
            )
        yield connection


@pytest.fixture(scope="module")
def duck() -> Iterator[Any]:
    with duckdb.connect() as duck:
        duck.execute("SET timezone = 'UTC'")
        yield duck


def candles(bucket: Callable[[datetime], Any]) -> list[tuple[Any, ...]]:
    """What a candlestick query should give: sym, bucket, o, h, l, c, v in order."""
    found = []
    for (sym, start), group in groupby(sorted(ROWS), key=lambda row: (row[0], bucket(row[1]))):
        rows = list(group)
        high, low = max(row[3] for row in rows), min(row[4] for row in rows)
        found.append((sym, start, rows[0][2], high, low, rows[-1][5], sum(row[6] for row in rows)))
    return found


CANDLES = """
SELECT sym, time_bucket({}) AS bucket,
       first(open, t) AS open, max(high) AS high, min(low) AS low, last(close, t) AS close, sum(volume) AS volume
FROM bars_1m GROUP BY sym, bucket ORDER BY sym, bucket
"""


@pytest.mark.parametrize(
    ("arguments", "bucket"),
    [
        ("'5 minutes', t", lambda t: t - (t - START.replace(hour=0)) % (5 * MINUTE)),
        ("'1 hour', t", lambda t: t.replace(minute=0)),
        ("INTERVAL '1 hour', t, INTERVAL '30 minutes'", lambda t: t - (t - START) % HOUR),
        ("'1 day', t, 'America/New_York'", lambda t: t.replace(hour=5, minute=0)),
        ("'1 day', t", lambda t: t.replace(hour=0, minute=0)),
        ("'1 week', t", lambda t: t.replace(hour=0, minute=0) - timedelta(days=t.weekday())),
        ("'1 month', t", lambda t: t.replace(day=1, hour=0, minute=0)),
        ("'1 year', t", lambda t: t.replace(month=1, day=1, hour=0, minute=0)),
    ],
)
def test_candlesticks_of_any_width(
    connection: Connection, arguments: str, bucket: Callable[[datetime], datetime]
) -> None:
    assert connection.execute(CANDLES.format(arguments).encode()).fetchall() == candles(bucket)


def test_the_open_and_close_do_not_depend_on_how_a_table_is_split_among_workers(connection: Connection) -> None:
    query = CANDLES.format("'1 week', t").encode()
    alone = connection.execute(query).fetchall()
    with connection.transaction(force_rollback=True):
        for setting in ("max_parallel_workers_per_gather = 4", "min_parallel_table_scan_size = 0"):
            connection.execute(f"SET LOCAL {setting}")
        connection.execute("SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0")
        plan = str(connection.execute(b"EXPLAIN " + query).fetchall())
        assert "Partial" in plan
        assert connection.execute(query).fetchall() == alone


@pytest.mark.parametrize(
    "width",
    ["7 minutes", "1 hour", "36 hours", "1 day", "3 days", "1 week", "2 weeks", "1 month", "5 months", "10 years"],
)
@pytest.mark.parametrize(
    "rest", ["", ", TIMESTAMP '2001-03-01 00:00'", ", INTERVAL '3 hours'", ", TIMESTAMP '2030-01-05 01:02:03'"]
)
def test_buckets_are_those_of_another_implementation(connection: Connection, duck: Any, width: str, rest: str) -> None:
    random = Random(width)
    times = [datetime(1990, 1, 1) + timedelta(seconds=random.randrange(60 * 365 * 86_400)) for _ in range(100)]  # noqa: DTZ001
    values = ", ".join(f"(TIMESTAMP '{at}')" for at in times)
    query = f"SELECT t, time_bucket(INTERVAL '{width}', t{rest}) FROM (VALUES {values}) AS times (t) ORDER BY t"  # noqa: S608
    assert connection.execute(query.encode()).fetchall() == duck.execute(query).fetchall()


@pytest.mark.parametrize("width", ["1 day", "1 week", "1 month", "6 hours"])
def test_buckets_of_a_zone_begin_at_its_own_midnight_across_the_change_of_clocks(
    connection: Connection, width: str
) -> None:
    new_york = ZoneInfo("America/New_York")
    for hours in range(0, 24 * 30, 5):
        at = datetime(2026, 2, 25, tzinfo=UTC) + hours * HOUR
        (bucket,) = connection.execute(  # type: ignore[misc]
            "SELECT time_bucket(%s::interval, %s, 'America/New_York')", (width, at)
        ).fetchone()
        local = at.astimezone(new_york)
        midnight = local.replace(hour=0, minute=0)
        expected = {
            "1 day": midnight,
            "1 week": midnight - timedelta(days=local.weekday()),
            "1 month": midnight.replace(day=1),
            "6 hours": midnight.replace(hour=local.hour // 6 * 6),
        }
        assert bucket == expected[width].astimezone(UTC)


def test_a_date_is_bucketed_to_a_date(connection: Connection) -> None:
    row = connection.execute(
        "SELECT time_bucket('1 week', date '2026-11-26'), time_bucket('3 months', date '1999-02-03'),"
        " time_bucket('2 days', date '2026-11-26', date '2026-11-25'),"
        " time_bucket('1 week', date '2026-11-26', interval '-1 day')"
    ).fetchone()
    assert row == (date(2026, 11, 23), date(1999, 1, 1), date(2026, 11, 25), date(2026, 11, 22))


@pytest.mark.parametrize("kind", ["smallint", "integer", "bigint"])
def test_whole_numbers_are_bucketed_downwards(connection: Connection, kind: str) -> None:
    for number in range(-25, 26):
        for offset in (0, 3, -3, 13):
            row = connection.execute(
                f"SELECT time_bucket(10::{kind}, %s::{kind}), time_bucket(10::{kind}, %s::{kind}, %s::{kind})".encode(),
                (number, number, offset),
            ).fetchone()
            assert row == (number // 10 * 10, (number - offset) // 10 * 10 + offset)


@pytest.mark.parametrize("width", ["1 month 1 day", "0 days", "-1 month", "-5 minutes"])
def test_a_width_that_makes_no_buckets_is_an_error(connection: Connection, width: str) -> None:
    with pytest.raises(psycopg.Error):
        connection.execute("SELECT time_bucket(%s::interval, now())", (width,))


def test_nothing_has_no_bucket(connection: Connection) -> None:
    row = connection.execute("SELECT time_bucket('1 day', NULL::timestamptz), first(1, NULL::timestamptz)").fetchone()
    assert row == (None, None)


def test_rows_without_a_time_do_not_count_and_values_that_are_null_do(connection: Connection) -> None:
    row = connection.execute("""
        SELECT first(v, t), last(v, t), first(v, t) FILTER (WHERE v IS NOT NULL), last(s, n), first(t::text, t)
        FROM (VALUES (2.5, timestamp '2026-01-02', 'b', 2), (NULL, '2026-01-01', 'a', 1), (9.5, NULL, 'c', NULL))
        AS rows (v, t, s, n)
    """).fetchone()
    assert row == (None, Decimal("2.5"), Decimal("2.5"), "b", "2026-01-01 00:00:00")


def test_columns_of_the_daily_table_have_a_first_and_last_too(connection: Connection) -> None:
    with connection.transaction(force_rollback=True):
        connection.execute("SELECT ensure_partitions('bars_1d', '2026-03-02', '2026-03-03')")
        connection.execute(
            "INSERT INTO bars_1d (sym, day, open, high, low, close, volume, count, source, known_at)"
            " SELECT 'SPY', date '2026-03-02' + n, 10 + n, 30, 5, 12 + n, 100, n, 'test', now()"
            " FROM generate_series(0, 9) n"
        )
        row = connection.execute(
            "SELECT time_bucket('1 month', day) AS month, first(open, day), last(close, day), last(count, day)"
            " FROM bars_1d GROUP BY month"
        ).fetchone()
    assert row == (date(2026, 3, 1), 10, 21, 9)


def test_a_query_with_gapfill_runs_and_shows_the_buckets_that_are_there(connection: Connection) -> None:
    rows = connection.execute("""
        SELECT time_bucket_gapfill('1 day', t, timestamptz '2026-02-27', timestamptz '2026-03-05') AS bucket,
               locf(last(close, t))
        FROM bars_1m WHERE sym = 'SPY' AND t >= '2026-02-27' AND t < '2026-03-05' GROUP BY bucket ORDER BY bucket
    """).fetchall()
    days = candles(lambda t: t.replace(hour=0, minute=0))
    assert rows == [(start, close) for sym, start, _, _, _, close, _ in days if sym == "SPY"]
    row = connection.execute("SELECT locf(NULL::numeric, 3.0, true), locf(NULL::numeric, 3.0), locf(2.5)").fetchone()
    assert row == (3, None, Decimal("2.5"))


def test_empty_buckets_are_rows_of_a_join_and_carry_the_last_value(connection: Connection) -> None:
    """Every minute of the first session and an hour beyond, the missing ones with the close before them."""
    end = START + timedelta(hours=7, minutes=30)
    rows = connection.execute(
        """
        SELECT bucket, last(close, bucket) FILTER (WHERE close IS NOT NULL) OVER (ORDER BY bucket)
        FROM time_buckets('1 minute', %s, %s) bucket LEFT JOIN bars_1m ON t = bucket AND sym = 'SPY' ORDER BY bucket
        """,
        (START, end),
    ).fetchall()
    closes = {row[1]: row[5] for row in ROWS if row[0] == "SPY"}
    expected, carried = [], None
    for n in range(450):
        carried = closes.get(START + n * MINUTE, carried)
        expected.append((START + n * MINUTE, carried))
    assert rows == expected


def test_buckets_between_two_times_begin_with_the_one_that_holds_the_first(connection: Connection) -> None:
    found = connection.execute("SELECT time_buckets('1 month', '2025-11-15', '2026-02-01')").fetchall()
    assert [row[0].date() for row in found] == [date(2025, 11, 1), date(2025, 12, 1), date(2026, 1, 1)]


def test_a_real_timescaledb_keeps_its_own_functions() -> None:
    """An extension of that name is all that is looked at, so an entry in the catalogue stands for it."""
    with fresh_database("template1") as conninfo, connect(conninfo) as connection:
        connection.execute("SET allow_system_table_mods = on")
        connection.execute(
            "INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)"
            " VALUES (99999, 'timescaledb', 10, 'public'::regnamespace, false, '2.17')"
        )
        connection.execute("CREATE FUNCTION time_bucket(interval, timestamp) RETURNS timestamp LANGUAGE sql RETURN $2")
        connection.execute(
            "CREATE FUNCTION time_bucket(interval, timestamptz) RETURNS timestamptz LANGUAGE sql RETURN $2"
        )
        migrate(connection)
        found = connection.execute(
            "SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
            " AND proname IN ('time_bucket', 'first', 'last', 'locf', 'time_bucket_gapfill')"
        ).fetchall()
        assert found == [("time_bucket",)]
