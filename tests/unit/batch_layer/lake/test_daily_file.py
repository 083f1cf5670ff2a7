"""The Parquet file of a date: exact, and refused where it is not what its manifest says."""

import io
from datetime import date
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_layer.lake import parquet
from batch_layer.lake.daily_file import SCHEMA, bars_of, frame_of
from batch_layer.lake.manifest import BrokenFile, sha256
from shared.errors import InvalidRecord
from shared.models.daily import DailyBar

DAY = date(2024, 3, 4)
numbers = st.integers(0, 10**18 - 1)
maybe = st.none() | numbers
bars = st.lists(
    st.builds(DailyBar, st.text("AB.Zé", min_size=1, max_size=6), st.just(DAY), *[maybe] * 4, numbers, maybe, maybe),
    max_size=6,
    unique_by=lambda bar: bar.sym,
)


def encode(day: date, bars: list[DailyBar]) -> bytes:
    return parquet.encode(frame_of(day, bars))


def decode(data: bytes, rows: int, size: int, checksum: str) -> list[DailyBar]:
    return bars_of(parquet.decode(data, rows, size, checksum, SCHEMA))


FILE = encode(DAY, [DailyBar("A", DAY, 1, 4, 1, 2, 10**6), DailyBar("B", DAY, None, None, None, None, 7)])


@given(bars)
def test_what_is_written_is_read_in_order_of_symbol(days: list[DailyBar]) -> None:
    data = encode(DAY, days)
    assert decode(data, len(days), len(data), sha256(data)) == sorted(days, key=lambda bar: bar.sym)
    assert encode(DAY, days[::-1]) == data


@given(bars)
def test_others_read_exact_decimals_in_the_units_that_people_use(days: list[DailyBar]) -> None:
    frame = pl.read_parquet(io.BytesIO(encode(DAY, days)))
    digits = {"open": 9, "high": 9, "low": 9, "close": 9, "volume": 6, "vwap": 4}
    for row, bar in zip(frame.to_dicts(), sorted(days), strict=True):
        for name, places in digits.items():
            value = getattr(bar, name)
            assert row[name] == (None if value is None else Decimal(value) / 10**places)


@pytest.mark.parametrize("kept", [0, 1, 4, len(FILE) // 3, len(FILE) // 2, len(FILE) - 8, len(FILE) - 1])
def test_a_truncated_file_is_refused(kept: int) -> None:
    with pytest.raises(BrokenFile, match=f"has {kept} bytes, not {len(FILE)}"):
        decode(FILE[:kept], 2, len(FILE), sha256(FILE))
    with pytest.raises(BrokenFile, match="no Parquet file"):
        decode(FILE[:kept], 2, kept, sha256(FILE[:kept]))


@pytest.mark.parametrize("at", range(0, len(FILE), 97))
def test_a_file_with_one_other_byte_is_refused(at: int) -> None:
    other = FILE[:at] + bytes([FILE[at] ^ 1]) + FILE[at + 1 :]
    with pytest.raises(BrokenFile, match="checksum"):
        decode(other, 2, len(FILE), sha256(FILE))


def test_a_file_with_other_rows_or_columns_than_promised_is_refused() -> None:
    with pytest.raises(BrokenFile, match="2 rows, not 3"):
        decode(FILE, 3, len(FILE), sha256(FILE))
    file = io.BytesIO()
    pl.DataFrame({"sym": ["A"], "open": [1.5]}).write_parquet(file)
    floats = file.getvalue()
    with pytest.raises(BrokenFile, match="other columns"):
        decode(floats, 1, len(floats), sha256(floats))


def test_bars_that_are_not_one_a_symbol_of_the_date_are_refused() -> None:
    for wrong in ([DailyBar("A", date(2024, 3, 5), 1, 1, 1, 1, 1)], [DailyBar("A", DAY, 1, 1, 1, 1, 1)] * 2):
        with pytest.raises(ValueError, match="one a symbol"):
            encode(DAY, wrong)
    with pytest.raises(InvalidRecord, match="18 digits"):
        encode(DAY, [DailyBar("A", DAY, 1, 1, 1, 1, 10**18)])
