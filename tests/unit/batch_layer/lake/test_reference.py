"""Splits, dividends and listings in the lake: exact, whole, and readable from outside."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_layer.lake.parquet import encode
from batch_layer.lake.reference import SPLITS as SPLIT_COLUMNS
from batch_layer.lake.reference import ReferenceLake, frame_of
from shared.errors import InvalidRecord
from shared.models.daily import Dividend, Split, Ticker
from tests.unit.batch_layer.lake.conftest import BUCKET

DAY, KNOWN = date(2024, 3, 4), datetime(2024, 3, 5, 1, tzinfo=UTC)
TOLD: dict[str, Any] = {"source": "vendor", "known_at": KNOWN}
SPLITS = [
    Split("B", DAY, Decimal(1), Decimal("0.7137"), "b", KNOWN),
    Split("A", DAY + timedelta(days=9), Decimal(20), Decimal(1), "a", KNOWN),
]
DIVIDENDS = [
    Dividend("A", DAY, Decimal("0.24"), "1", KNOWN, paid=DAY + timedelta(days=20)),
    Dividend("A", DAY, Decimal("0.000000000001"), "2", KNOWN, "CAD", "SC", 4, DAY, DAY, None),
]
TICKERS = [
    Ticker("A", "Agilent", delisted=KNOWN, active=False, details='{"sic_code":"3826"}'),
    Ticker("B", "Bell", updated=KNOWN),
]
text = st.text("AB.é", min_size=1, max_size=4)
numbers = st.decimals(min_value=Decimal("1e-12"), max_value=Decimal("1e25"), places=12)


@pytest.fixture
def lake(s3: Any) -> ReferenceLake:
    return ReferenceLake(s3, BUCKET, "0.1.0")


def test_what_is_written_is_read_in_order_of_symbol(lake: ReferenceLake) -> None:
    assert lake.write_splits(DAY, SPLITS, **TOLD).manifest.rows == 2
    assert (lake.splits(DAY), lake.dividends(DAY), lake.tickers(DAY)) == (SPLITS[::-1], None, None)
    lake.write_dividends(DAY, DIVIDENDS, **TOLD)
    lake.write_tickers(DAY, TICKERS[::-1], **TOLD)
    assert (lake.dividends(DAY), lake.tickers(DAY)) == (DIVIDENDS[::-1], TICKERS)


def test_the_same_told_later_or_in_another_order_changes_nothing(lake: ReferenceLake) -> None:
    lake.write_splits(DAY, SPLITS, **TOLD)
    later = [split._replace(known_at=KNOWN + timedelta(days=1)) for split in SPLITS[::-1]]
    assert not lake.write_splits(DAY, later * 2, source="vendor", known_at=KNOWN + timedelta(days=1)).changed
    assert lake.write_splits(DAY, later[:1], source="vendor", known_at=KNOWN + timedelta(days=1)).changed


def test_a_date_on_which_nothing_was_told_has_a_file_without_rows(lake: ReferenceLake) -> None:
    lake.write_splits(DAY, [], **TOLD)
    assert lake.splits(DAY) == []


@given(st.lists(st.tuples(text, st.dates(), numbers, numbers, text), max_size=4, unique_by=lambda row: row[4]))
def test_ratios_are_exact_for_others_too(rows: list[tuple[str, date, Decimal, Decimal, str]]) -> None:
    file = BytesIO(encode(frame_of([Split(*row, known_at=KNOWN) for row in rows], SPLIT_COLUMNS)))
    assert sorted(pl.read_parquet(file).rows()) == sorted(rows)


@pytest.mark.parametrize("number", [Decimal("1e-13"), Decimal("1e26"), Decimal("NaN"), Decimal("Infinity")])
def test_a_number_that_cannot_be_held_exactly_is_refused(lake: ReferenceLake, number: Decimal) -> None:
    with pytest.raises(InvalidRecord, match="12 decimals of split_from"):
        lake.write_splits(DAY, [SPLITS[0]._replace(split_from=number)], **TOLD)
    assert lake.splits(DAY) is None


def test_duckdb_reads_how_each_split_stands_from_the_newest_date(s3: Any, lake: ReferenceLake, tmp_path: Path) -> None:
    """Announced 20 to 1 on Monday, corrected on Tuesday, when the other was no longer told."""
    tuesday = DAY + timedelta(days=1)
    lake.write_splits(DAY, SPLITS, **TOLD)
    corrected = SPLITS[1]._replace(split_from=Decimal(25))
    lake.write_splits(tuesday, [corrected], source="vendor", known_at=KNOWN + timedelta(days=1))
    for entry in s3.list_objects_v2(Bucket=BUCKET)["Contents"]:
        (tmp_path / entry["Key"]).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / entry["Key"]).write_bytes(s3.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read())
    with duckdb.connect() as sql:
        got = sql.execute(
            """
            SELECT sym, split_from, split_to, date
            FROM read_parquet($files, hive_partitioning = true)
            QUALIFY row_number() OVER (PARTITION BY id ORDER BY date DESC) = 1 ORDER BY sym
            """,
            {"files": str(tmp_path / "reference/splits/*/*.parquet")},
        ).fetchall()
    assert got == [("A", Decimal(25), Decimal(1), tuesday), ("B", Decimal(1), Decimal("0.7137"), DAY)]
