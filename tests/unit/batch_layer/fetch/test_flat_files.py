"""Daily bars from flat files, on an S3 that is not the vendor's."""

import gzip
from collections.abc import Iterator
from datetime import date
from typing import Any

import boto3
import pytest
from moto import mock_aws

from batch_layer.fetch import flat_files
from batch_layer.fetch.flat_files import BUCKET, FlatFiles, key_of
from batch_layer.fetch.units import Fetched, ShortAnswer, Unit
from shared.errors import InvalidRecord, SourceUnavailable
from shared.models.daily import DailyBar
from tests.unit.batch_layer.fetch.support import complete
from tests.unit.local_dev.vendor.table_files import HEADER, bar

DAY = date(2020, 1, 3)
UNIT = Unit("flat", start=DAY, end=DAY)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield client


@pytest.fixture
def s3(endpoint: Any) -> Iterator[Any]:
    """Without any file."""
    yield endpoint
    endpoint.delete_object(Bucket=BUCKET, Key=key_of(DAY))


def fetched(s3: Any, *lines: str, header: str = HEADER, data: bytes | None = None) -> Fetched:
    body = gzip.compress("\n".join([header, *lines]).encode()) if data is None else data
    s3.put_object(Bucket=BUCKET, Key=key_of(DAY), Body=body)
    return FlatFiles(s3).fetch(UNIT, complete())


def test_a_file_of_a_day_becomes_bars_without_loss(s3: Any) -> None:
    result = fetched(s3, bar("A", "2020-01-03", "10.5", volume="1000.123456", count="7"), bar("BRK.A", "2020-01-03"))
    assert result.bars[0] == DailyBar(
        "A", DAY, 10_000_000_000, 11_250_000_000, 9_750_000_000, 10_500_000_000, 1_000_123_456, None, 7
    )
    assert [one.sym for one in result.bars] == ["A", "BRK.A"]


def test_columns_are_found_by_their_names(s3: Any) -> None:
    ns = bar("A", "2020-01-03").split(",")[6]
    header = "window_start,extra,ticker,low,high,open,close,transactions,volume"
    (one,) = fetched(s3, f"{ns},x,A,1,4,2,3,5,6", header=header).bars
    assert (one.open, one.high, one.low, one.close) == tuple(n * 10**9 for n in (2, 4, 1, 3))
    assert (one.count, one.volume) == (5, 6_000_000)


def test_a_line_that_is_not_text_is_kept_apart_byte_for_byte(s3: Any) -> None:
    good, bad = bar("B", "2020-01-03").encode(), b"\xff" + bar("A", "2020-01-03").encode()
    result = fetched(s3, data=gzip.compress(b"\r\n".join([HEADER.encode(), bad, good])))
    assert [one.sym for one in result.bars] == ["B"]
    assert [(one.row, one.reason) for one in result.refused] == [(bad + b"\r", "shape")]


def test_a_missing_column_is_named(s3: Any) -> None:
    with pytest.raises(InvalidRecord, match="no column volume"):
        fetched(s3, header=HEADER.replace("volume", "vol"))


def test_a_ticker_that_is_there_twice_with_other_numbers_is_kept_apart(s3: Any) -> None:
    result = fetched(s3, bar("A", "2020-01-03"), bar("A", "2020-01-03", "11"), bar("B", "2020-01-03"))
    assert [one.sym for one in result.bars] == ["B"]
    assert [one.reason for one in result.refused] == ["duplicate"] * 2


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (bar("A", "2020-01-02"), "day"),
        (bar("A", "2020-01-03", "0"), "price"),
        (bar("A", "2020-01-03", volume="x"), "volume"),
        ("A,1000", "shape"),
        ("A,1,1,1,1,1,soon,1", "shape"),
        (bar("not a symbol", "2020-01-03"), "symbol"),
    ],
)
def test_a_line_that_breaks_a_rule_is_kept_apart_with_its_reason(s3: Any, line: str, reason: str) -> None:
    result = fetched(s3, line, bar("B", "2020-01-03"))
    assert [one.sym for one in result.bars] == ["B"]
    assert [(one.row, one.reason) for one in result.refused] == [(line.encode(), reason)]


def test_a_file_that_is_not_there_yet_is_a_short_answer(s3: Any) -> None:
    with pytest.raises(ShortAnswer, match="no flat file of 2020-01-03 yet"):
        FlatFiles(s3).fetch(UNIT, complete())


def test_a_file_of_a_day_with_too_few_symbols_is_short(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key=key_of(DAY), Body=gzip.compress(f"{HEADER}\n{bar('A', '2020-01-03')}\n".encode()))
    with pytest.raises(ShortAnswer, match="fewer than 98 %"):
        FlatFiles(s3).fetch(UNIT, complete(lambda _: 2))


@pytest.mark.parametrize("cut", [1, 9, 20, 40])
def test_a_file_that_ends_early_is_no_day(s3: Any, cut: int) -> None:
    whole = gzip.compress(f"{HEADER}\n{bar('A', '2020-01-03')}\n".encode())
    with pytest.raises(SourceUnavailable, match="ends early"):
        fetched(s3, data=whole[:-cut])


def test_a_file_that_is_no_gzip_is_damaged(s3: Any) -> None:
    with pytest.raises(SourceUnavailable, match="damaged"):
        fetched(s3, data=b"<html>busy</html>")


def test_a_file_that_grows_without_end_is_given_up(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flat_files, "LARGEST_FILE", 1_000)
    with pytest.raises(SourceUnavailable, match="larger than 1000 bytes"):
        fetched(s3, data=gzip.compress(bytes(10_000_000)))
