"""Minutes in the lake: exact for us, plain decimals for others, and the same as lines for who reads no Parquet."""

import gzip
import io
import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_layer.lake import parquet
from batch_layer.lake.manifest import BrokenFile, Manifest, sha256
from batch_layer.lake.minute_lines import PIECE, MinuteLines
from batch_layer.lake.minutes import MinuteLake, frame_of, minutes_of
from shared.models.bar import Edges, Minute, Partial
from tests.unit.batch_layer.lake.conftest import BUCKET

DAY = date(2013, 10, 8)
OPEN_MS = 1_381_239_000_000  # 09:30 New York
KNOWN = datetime(2013, 10, 9, 1, tzinfo=UTC)
FILE = f"bars/timeframe=1m/date={DAY}/part.parquet"
LINES = f"minutes/date={DAY}/part.jsonl.gz"

prices = st.integers(1, 10**18 - 1)


def key(price: int) -> str:
    return f"{OPEN_MS:013d}{7:012d}{price:018d}"


edges = st.builds(Edges, *[st.none() | prices.map(key)] * 2, *[st.none() | prices] * 2)
partials = st.builds(
    lambda own, volume, price, count, day: Partial(*own, volume, volume * price, count, day),  # type: ignore[call-arg]  # the four fields of `own`
    edges,
    st.integers(1, 10**26 - 1),
    prices,
    st.integers(0, 10**9),
    st.none() | edges,
)
starts = st.integers(0, 14 * 60).map(lambda number: OPEN_MS + number * 60_000)
minutes = st.lists(
    st.builds(Minute, st.text("AB.Zé", min_size=1, max_size=6), starts, partials),
    max_size=6,
    unique_by=lambda minute: minute[:2],
)
HALF = Partial(key(10 * 10**9), key(11 * 10**9), 12 * 10**9, 9 * 10**9, 3_500_000, 3_500_000 * 10_333_333_333, 2)
UNSHOWN = Partial(volume=100 * 10**6, notional=10**18, count=1, day=Edges(key(5), key(5), 5, 5))
OURS = [Minute("A", OPEN_MS, HALF), Minute("A", OPEN_MS + 60_000, UNSHOWN), Minute("B", OPEN_MS, HALF)]


@pytest.fixture
def minute_lake(s3: Any) -> MinuteLake:
    return MinuteLake(s3, BUCKET, "0.1.0")


def write(lake: MinuteLake, rows: Sequence[Minute], hours: int = 0) -> bool:
    return lake.write(DAY, rows, source="raw log", known_at=KNOWN + timedelta(hours=hours)).changed


def body(s3: Any, name: str) -> bytes:
    data: bytes = s3.get_object(Bucket=BUCKET, Key=name)["Body"].read()
    return data


def lines_of(s3: Any) -> list[Minute]:
    kept = MinuteLines(s3, BUCKET).read(DAY)
    assert kept is not None
    return list(kept.minutes)


@given(minutes)
def test_what_is_written_is_read_exactly_in_order_of_symbol_and_time(rows: list[Minute]) -> None:
    frame = frame_of(DAY, rows[::-1])
    data = parquet.encode(frame)
    read = parquet.decode(data, len(rows), len(data), sha256(data), frame.schema)
    assert list(minutes_of(read)) == sorted(rows, key=lambda minute: minute[:2])
    assert parquet.encode(frame_of(DAY, rows)) == data


def test_others_read_bars_in_decimals_that_do_not_need_our_scales(
    s3: Any, minute_lake: MinuteLake, tmp_path: Any
) -> None:
    write(minute_lake, OURS)
    file = tmp_path / "part.parquet"
    file.write_bytes(body(s3, FILE))
    shown = (Decimal(10), Decimal(12), Decimal(9), Decimal(11), Decimal("3.5"), Decimal("10.3333"), 2)
    want = [("A", OPEN_MS, *shown), ("A", OPEN_MS + 60_000, *[None] * 4, Decimal(100), None, 1), ("B", OPEN_MS, *shown)]
    with duckdb.connect() as database:
        sql = "SELECT sym, epoch_ms(t), open, high, low, close, volume, vwap, count FROM read_parquet(?)"
        assert database.execute(sql, [str(file)]).fetchall() == want
    by_polars = pl.read_parquet(io.BytesIO(file.read_bytes()))
    assert by_polars["t"].to_list()[0] == datetime(2013, 10, 8, 13, 30, tzinfo=UTC)
    assert [json.loads(text)["count"] for text in by_polars["partial"]] == [2, 1, 2]


