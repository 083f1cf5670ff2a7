"""A date in the lake is whole or refused, whoever else writes it, and whatever S3 answers."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import duckdb
import polars as pl
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError
from moto.core.models import botocore_stubber

from batch_layer.lake.daily import DailyLake
from batch_layer.lake.date_files import WrittenByAnother
from batch_layer.lake.manifest import BrokenFile
from shared.errors import InvalidRecord, StoreUnavailable
from shared.models.daily import DailyBar
from tests.unit.batch_layer.lake.conftest import BUCKET, before_send

DAY = date(2024, 3, 4)
FOLDER = "bars/timeframe=1d/date=2024-03-04"
FILE, MANIFEST = f"{FOLDER}/part.parquet", f"{FOLDER}/_manifest.json"
KNOWN = datetime(2024, 3, 5, 1, tzinfo=UTC)
OURS = [
    DailyBar("A", DAY, 10**9, 2 * 10**9, 10**9, 10**9, 5 * 10**6, 10**4, 3),
    DailyBar("B", DAY, None, None, None, None, 0),
]
THEIRS = [DailyBar("A", DAY, 3 * 10**9, 3 * 10**9, 3 * 10**9, 3 * 10**9, 10**6)]


def write(lake: DailyLake, bars: list[DailyBar], source: str = "vendor", hours: int = 0) -> bool:
    return lake.write(DAY, bars, source=source, known_at=KNOWN + timedelta(hours=hours)).changed


def keys(s3: Any) -> list[str]:
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def body(s3: Any, key: str) -> bytes:
    data: bytes = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return data


def before(s3: Any, operation: str, key: str, act: Callable[[], object]) -> None:
    """Once, just before a request of ours for a key leaves, another does something."""
    done: list[str] = []

    def hook(request: Any, **_: Any) -> None:
        if unquote(request.url).endswith(key) and not done:
            done.append(key)
            act()

    before_send(s3, operation, hook)


def refuse_puts(s3: Any, key: str, status: int, code: str, times: int) -> list[str]:
    """The next puts of a key are answered with an error and have no effect. Returns those seen."""
    seen: list[str] = []

    class Raw:
        def stream(self, **_: Any) -> Any:
            yield f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()

    def hook(request: Any, **_: Any) -> AWSResponse | None:
        if not unquote(request.url).endswith(key):
            return None
        seen.append(request.url)
        if len(seen) > times:
            return None
        request.method = "HEAD"  # moto sees the request too, after us, and must do nothing
        return AWSResponse(request.url, status, {}, Raw())

    before_send(s3, "PutObject", hook)
    return seen


def test_the_manifest_says_what_the_file_is_and_nothing_is_left_in_staging(s3: Any, lake: DailyLake) -> None:
    assert lake.bars(DAY) is None
    assert write(lake, OURS)
    assert lake.bars(DAY) == OURS
    assert keys(s3) == [MANIFEST, FILE]
    file = body(s3, FILE)
    assert json.loads(body(s3, MANIFEST)) == {
        "rows": 2,
        "bytes": len(file),
        "sha256": sha256(file).hexdigest(),
        "source": "vendor",
        "code_version": "0.1.0",
        "known_at": "2024-03-05T01:00:00Z",
    }


def test_equal_bars_again_change_nothing_and_stay_known_since_they_first_were(s3: Any, lake: DailyLake) -> None:
    write(lake, OURS)
    puts = refuse_puts(s3, "", 200, "", 0)
    assert not write(lake, OURS[::-1], hours=5)
    assert puts == []
    manifest = lake.manifest(DAY)
    assert manifest is not None
    assert manifest.known_at == KNOWN


def test_later_knowledge_takes_the_place_of_earlier_and_not_the_other_way_round(lake: DailyLake) -> None:
    assert write(lake, OURS)
    assert write(lake, THEIRS, hours=1)
    assert not write(lake, OURS)
    assert lake.bars(DAY) == THEIRS
    with pytest.raises(InvalidRecord, match="two sets of bars"):
        write(lake, OURS, hours=1)


def test_nothing_is_read_before_the_manifest_and_a_stopped_write_is_done_again(s3: Any, lake: DailyLake) -> None:
    refuse_puts(s3, MANIFEST, 500, "InternalError", 3)
    with pytest.raises(StoreUnavailable):
        write(lake, OURS)
    assert keys(s3) == [FILE]
    assert lake.bars(DAY) is None
    assert write(lake, OURS)
    assert lake.bars(DAY) == OURS


@pytest.mark.parametrize("kept", [0, 1, 100, 1000, -1])
def test_a_truncated_file_in_the_lake_is_refused_until_it_is_written_again(s3: Any, lake: DailyLake, kept: int) -> None:
    write(lake, OURS)
    s3.put_object(Bucket=BUCKET, Key=FILE, Body=body(s3, FILE)[:kept])
    with pytest.raises(BrokenFile, match=r"part\.parquet has \d+ bytes"):
        lake.bars(DAY)
    assert write(lake, OURS)
    assert lake.bars(DAY) == OURS


def test_a_file_that_is_gone_or_a_manifest_that_is_none_is_refused_until_written_again(
    s3: Any, lake: DailyLake
) -> None:
    write(lake, OURS)
    s3.delete_object(Bucket=BUCKET, Key=FILE)
    with pytest.raises(BrokenFile, match="is not there"):
        lake.bars(DAY)
    assert write(lake, OURS)
    s3.put_object(Bucket=BUCKET, Key=MANIFEST, Body=b'{"rows": 2')
    with pytest.raises(BrokenFile, match="is no manifest"):
        lake.bars(DAY)
    assert write(lake, OURS)
    assert lake.bars(DAY) == OURS


def test_what_staging_did_not_keep_whole_never_reaches_its_place(s3: Any, lake: DailyLake) -> None:
    def cut() -> None:
        (staged,) = keys(s3)
        s3.put_object(Bucket=BUCKET, Key=staged, Body=body(s3, staged)[:-10])

    before(s3, "GetObject", f"{sha256(_file_of(lake, s3)).hexdigest()}.parquet", cut)
    with pytest.raises(BrokenFile, match="_staging"):
        write(lake, OURS)
    assert not [key for key in keys(s3) if key.startswith("bars/")]


def _file_of(lake: DailyLake, s3: Any) -> bytes:
    """The bytes that OURS become; the bucket is empty again afterwards."""
    write(lake, OURS)
    file = body(s3, FILE)
    for key in keys(s3):
        s3.delete_object(Bucket=BUCKET, Key=key)
    return file


@pytest.mark.parametrize("key", [FILE, MANIFEST, ".parquet"])
def test_slow_down_is_answered_by_trying_again(s3: Any, lake: DailyLake, key: str) -> None:
    seen = refuse_puts(s3, key, 503, "SlowDown", 2)
    assert write(lake, OURS)
    assert len(seen) >= 3
    assert lake.bars(DAY) == OURS


def test_slow_down_without_end_is_said_to_be_retryable(s3: Any, lake: DailyLake) -> None:
    refuse_puts(s3, FILE, 503, "SlowDown", 1000)
    with pytest.raises(StoreUnavailable, match="SlowDown"):
        write(lake, OURS)
    assert lake.bars(DAY) is None


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("key", [FILE, MANIFEST])
def test_of_two_writers_one_wins_with_file_and_manifest(s3: Any, lake: DailyLake, key: str, there: bool) -> None:
    """The other does its whole write just before our file, or our manifest, is put."""
    if there:
        write(lake, OURS[:1], hours=-9)
    before(s3, "PutObject", key, lambda: write(lake, THEIRS, source="other", hours=1))
    with pytest.raises(WrittenByAnother, match=r"2024-03-04 was written by another .*\(other, known at 2024-03-05T02"):
        write(lake, OURS)
    assert lake.bars(DAY) == THEIRS
    assert not write(lake, OURS)


def test_a_writer_that_is_overtaken_between_file_and_manifest_leaves_no_mixture(s3: Any, lake: DailyLake) -> None:
    """The other has seen our file without a manifest and replaces it; ours is put just before the other's is."""
    write(lake, OURS)
    late = body(s3, MANIFEST)
    s3.delete_object(Bucket=BUCKET, Key=MANIFEST)
    before(s3, "PutObject", MANIFEST, lambda: s3.put_object(Bucket=BUCKET, Key=MANIFEST, Body=late))
    assert write(lake, THEIRS, source="other", hours=1)
    assert lake.bars(DAY) == THEIRS
    manifest = lake.manifest(DAY)
    assert manifest is not None
    assert manifest.source == "other"


