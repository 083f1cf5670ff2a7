"""Files as people have them, read row by row; what is wrong is named with its line."""

import gzip
import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from batch_layer.imports import tables
from batch_layer.imports.bars import Asked, Bar, Rows, Wrong, read
from batch_layer.imports.mapping import parse_map, places
from batch_layer.imports.tables import open_table
from batch_layer.imports.wrong_file import WrongFile
from shared.bars.sessions import new_york_sessions
from shared.models.bar import MinuteBar
from shared.models.daily import DailyBar

NANO, MICRO = 10**9, 10**6
HEADER = "Date,Open,High,Low,Close,Volume"
GOOD = "2024-01-02,10,12.5,9.75,11,500"
BAR = DailyBar("A", date(2024, 1, 2), 10 * NANO, 12_500_000_000, 9_750_000_000, 11 * NANO, 500 * MICRO)


def rows_of(
    path: Path, given: str = "ts=Date", symbol: str | None = "A", kind: str = "daily", zone: str = "America/New_York"
) -> list[Bar | Wrong]:
    table = open_table(path)
    asked = Asked(places(table.columns, parse_map(given), symbol), symbol, ZoneInfo(zone), date(2026, 1, 5))
    rows = Rows(asked, new_york_sessions())
    return list(read(table, rows.daily, path.name) if kind == "daily" else read(table, rows.minute, path.name))


@pytest.fixture
def csv(tmp_path: Path) -> Callable[..., Path]:
    def write(*lines: str, name: str = "bars.csv") -> Path:
        path = tmp_path / name
        data = "".join(f"{line}\n" for line in lines).encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write


def test_numbers_are_taken_exactly_as_they_are_written(csv: Callable[..., Path]) -> None:
    path = csv("sym,ts,open,high,low,close,volume,vwap,count", "BRK.B,2024-01-02,0.000000001,1e3,1E-9,2,0.5,10.00005,7")
    assert rows_of(path, "", None) == [
        DailyBar("BRK.B", date(2024, 1, 2), 1, 1000 * NANO, 1, 2 * NANO, 500_000, 100_000, 7)
    ]


@pytest.mark.parametrize("name", ["bars.csv", "bars.csv.gz", "BARS.TXT"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_text_files_of_several_kinds_are_read(csv: Callable[..., Path], name: str, delimiter: str) -> None:
    lines = (f"\ufeff{HEADER}", f"{GOOD}\r", "", '"2024-01-03","10","12.5","9.75"," 11 ","500"')
    path = csv(*(line.replace(",", delimiter) for line in lines), name=name)
    assert rows_of(path) == [BAR, BAR._replace(day=date(2024, 1, 3))]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2024-01-02,10,12,9,11", "shape"),
        ("2024-01-02,10,12,9,11,500,1", "shape"),
        ("02.01.2024,10,12,9,11,500", "time"),
        ("2024-01-06,10,12,9,11,500", "no_session"),
        ("2026-01-06,10,12,9,11,500", "future"),
        ("2024-01-02,,12,9,11,500", "price"),
        ("2024-01-02,10,12,9,ten,500", "price"),
        ("2024-01-02,0,12,0,11,500", "price"),
        ("2024-01-02,10,9,12,11,500", "price"),
        ("2024-01-02,10,nan,9,11,500", "price"),
        ("2024-01-02,10.1234567891,12,9,11,500", "price"),
        ("2024-01-02,13,12,9,11,500", "range"),
        ("2024-01-02,10,12,9,8,500", "range"),
        ("2024-01-02,10,12,9,11,-1", "volume"),
        ("2024-01-02,10,12,9,11,", "volume"),
    ],
)
def test_a_row_that_breaks_a_rule_is_told_with_its_line_and_the_others_are_read(
    csv: Callable[..., Path], row: str, reason: str
) -> None:
    path = csv(HEADER, GOOD, row, "2024-01-03,10,12.5,9.75,11,500")
    first, wrong, last = rows_of(path)
    assert (first, last) == (BAR, BAR._replace(day=date(2024, 1, 3)))
    assert isinstance(wrong, Wrong)
    assert (wrong.number, wrong.refused.reason) == (3, reason)
    told = json.loads(wrong.refused.row)
    assert (told["file"], told["line"], told["why"]) == ("bars.csv", 3, wrong.refused.message)
    assert told["row"]["Date"] == row.partition(",")[0]


def test_lines_are_counted_as_editors_count_them_also_within_quotes(csv: Callable[..., Path]) -> None:
    path = csv("Note," + HEADER, f'"two\nlines",{GOOD}', f",{GOOD.replace('500', 'x')}")
    assert [row.number for row in rows_of(path) if isinstance(row, Wrong)] == [4]