def test_the_lines_are_the_minutes_of_the_file_and_say_since_when(s3: Any, minute_lake: MinuteLake) -> None:
    assert MinuteLines(s3, BUCKET).read(DAY) is None
    assert minute_lake.minutes(DAY) is None
    assert write(minute_lake, OURS[::-1])
    assert list(minute_lake.minutes(DAY) or ()) == lines_of(s3) == OURS
    kept = MinuteLines(s3, BUCKET).read(DAY)
    assert kept is not None
    assert (kept.source, kept.known_at) == ("raw log", KNOWN)
    head, *rest = gzip.decompress(body(s3, LINES)).splitlines()
    manifest = json.loads(body(s3, f"bars/timeframe=1m/date={DAY}/_manifest.json"))
    assert json.loads(head) == {"day": "2013-10-08", "manifest": manifest}
    assert [json.loads(line)["sym"] for line in rest] == ["A", "A", "B"]


def test_equal_minutes_again_change_nothing_and_late_ones_change_both(s3: Any, minute_lake: MinuteLake) -> None:
    write(minute_lake, OURS)
    before = {name: body(s3, name) for name in (FILE, LINES)}
    assert not write(minute_lake, OURS, hours=5)
    assert {name: body(s3, name) for name in (FILE, LINES)} == before
    assert write(minute_lake, OURS[:2], hours=6)
    assert list(minute_lake.minutes(DAY) or ()) == lines_of(s3) == OURS[:2]
    assert not write(minute_lake, OURS, hours=5)
    assert lines_of(s3) == OURS[:2]


@pytest.mark.parametrize("damage", ["gone", "cut", "other"])
def test_lines_that_are_missing_or_damaged_are_refused_and_made_again_by_the_next_write(
    s3: Any, minute_lake: MinuteLake, damage: str
) -> None:
    write(minute_lake, OURS)
    whole = body(s3, LINES)
    if damage == "gone":
        s3.delete_object(Bucket=BUCKET, Key=LINES)
        assert MinuteLines(s3, BUCKET).read(DAY) is None
    else:
        other = gzip.compress(gzip.decompress(whole).rpartition(b'{"sym"')[0])
        s3.put_object(Bucket=BUCKET, Key=LINES, Body=whole[:-9] if damage == "cut" else other)
        with pytest.raises(BrokenFile, match="ends early" if damage == "cut" else "2 minutes, not 3"):
            lines_of(s3)
    assert not write(minute_lake, OURS, hours=5)
    assert body(s3, LINES) == whole


def test_older_lines_are_not_put_over_newer_ones(s3: Any, minute_lake: MinuteLake) -> None:
    write(minute_lake, OURS, hours=1)
    MinuteLines(s3, BUCKET).write(DAY, OURS[:1], Manifest(1, 1, "", "", "", KNOWN))
    assert lines_of(s3) == OURS


def test_many_lines_are_read_piece_by_piece(s3: Any, minute_lake: MinuteLake) -> None:
    many = [Minute(f"S{number:05d}", OPEN_MS, HALF) for number in range(9_000)]
    write(minute_lake, many)
    assert len(gzip.decompress(body(s3, LINES))) > 1.5 * PIECE
    assert lines_of(s3) == many


def test_minutes_of_another_day_or_twice_are_refused() -> None:
    for t in (OPEN_MS + 86_400_000, OPEN_MS + 1, OPEN_MS - 86_400_000):
        with pytest.raises(ValueError, match="minutes of 2013-10-08"):
            frame_of(DAY, [Minute("A", t, HALF)])
    with pytest.raises(ValueError, match="one a symbol and minute"):
        frame_of(DAY, [OURS[0], OURS[0]])


def test_the_lines_need_no_polars() -> None:
    """They are read where its 150 MB are not."""
    code = "import sys, batch_layer.lake.minute_lines; print('polars' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603  # ours
    assert done.stdout == "False\n"
