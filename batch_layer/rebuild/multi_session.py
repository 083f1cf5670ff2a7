"""Bars of several sessions from daily bars, raw and exact: integers in the units of `DailyBar`, no float.

Open is that of the first day with prices, close of the last, high and low the extremes, volume the sum; `count` is the
sum where every day tells it, else null. The last group is forming: sessions of it are still to come. What is known of
new or corrected days is worked in by making again the groups they lie in, and gives what all days at once would give.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import NamedTuple

import polars as pl

from batch_layer.rebuild.groups import MOST_SESSIONS, TIMEFRAMES, groups, sessions_of
from shared.bars.sessions import SessionTable
from shared.models.daily import DailyBar

PRICES = ("open", "high", "low", "close")
DAILY = {"sym": pl.String(), "day": pl.Date(), **dict.fromkeys((*PRICES, "volume", "count"), pl.Int64())}
"""Columns of daily bars here; VWAP is not carried: that of a group is made on read (shared/bars/totals.py)."""
BARS = {**DAILY, "last_day": pl.Date(), "forming": pl.Boolean()}
"""Columns of the results: `day` and `last_day` are the first and last session of the group, both included."""
BLOCK_ROWS = 500_000
"""Daily bars grouped at a time, by whole symbols: what a grouping takes beside them stays a fraction of a GB."""
MOST_VOLUME = (2**63 - 1) // MOST_SESSIONS
"""10^-6 share a day: a group's sum stays within 64 bits. It is 270 thousand million shares."""


class History(NamedTuple):
    """Daily bars by symbol and day, the bars made of them by timeframe, and the days that could not be used.

    `refused` has a `reason`: `session` (the table knows no such trade date) or `volume` (more than MOST_VOLUME).
    """

    daily: pl.DataFrame
    bars: Mapping[str, pl.DataFrame]
    refused: pl.DataFrame


class MultiSession:
    """Groups of the sessions of one market."""

    def __init__(self, table: SessionTable) -> None:
        sessions = sessions_of(table)
        self._sessions = pl.Series(sessions, dtype=pl.Date)
        self._groups = {timeframe: groups(sessions, timeframe) for timeframe in TIMEFRAMES}

    def full(self, days: pl.DataFrame) -> History:
        """Everything from daily bars in any order; of two of one symbol and day the later row holds."""
        daily, refused = self._usable(days)
        through = _through(daily)
        return History(daily, {timeframe: self.bars(daily, timeframe, through) for timeframe in TIMEFRAMES}, refused)

    def extend(self, existing: History, new_days: pl.DataFrame) -> History:
        """The history with further days, or other values of days it has: only the groups they lie in are made again."""
        new, refused = self._usable(new_days)
        daily = _replaced(existing.daily, new, ["sym", "day"])
        through = _through(daily)
        bars = {
            timeframe: self._extended(existing.bars[timeframe], daily, new, timeframe, through)
            for timeframe in TIMEFRAMES
        }
        return History(daily, bars, pl.concat([existing.refused, refused]))

    def span(self, day: date) -> tuple[date, date] | None:
        """First and last session of all groups that hold a session; None for a day that is none."""
        at = self._sessions.search_sorted(day)
        if at == len(self._sessions) or self._sessions[at] != day:
            return None
        rows = [table.row(at, named=True) for table in self._groups.values()]
        return min(row["day"] for row in rows), max(row["last_day"] for row in rows)

    def holding(self, days: pl.DataFrame, due: Collection[date], through: date | None) -> History:
        """The bars of the groups that hold a session of `due`, from daily bars of these groups' spans at least."""
        daily, refused = self._usable(days)
        dates = pl.Series(sorted(due), dtype=pl.Date)
        bars = {
            timeframe: self.bars(daily, timeframe, through).filter(
                pl.col("day").is_in(self._ends(dates, timeframe)["day"].unique().implode())
            )
            for timeframe in TIMEFRAMES
        }
        return History(daily, bars, refused.filter(pl.col("day").is_in(dates.implode())))

    def bars(self, daily: pl.DataFrame, timeframe: str, through: date | None) -> pl.DataFrame:
        """Bars of one timeframe from usable daily bars in order of symbol and day; ValueError for another order.

        `through`: the last trade date that is known of any symbol; a group that ends after it is forming.
        """
        made = [self._grouped(block, timeframe) for block in _blocks(daily)]
        return pl.concat(made, rechunk=True).with_columns(_forming(through))

    def _grouped(self, daily: pl.DataFrame, timeframe: str) -> pl.DataFrame:
        """Bars of whole symbols, all but `forming`."""
        sym, day = pl.col("sym"), pl.col("day")
        ends = self._ends(daily["day"], timeframe)
        starts = ends["day"]
        begins = daily.select(((sym != sym.shift()) | (starts != starts.shift())).fill_null(value=True)).to_series()
        runs = begins.cast(pl.UInt32).cum_sum().set_sorted().alias("run")
        rows = daily.with_columns(starts, ends["last_day"], runs)
        prices = ["open", "high", "low", "close"]
        first, high, low, last = (pl.col(name) for name in prices)
        made = rows.group_by("run", maintain_order=True).agg(
            sym.first(),
            day.first(),
            first.first(ignore_nulls=True),
            high.max(),
            low.min(),
            last.last(ignore_nulls=True),
            pl.col("volume").sum(),
            pl.col("count").sum(),
            pl.col("count").null_count().alias("untold"),
            pl.col("last_day").first(),
        )
        return made.select(
            *("sym", "day", *PRICES, "volume"),
            pl.when(pl.col("untold") == 0).then("count").alias("count"),
            "last_day",
        )

    def _extended(
        self, existing: pl.DataFrame, daily: pl.DataFrame, new: pl.DataFrame, timeframe: str, through: date | None
    ) -> pl.DataFrame:
        group = ["sym", "start"]
        touched = new.select("sym", self._ends(new["day"], timeframe)["day"].alias("start")).unique()
        days = daily.with_columns(self._ends(daily["day"], timeframe)["day"].alias("start"))
        again = days.join(touched, on=group, how="semi", maintain_order="left").drop("start")
        bars = _replaced(existing, self.bars(again, timeframe, through), ["sym", "day"])
        return bars.with_columns(_forming(through))  # others' new days may have ended a group without a new one here

    def _ends(self, days: pl.Series, timeframe: str) -> pl.DataFrame:
        """`day` and `last_day` of the group of each of some sessions."""
        table = self._groups[timeframe]
        return table.select("day", "last_day")[table["session"].search_sorted(days)]

    def _usable(self, days: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The daily bars that can be grouped, in order, and the others."""
        reason = (
            pl.when(~pl.col("day").is_in(self._sessions.implode()))
            .then(pl.lit("session"))
            .when(pl.col("volume") > MOST_VOLUME)
            .then(pl.lit("volume"))
        )
        told = (
            days.select(DAILY.keys()).unique(["sym", "day"], keep="last").sort("sym", "day").with_columns(reason=reason)
        )
        fine = pl.col("reason").is_null()
        return told.filter(fine).drop("reason"), told.filter(~fine)


def frame_of(bars: Iterable[DailyBar]) -> pl.DataFrame:
    """Daily bars as columns."""
    rows = [(*bar[:7], bar.count) for bar in bars]
    return pl.DataFrame(rows, schema=DAILY, orient="row")


def _blocks(daily: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Blocks of whole symbols in their order, one at least; ValueError where they are in none."""
    sym, day, start = pl.col("sym"), pl.col("day"), 0
    later = ((sym > sym.shift()) | ((sym == sym.shift()) & (day > day.shift()))).all()
    while start < max(daily.height, 1):
        last = min(start + BLOCK_ROWS, daily.height) - 1
        end = start if last < start else max(last + 1, daily["sym"].search_sorted(daily["sym"][last], side="right"))
        before = max(start - 1, 0)
        if not daily.slice(before, end - before).select(later).item():
            raise ValueError("daily bars must be in order of symbol and day, each once")
        yield daily.slice(start, end - start)
        start = max(end, 1)


def _replaced(old: pl.DataFrame, new: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    return pl.concat([old.join(new, on=key, how="anti"), new]).sort(key)


def _through(daily: pl.DataFrame) -> date | None:
    day = daily["day"].max()
    return day if isinstance(day, date) else None


def _forming(through: date | None) -> pl.Expr:
    return (pl.col("last_day") > pl.lit(through, pl.Date())).alias("forming")