def test_older_knowledge_is_not_put_over_a_newer_file_that_is_not_finished(s3: Any, lake: DailyLake) -> None:
    write(lake, THEIRS, hours=1)
    s3.delete_object(Bucket=BUCKET, Key=MANIFEST)
    with pytest.raises(WrittenByAnother, match="known at 2024-03-05T02:00:00"):
        write(lake, OURS)
    assert write(lake, THEIRS, hours=1)


@pytest.mark.parametrize("key", [FILE, MANIFEST])
def test_a_put_that_was_taken_but_whose_answer_was_lost_is_ours(s3: Any, lake: DailyLake, key: str) -> None:
    """The SDK tries again and meets its own object."""
    lost: list[str] = []

    def hook(event_name: str, request: Any, **_: Any) -> None:
        if unquote(request.url).endswith(key) and not lost:
            lost.append(key)
            botocore_stubber(event_name, request)
            raise ReadTimeoutError(endpoint_url=request.url)

    before_send(s3, "PutObject", hook)
    assert write(lake, OURS)
    assert lost == [key]
    assert lake.bars(DAY) == OURS


def test_duckdb_and_polars_read_the_lake_by_its_folders(s3: Any, lake: DailyLake, tmp_path: Path) -> None:
    tuesday = DAY + timedelta(days=1)
    write(lake, OURS)
    lake.write(tuesday, [bar._replace(day=tuesday) for bar in THEIRS], source="vendor", known_at=KNOWN)
    for key in keys(s3):
        (tmp_path / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / key).write_bytes(body(s3, key))
    files = str(tmp_path / "bars/timeframe=1d/*/*.parquet")
    want = [
        ("A", DAY, Decimal(1), Decimal(2), Decimal(5), Decimal(1), 3, DAY),
        ("A", tuesday, Decimal(3), Decimal(3), Decimal(1), None, None, tuesday),
        ("B", DAY, None, None, Decimal(0), None, None, DAY),
    ]
    with duckdb.connect() as database:
        got = database.execute(
            """
            SELECT sym, day, open, high, volume, vwap, count, date
            FROM read_parquet($files, hive_partitioning = true) ORDER BY sym, day
            """,
            {"files": files},
        ).fetchall()
    assert got == want
    columns = ("sym", "day", "open", "high", "volume", "vwap", "count", "date")
    polars = pl.scan_parquet(files, hive_partitioning=True).sort("sym", "day").select(columns).collect()
    assert polars.rows() == want
