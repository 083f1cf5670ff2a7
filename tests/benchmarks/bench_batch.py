"""History stored: daily bars into PostgreSQL against a plain COPY, and into the lake against a plain Parquet file.

Months are stored one after another, as a backfill of the whole market brings them. Each takes turns: the plain way into
a table of its own of the same shape, ours into a month that nobody has yet, ours again with the same bars.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import polars as pl

from batch_layer.lake.daily import DailyLake
from batch_layer.lake.daily_file import frame_of
from batch_layer.load.migrate import migrate
from batch_layer.load.rows import Loaded, load_daily
from local_dev.runtime.postgres import start_postgres, stop_postgres
from local_dev.runtime.processes import Supervisor
from shared.bars.scale import PRICE_DIGITS, SIZE_DIGITS
from shared.models.daily import DailyBar
from shared.polygon.numbers import VWAP_DIGITS
from tests.benchmarks.bench_multi_session import SYMBOLS, generated, rows_wanted
from tests.benchmarks.rows import Row
from tests.fakes.postgres import connect
from tests.unit.batch_layer.lake.test_two_writers import Bucket

if TYPE_CHECKING:
    from psycopg import Connection

SOURCE, KNOWN = "bench", datetime(2024, 1, 1, tzinfo=UTC)
ROWS = 600_000
"""Unless BENCH_ROWS says more: some months of the whole market."""
UPSERT, NEW_MONTH = 0.4, 0.8
LAKE_DATES = 20
"""Of the last month: each costs the same."""
COPY = b"""
COPY plain (sym, day, open, high, low, close, volume, vwap, count, source, known_at) FROM STDIN (FORMAT binary)
"""
TYPES = ("text", "date", *["numeric"] * 6, "int8", "text", "timestamptz")
Turn = tuple[float, float, float]
"""Seconds of one month: the plain way, ours, ours again."""
PLAIN = "CREATE TABLE plain (LIKE bars_1d INCLUDING ALL) PARTITION BY RANGE (day)"
"""The same columns, checks and indexes: what one has who stores the same and asks neither what is there nor what is
wrong."""


def run() -> Iterator[Row]:
    """Rates are of rows a second; ratios are those of the month in the middle, as machines are busy now and then."""
    daily = generated(SYMBOLS, max(rows_wanted(ROWS) // SYMBOLS, 1))
    months = [month for (month,) in daily.select(pl.col("day").dt.truncate("1mo").unique().sort()).iter_rows()]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        supervisor = Supervisor(Path(folder) / "logs")
        server = start_postgres(supervisor, Path(folder))
        with connect(server.conninfo) as connection:
            turns = list(_loads(connection, daily, months))
        stop_postgres(supervisor, server)
        supervisor.stop()
    plain, new, again = (daily.height / sum(seconds) for seconds in zip(*turns, strict=True))
    yield Row(f"plain binary COPY of {daily.height / 1e6:.1f}M daily bars", plain, "rows/s")
    yield Row("load into new months", new, "rows/s")
    yield Row("load into new months, of the plain COPY", median(a / b for a, b, _ in turns), "times", NEW_MONTH)
    yield Row("load of the same bars again", again, "rows/s")
    yield Row("load of the same bars again, of the plain COPY", median(a / c for a, _, c in turns), "times", UPSERT)
    yield from _lake(daily.filter(pl.col("day") >= months[-1]))


def _loads(connection: "Connection[tuple[Any, ...]]", daily: pl.DataFrame, months: Sequence[date]) -> Iterator[Turn]:
    migrate(connection)
    connection.execute(PLAIN)
    for month, after in zip(months, [*months[1:], date(2100, 1, 1)], strict=True):
        bars = bars_of(daily.filter(pl.col("day").is_between(month, after, closed="left")))
        rows = [_plain(bar) for bar in bars]
        part = f"plain_{month:%Y_%m}"
        connection.execute(
            f"CREATE TABLE {part} PARTITION OF plain FOR VALUES FROM ('{month}') TO ('{after}')".encode()
        )
        plain = _seconds(lambda: _copy(connection, rows))  # noqa: B023 -- called at once
        new = _seconds(lambda: _load(connection, bars, added=True))  # noqa: B023 -- the same
        again = _seconds(lambda: _load(connection, bars, added=False))  # noqa: B023 -- the same
        yield plain, new, again


def _copy(connection: "Connection[tuple[Any, ...]]", rows: Sequence[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor, cursor.copy(COPY) as copy:
        copy.set_types(TYPES)
        for row in rows:
            copy.write_row(row)


def _load(connection: "Connection[tuple[Any, ...]]", bars: Sequence[DailyBar], *, added: bool) -> None:
    loaded = load_daily(connection, bars, source=SOURCE, known_at=KNOWN)
    if loaded != Loaded(rows=len(bars), added=len(bars) if added else 0):
        raise RuntimeError(f"a load that is measured went wrong: {loaded}")


def _lake(days: pl.DataFrame) -> Iterator[Row]:
    """The bucket is memory, and so is the plain file."""
    dates = days["day"].unique().sort().to_list()[-LAKE_DATES:]
    brought = {day: bars_of(days.filter(pl.col("day") == day)) for day in dates}
    lake = DailyLake(Bucket().client(lambda: None), "lake", "0.1.0")
    ours = plain = 0.0
    for day, bars in brought.items():
        plain += _seconds(lambda: frame_of(day, bars).write_parquet(BytesIO()))  # noqa: B023 -- called at once
        ours += _seconds(lambda: lake.write(day, bars, source=SOURCE, known_at=KNOWN))  # noqa: B023 -- the same
    rows = sum(map(len, brought.values()))
    yield Row(f"dates into the lake, verified and with a manifest ({len(dates)})", rows / ours, "rows/s")
    yield Row("dates into the lake, of a plain Parquet write", plain / ours, "times")


def bars_of(daily: pl.DataFrame) -> list[DailyBar]:
    columns = ("sym", "day", "open", "high", "low", "close", "volume", pl.lit(None).alias("vwap"), "count")
    return [DailyBar(*row) for row in daily.select(columns).iter_rows()]


def _plain(bar: DailyBar) -> tuple[Any, ...]:
    digits = (*[PRICE_DIGITS] * 4, SIZE_DIGITS, VWAP_DIGITS)
    numbers = (
        None if value is None else Decimal(value).scaleb(-places)
        for value, places in zip(bar[2:8], digits, strict=True)
    )
    return (bar.sym, bar.day, *numbers, bar.count, SOURCE, KNOWN)


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin
