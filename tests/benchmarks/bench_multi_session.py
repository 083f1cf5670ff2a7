"""Bars of several sessions from daily bars: six timeframes against one plain grouping for each, in the same engine."""

import os
import resource
import time
from collections.abc import Callable
from datetime import date

import polars as pl

from batch_layer.rebuild.groups import ANCHOR, COUNTED, sessions_of
from batch_layer.rebuild.multi_session import DAILY, MultiSession
from shared.bars.sessions import new_york_sessions
from tests.benchmarks.rows import Row

SYMBOLS, DAYS = 5_350, 4_224
"""Every US symbol's daily bars of seventeen years: 22.6 million, which take up to 4 GB, so only with BENCH_ROWS=all.
One day in 500 has no prices, one in 50 does not tell its count."""
ROUNDS = 3
LIMIT = 1.5
LIMIT_GB = 4.0


def run() -> list[Row]:
    """Each timeframe takes turns with its plain grouping; of each the best of the rounds counts. Memory is that of the
    daily bars and of all six timeframes, before anything else is made."""
    daily, multi = generated(rows_wanted(2_000_000) // DAYS, DAYS), MultiSession(new_york_sessions())
    through = daily["day"].max()
    assert isinstance(through, date)
    six = [multi.bars(daily, f"{size}d", through) for size in COUNTED]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    del six
    numbers = daily.select("sym", _number(daily["day"]), *list(DAILY)[2:])
    ours = plain = 0.0
    for size in COUNTED:
        best = [
            min(times)
            for times in zip(
                *(
                    (_seconds(lambda: multi.bars(daily, f"{size}d", through)), _seconds(lambda: _plain(numbers, size)))  # noqa: B023 -- called at once
                    for _ in range(ROUNDS)
                ),
                strict=True,
            )
        ]
        ours, plain = ours + best[0], plain + best[1]
    return [
        Row(f"six timeframes of {daily.height / 1e6:.1f}M daily bars", ours, "s"),
        Row("one plain grouping for each", plain, "s"),
        Row("six timeframes, of the plain groupings", ours / plain, "times", LIMIT),
        Row("memory of daily bars and six timeframes", memory, "GB", LIMIT_GB),
    ]


def _plain(numbers: pl.DataFrame, size: int) -> pl.DataFrame:
    """What one writes who has no days without prices and asks for no days in the result, in Polars' quicker way."""
    column = pl.col
    return numbers.group_by("sym", column("number") // size, maintain_order=True).agg(
        column("open").first(),
        column("high").max(),
        column("low").min(),
        column("close").last(),
        column("volume").sum(),
        column("count").sum(),
    )


def _number(days: pl.Series) -> pl.Series:
    sessions = pl.Series(sessions_of(new_york_sessions()), dtype=pl.Date)
    return sessions.search_sorted(days).alias("number")


def rows_wanted(usual: int) -> int:
    """How many daily bars: BENCH_ROWS, a number or `all`, else as many as usual."""
    given = os.environ.get("BENCH_ROWS", str(usual))
    return SYMBOLS * DAYS if given == "all" else int(given)


def generated(symbols: int, days: int) -> pl.DataFrame:
    """Daily bars of so many symbols, the last `days` sessions before 2024 of each, in order: made-up trading, the same
    on every run. A column at a time, so that making them takes no more memory than they do."""
    sessions = [day for day in sessions_of(new_york_sessions()) if ANCHOR <= day < date(2024, 1, 1)][-days:]
    days = len(sessions)
    row = pl.int_range(symbols * days, dtype=pl.Int64)
    seed, index = row // days, row % days
    middle = 10**10 + (index * 7_919_317 + seed * 104_729) % 10**9
    priced = pl.when(index % 500 != seed % 500)
    prices = {"open": middle, "high": middle + 10**8, "low": middle - 10**8, "close": middle + 10**7}
    columns: dict[str, pl.Expr] = {
        "sym": pl.lit(pl.Series([f"S{number:05d}" for number in range(symbols)])).gather(seed),
        "day": pl.lit(pl.Series(sessions, dtype=pl.Date)).gather(index),
        **{name: priced.then(price) for name, price in prices.items()},
        "volume": index * 10**6,
        "count": pl.when(index % 50 != seed % 50).then(index % 1000),
    }
    made = (pl.select(columns[name].cast(kind).alias(name)).to_series() for name, kind in DAILY.items())
    return pl.DataFrame(made)


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin
