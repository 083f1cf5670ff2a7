"""Bars of several sessions: grouped alike for all symbols, exact, and the same however the days arrived."""

import gzip
from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import exchange_calendars
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_layer.rebuild.groups import ANCHOR, TIMEFRAMES
from batch_layer.rebuild.multi_session import MOST_VOLUME, History, MultiSession, frame_of
from shared.bars.scale import parse_scaled
from shared.bars.sessions import AlwaysOpen, new_york_sessions
from shared.models.daily import DailyBar
from tests.effort import examples

MULTI = MultiSession(new_york_sessions())
Row = tuple[Any, ...]


@lru_cache(maxsize=1)
def xnys() -> list[date]:
    """Sessions as exchange_calendars has them."""
    calendar = exchange_calendars.get_calendar("XNYS", start="1995-01-03", end="2027-06-30")
    return [at.date() for at in calendar.sessions]


@lru_cache(maxsize=8)
def group_of(timeframe: str) -> dict[date, tuple[date, date]]:
    """First and last session of the group of each session, by slices of a list or the words of a calendar."""
    sessions = xnys()
    if timeframe.endswith("d"):
        size = int(timeframe[:-1])
        sliced = [sessions[at : at + size] for at in range(0, len(sessions), size)]
    else:
        words = {"week": "%G-%V", "month": "%Y-%m"}[timeframe]
        names: dict[str, list[date]] = {}
        for day in sessions:
            names.setdefault(day.strftime(words), []).append(day)
        sliced = list(names.values())
    return {day: (group[0], group[-1]) for group in sliced for day in group}


def expected(days: Sequence[DailyBar], timeframe: str) -> list[Row]:
    """Of the last word on each symbol and day, in plain Python."""
    last_word = {(bar.sym, bar.day): bar for bar in days}
    through = max(bar.day for bar in last_word.values())
    members: dict[tuple[str, date, date], list[DailyBar]] = {}
    for key in sorted(last_word):
        members.setdefault((key[0], *group_of(timeframe)[key[1]]), []).append(last_word[key])
    return [
        (sym, first, *of_members(bars), last, last > through) for (sym, first, last), bars in sorted(members.items())
    ]


def of_members(bars: list[DailyBar]) -> Row:
    priced = [(b.open, b.high, b.low, b.close) for b in bars if b.open is not None]
    opens, highs, lows, closes = zip(*priced, strict=True) if priced else ([None],) * 4
    counts = [b.count for b in bars]
    return (
        *(opens[0], max(highs, key=lambda v: v or 0), min(lows, key=lambda v: v or 0), closes[-1]),
        sum(b.volume for b in bars),
        None if None in counts else sum(filter(None, counts)),
    )


WINDOW = [day for day in xnys() if date(2023, 11, 1) <= day <= date(2024, 3, 29)]
prices = st.integers(1, 10**18 - 1)


@st.composite
def daily_bars(draw: st.DrawFn) -> DailyBar:
    first, last, other = draw(prices), draw(prices), draw(prices)
    priced = draw(st.booleans() | st.just(value=True))
    return DailyBar(
        draw(st.sampled_from(["A", "BRK.B", "ZZZ"])),
        draw(st.sampled_from(WINDOW)),
        first if priced else None,
        max(first, last, other) if priced else None,
        min(first, last, other) if priced else None,
        last if priced else None,
        draw(st.integers(0, MOST_VOLUME)),
        count=draw(st.none() | st.integers(0, 10**9)),
    )


def rows_of(history: History) -> dict[str, list[Row]]:
    return {timeframe: bars.rows() for timeframe, bars in history.bars.items()}


@settings(max_examples=examples(60))
@given(st.lists(st.lists(daily_bars(), min_size=1, max_size=12), min_size=1, max_size=6))
def test_days_in_any_order_and_split_with_corrections_give_what_all_days_at_once_give(
    batches: list[list[DailyBar]],
) -> None:
    history = MULTI.full(frame_of(batches[0]))
    for batch in batches[1:]:
        history = MULTI.extend(history, frame_of(batch))
    everything = [bar for batch in batches for bar in batch]
    want = {timeframe: expected(everything, timeframe) for timeframe in TIMEFRAMES}
    assert rows_of(history) == want
    assert rows_of(MULTI.full(frame_of(everything))) == want


def bar(
    day: date, *, sym: str = "A", price: int | None = 10**9, volume: int = 10**6, count: int | None = 1
) -> DailyBar:
    return DailyBar(sym, day, price, price, price, price, volume, count=count)


def test_only_the_groups_that_a_day_lies_in_are_made_again() -> None:
    history = MULTI.full(frame_of([bar(day) for day in WINDOW]))
    marked = {timeframe: bars.with_columns(volume=pl.lit(-1, pl.Int64)) for timeframe, bars in history.bars.items()}
    extended = MULTI.extend(history._replace(bars=marked), frame_of([bar(WINDOW[50], volume=7)]))
    for timeframe, bars in extended.bars.items():
        again = bars.filter(pl.col("volume") >= 0)["day"].to_list()
        assert again == [group_of(timeframe)[WINDOW[50]][0]]