def test_bytes_that_are_no_text_are_refused_where_they_matter(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    path.write_bytes(f"sym,{HEADER}\nA,{GOOD}\n".encode() + b"\xff\xfe," + GOOD.encode() + b"\n")
    _, wrong = rows_of(path, symbol=None)
    assert isinstance(wrong, Wrong)
    assert wrong.refused.reason == "symbol"
    assert "\\xff" in wrong.refused.message


def test_a_bar_that_is_there_again_is_taken_once_and_of_two_that_differ_the_first(csv: Callable[..., Path]) -> None:
    path = csv(HEADER, GOOD, GOOD.replace("500", "500.0"), GOOD.replace("500", "501"), GOOD)
    first, wrong = rows_of(path)
    assert first == BAR
    assert isinstance(wrong, Wrong)
    assert (wrong.number, wrong.refused.reason) == (4, "duplicate")
    assert "line 2" in wrong.refused.message


def test_days_before_the_session_table_begins_are_taken(csv: Callable[..., Path]) -> None:
    assert rows_of(csv(HEADER, GOOD.replace("2024-01-02", "1962-01-02"))) == [BAR._replace(day=date(1962, 1, 2))]


def test_minutes_are_read_in_the_zone_that_is_given(csv: Callable[..., Path]) -> None:
    path = csv("t,o,h,l,c,v", "2024-07-02 14:30,10,12.5,9.75,11,500", "2024-07-06 14:30,10,12.5,9.75,11,500")
    given = "ts=t,open=o,high=h,low=l,close=c,volume=v"
    bar, wrong = rows_of(path, given, kind="minute", zone="Europe/London")
    t = int(datetime.fromisoformat("2024-07-02T13:30Z").timestamp()) * 1000
    assert bar == MinuteBar("A", t, *BAR[2:7])  # type: ignore[arg-type]  # its prices are there
    assert isinstance(wrong, Wrong)
    assert wrong.refused.reason == "no_session"


def test_a_minute_belongs_to_the_trade_date_of_new_york(csv: Callable[..., Path]) -> None:
    """Sunday 20:30 is no trade date there, though it is Monday in UTC."""
    path = csv("ts," + HEADER.partition(",")[2], "2024-07-08T00:30:00Z,10,12.5,9.75,11,500")
    (wrong,) = rows_of(path, "", kind="minute")
    assert isinstance(wrong, Wrong)
    assert wrong.refused.message == "2024-07-07 is no trade date"


@pytest.mark.parametrize("at_once", [1, 2, 100])
def test_parquet_is_read_in_pieces_with_its_own_types(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(tables, "ROWS_AT_ONCE", at_once)
    path = tmp_path / "bars.parquet"
    frame: dict[str, list[Any]] = {
        "ts": [datetime(2024, 1, 2, 0, 0), datetime(2024, 1, 3), datetime(2024, 1, 4), None],  # noqa: DTZ001 -- as files have them
        "open": [10.0, 0.1, 10.0, 1.0],
        "high": [12.5, 0.3, float("nan"), 1.0],
        "low": [9.75, 0.1, 9.75, 1.0],
        "close": [Decimal("11.000"), Decimal("0.25"), Decimal(11), Decimal(1)],
        "volume": [500, 1, 500, 1],
        "count": [7.0, float("nan"), 7.0, 1.0],
    }
    pl.DataFrame(frame, strict=False).write_parquet(path)
    first, second, *wrong = rows_of(path, "")
    assert first == BAR._replace(count=7)
    assert second == DailyBar("A", date(2024, 1, 3), NANO // 10, 3 * NANO // 10, NANO // 10, NANO // 4, MICRO)
    assert [(row.number, row.refused.reason) for row in wrong if isinstance(row, Wrong)] == [(3, "price"), (4, "time")]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", r"no column for ts: name it with --map; there are Date, Open"),
        ("ts=Day", r"the file has no column 'Day'; there are Date"),
        ("when=Date", r"'when=Date' must be FIELD=COLUMN with a field of ts, open"),
        ("ts", r"'ts' must be FIELD=COLUMN"),
        ("ts=Date,ts=Open", r"ts is there twice"),
    ],
)
def test_a_map_that_does_not_fit_is_one_sentence(csv: Callable[..., Path], given: str, said: str) -> None:
    with pytest.raises(WrongFile, match=said):
        rows_of(csv(HEADER, GOOD), given)


def test_a_file_without_a_symbol_needs_one(csv: Callable[..., Path]) -> None:
    with pytest.raises(WrongFile, match=r"no column for sym \(or --symbol\)"):
        rows_of(csv(HEADER, GOOD), symbol=None)
    with pytest.raises(WrongFile, match="two columns 'Open'"):
        rows_of(csv(HEADER + ",Open", GOOD + ",1"))
    with pytest.raises(WrongFile, match="more than one column is called open"):
        rows_of(csv(HEADER + ",OPEN", GOOD + ",1"))


def test_the_symbol_that_is_given_goes_before_the_files(csv: Callable[..., Path]) -> None:
    assert rows_of(csv("sym," + HEADER, "ZZZ," + GOOD)) == [BAR]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("empty.csv", b"", "is empty"),
        ("cut.csv.gz", gzip.compress(b"Date,Open\n1,2\n" * 99, mtime=0)[:-9], "cannot be read"),
        ("none.csv.gz", b"Date,Open\n", "cannot be read"),
        ("none.parquet", b"PAR1", "cannot be read"),
        ("huge.csv", f"{HEADER}\n".encode() + b'"' + b"x" * 200_000, "line"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(WrongFile, match=said):
        list(open_table(path).lines())