def test_a_group_is_forming_until_any_symbol_has_its_last_session() -> None:
    monday, friday = date(2024, 3, 4), date(2024, 3, 8)
    early = MULTI.full(frame_of([bar(monday)]))
    assert early.bars["week"].select("day", "last_day", "forming").rows() == [(monday, friday, True)]
    later = MULTI.extend(early, frame_of([bar(friday, sym="B")]))
    assert later.bars["week"]["forming"].to_list() == [False, False]


def test_days_without_prices_at_either_end_add_volume_and_set_no_price() -> None:
    week = [date(2024, 3, day) for day in (4, 5, 6, 7)]
    prices_ = [None, 2 * 10**9, 3 * 10**9, None]
    days = [bar(day, price=price, count=None) for day, price in zip(week, prices_, strict=True)]
    (row,) = MULTI.full(frame_of(days)).bars["week"].select("open", "high", "low", "close", "volume", "count").rows()
    assert row == (2 * 10**9, 3 * 10**9, 2 * 10**9, 3 * 10**9, 4 * 10**6, None)


def test_groups_are_counted_from_the_anchor_for_every_symbol() -> None:
    listed_late = MULTI.full(frame_of([bar(xnys()[7], sym="LATE"), bar(xnys()[6], sym="OLD")]))
    assert xnys()[0] == ANCHOR
    assert listed_late.bars["5d"].select("sym", "day").rows() == [("LATE", xnys()[5]), ("OLD", xnys()[5])]


def test_a_table_that_begins_earlier_moves_no_group() -> None:
    class Earlier(AlwaysOpen):
        def __init__(self) -> None:
            super().__init__()
            self.first = date(1990, 5, 5)

    bars = MultiSession(Earlier()).full(frame_of([bar(ANCHOR + timedelta(days=34))])).bars
    assert bars["34d"]["day"].to_list() == [ANCHOR + timedelta(days=34)]


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (bar(date(2024, 7, 4)), "session"),
        (bar(date(1994, 12, 30)), "session"),
        (bar(date(2150, 1, 4)), "session"),
        (bar(WINDOW[0], volume=MOST_VOLUME + 1), "volume"),
    ],
)
def test_a_day_that_no_group_can_hold_is_set_aside_and_the_others_go_on(refused: DailyBar, reason: str) -> None:
    history = MULTI.full(frame_of([refused, bar(WINDOW[1])]))
    assert history.refused.select("day", "reason").rows() == [(refused.day, reason)]
    assert [bars["volume"].to_list() for bars in history.bars.values()] == [[10**6]] * len(TIMEFRAMES)


def test_the_greatest_volumes_add_up_exactly() -> None:
    group = [day for day in xnys() if group_of("34d")[day][0] == group_of("34d")[WINDOW[0]][0]]
    bars = MULTI.full(frame_of([bar(day, volume=MOST_VOLUME) for day in group])).bars["34d"]
    assert bars["volume"].to_list() == [34 * MOST_VOLUME]


def test_bars_out_of_order_are_not_grouped_wrongly_but_refused() -> None:
    backwards = frame_of([bar(WINDOW[1]), bar(WINDOW[0])])
    with pytest.raises(ValueError, match="order of symbol and day"):
        MULTI.bars(backwards, "3d", WINDOW[1])


def test_recorded_years_agree_with_duckdb(recorded: Path, tmp_path: Path) -> None:
    days = [bar for sym in ("AIG", "SPY") for bar in recorded_days(recorded / "daily" / f"{sym}.csv.gz")]
    history = MULTI.full(frame_of(days))
    ends = pl.DataFrame(
        [(timeframe, day, *ends) for timeframe in TIMEFRAMES for day, ends in group_of(timeframe).items()],
        schema=["timeframe", "session", "first", "last"],
        orient="row",
    )
    ends.write_parquet(tmp_path / "ends.parquet")
    frame_of(days).write_parquet(tmp_path / "days.parquet")
    with duckdb.connect() as database:
        want = database.execute(
            """
            SELECT timeframe, sym, first, arg_min(open, day), max(high), min(low), arg_max(close, day), sum(volume)
            FROM read_parquet($days) JOIN read_parquet($ends) ON day = session GROUP BY ALL ORDER BY ALL
            """,
            {"days": str(tmp_path / "days.parquet"), "ends": str(tmp_path / "ends.parquet")},
        ).fetchall()
    columns = ("sym", "day", "open", "high", "low", "close", "volume")
    got = [(timeframe, *row) for timeframe, bars in history.bars.items() for row in bars.select(columns).rows()]
    assert history.refused.is_empty()
    assert len(want) > 10_000
    assert sorted(got) == want


def recorded_days(path: Path) -> list[DailyBar]:
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()[1:]
    bars = []
    for line in lines:
        sym, volume, first, last, high, low, start, _ = line.split(",")
        day = date(1970, 1, 1) + timedelta(days=int(start) // (86_400 * 10**9))
        opened, high_, low_, closed = (parse_scaled(text, 9) for text in (first, high, low, last))
        bars.append(DailyBar(sym, day, opened, high_, low_, closed, parse_scaled(volume, 6)))
    return bars
