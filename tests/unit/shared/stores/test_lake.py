"""The raw log: names come from the batch, so a repeated batch writes the same bytes again."""

import gzip
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bars.windows import NEW_YORK
from shared.errors import StoreUnavailable
from shared.frames import Part, encode
from shared.stores.lake import Lake, Lines, compress, raw_hour
from tests.unit.shared.stores.conftest import BUCKET, answer_with_error, cut_pages, lose_answer

SHARD = "shardId-000000000001"
SEC = 1_381_239_000
"""2013-10-08 09:30 in New York."""


def part(sym: str, sec: int = SEC, counter: int = 1) -> Part:
    return Part(1, f"1-0-{counter}", sym, sec)


def lines(*parts: Part, day: str = "2013-10-08", hour: str = "09") -> Lines:
    return Lines(day, hour, [encode(each) for each in parts])


def stored(s3: Any) -> dict[str, bytes]:
    entries = s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return {entry["Key"]: s3.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read() for entry in entries}


@pytest.fixture
def lake(s3: Any) -> Lake:
    return Lake(s3, BUCKET)


def test_an_object_is_named_by_date_hour_shard_and_first_sequence(s3: Any, lake: Lake) -> None:
    lake.put_raw(SHARD, "49590338271490256608559692538361571095921575989136588898", [lines(part("SPY"))])
    assert list(stored(s3)) == [
        "raw/trades/date=2013-10-08/hour=09/"
        "shardId-000000000001-49590338271490256608559692538361571095921575989136588898.jsonl.gz"
    ]


def test_an_object_holds_one_part_a_line_in_gzip(s3: Any, lake: Lake) -> None:
    parts = [part("SPY"), part("AIG"), part("")]
    lake.put_raw(SHARD, "1", [lines(*parts)])
    (body,) = stored(s3).values()
    assert gzip.decompress(body) == b"".join(encode(each) + b"\n" for each in parts)


def test_a_batch_over_several_hours_makes_an_object_of_each(s3: Any, lake: Lake) -> None:
    lake.put_raw(SHARD, "1", [lines(part("SPY")), lines(part("SPY"), hour="10"), lines(part("A"), day="2013-10-09")])
    assert [key.split("/", 2)[2].rsplit("/", 1)[0] for key in stored(s3)] == [
        "date=2013-10-08/hour=09",
        "date=2013-10-08/hour=10",
        "date=2013-10-09/hour=09",
    ]


def test_a_batch_of_nothing_writes_nothing(s3: Any, lake: Lake) -> None:
    lake.put_raw(SHARD, "1", [])
    assert stored(s3) == {}


def test_a_repeated_batch_writes_the_same_bytes_to_the_same_names(s3: Any, lake: Lake) -> None:
    batch = [lines(part("SPY"), part("AIG")), lines(part("SPY"), hour="10")]
    lake.put_raw(SHARD, "1", batch)
    once = stored(s3)
    lake.put_raw(SHARD, "1", batch)
    assert stored(s3) == once
    assert len(once) == 2


def test_other_batches_and_other_shards_do_not_overwrite_one_another(s3: Any, lake: Lake) -> None:
    lake.put_raw(SHARD, "1", [lines(part("SPY"))])
    lake.put_raw(SHARD, "2", [lines(part("SPY"))])
    lake.put_raw("shardId-000000000002", "1", [lines(part("SPY"))])
    assert len(stored(s3)) == 3


@given(st.binary(max_size=500))
def test_equal_bytes_compress_to_equal_bytes_with_no_time_in_them(data: bytes) -> None:
    packed = compress(data)
    assert gzip.decompress(packed) == data
    assert packed == compress(data)
    assert packed[4:8] == bytes(4), "the header's time"


def test_parts_are_read_with_their_shard_from_all_objects_repeats_included(s3: Any, lake: Lake) -> None:
    lake.put_raw(SHARD, "1", [lines(part("SPY"), part("AIG"))])
    lake.put_raw(SHARD, "2", [lines(part("SPY"))])
    lake.put_raw("shardId-000000000002", "9", [lines(part("BAC"), hour="10")])
    cut_pages(s3, "ListObjectsV2", "MaxKeys", 1)
    assert [(shard, found.sym) for shard, found in lake.raw_parts()] == [
        (SHARD, "SPY"),
        (SHARD, "AIG"),
        (SHARD, "SPY"),
        ("shardId-000000000002", "BAC"),
    ]


def test_reading_can_be_narrowed_to_an_hour_and_to_chosen_lines(lake: Lake) -> None:
    lake.put_raw(SHARD, "1", [lines(part("SPY"), part("AIG")), lines(part("SPY"), hour="10")])
    lake.put_quarantine("ingest", "1", date(2013, 10, 8), [b"not a part"])
    prefix = "date=2013-10-08/hour=09/"
    assert [found.sym for _, found in lake.raw_parts(prefix)] == ["SPY", "AIG"]
    assert [found.sym for _, found in lake.raw_parts(prefix, lambda line: b"AIG" in line)] == ["AIG"]
    assert list(lake.raw_parts("date=2013-10-09/")) == []


def test_quarantine_lies_apart_by_stage_and_date_of_arrival(s3: Any, lake: Lake) -> None:
    lake.put_quarantine("live", f"{SHARD}-1", date(2013, 10, 8), [b"a", b"b"])
    ((key, body),) = stored(s3).items()
    assert key == f"quarantine/stage=live/date=2013-10-08/{SHARD}-1.jsonl.gz"
    assert gzip.decompress(body) == b"a\nb\n"


def seconds(*utc: int) -> int:
    """Unix seconds of year, month, day, hour and perhaps minute and second."""
    return int(datetime(*utc, tzinfo=UTC).timestamp())  # type: ignore[arg-type, misc]  # seven numbers at most


@pytest.mark.parametrize(
    ("sec", "expected"),
    [
        (seconds(2026, 3, 8, 6, 59, 59), ("2026-03-08", "01")),
        (seconds(2026, 3, 8, 7), ("2026-03-08", "03")),
        (seconds(2026, 11, 1, 5), ("2026-11-01", "01")),
        (seconds(2026, 11, 1, 6, 59, 59), ("2026-11-01", "01")),
        (seconds(2026, 11, 1, 7), ("2026-11-01", "02")),
        (seconds(2026, 7, 1, 3, 59, 59), ("2026-06-30", "23")),
        (seconds(2026, 7, 1, 4), ("2026-07-01", "00")),
        (seconds(2026, 12, 1, 4, 59, 59), ("2026-11-30", "23")),
        (seconds(2026, 12, 1, 5), ("2026-12-01", "00")),
    ],
    ids=[
        *("before the clock goes forward", "the hour that is skipped", "the hour that comes twice", "and again"),
        *("after it", "the end of a summer day", "a summer midnight", "the end of a winter day", "a winter midnight"),
    ],
)
def test_date_and_hour_are_those_of_the_new_york_clock(sec: int, expected: tuple[str, str]) -> None:
    assert raw_hour(sec) == expected


@given(st.integers(0, 4 * 10**9))
def test_any_second_is_filed_under_its_new_york_date_and_hour(sec: int) -> None:
    local = datetime.fromtimestamp(sec, NEW_YORK)
    assert raw_hour(sec) == (f"{local:%Y-%m-%d}", f"{local:%H}")


def test_a_lost_acknowledgement_leaves_one_object_with_its_bytes(s3: Any, lake: Lake) -> None:
    attempts = lose_answer(s3, "PutObject")
    lake.put_raw(SHARD, "1", [lines(part("SPY"))])
    assert len(attempts) == 2
    assert [found.sym for _, found in lake.raw_parts()] == ["SPY"]


def test_a_bucket_that_slows_us_down_is_asked_again(s3: Any, lake: Lake) -> None:
    attempts = answer_with_error(s3, "PutObject", 503, b"<Error><Code>SlowDown</Code></Error>", times=2)
    lake.put_raw(SHARD, "1", [lines(part("SPY"))])
    assert len(attempts) == 3
    assert len(stored(s3)) == 1


CALLS: dict[str, Callable[[Lake], object]] = {
    "put_raw": lambda lake: lake.put_raw(SHARD, "2", [lines(part("SPY"))]),
    "put_quarantine": lambda lake: lake.put_quarantine("live", "1", date(2013, 10, 8), [b"x"]),
    "listing": lambda lake: list(lake.raw_parts("date=2013-10-07/")),
    "reading": lambda lake: list(lake.raw_parts()),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_a_bucket_that_goes_on_failing_is_unavailable_to_every_call(
    s3: Any, lake: Lake, call: Callable[[Lake], object], request: pytest.FixtureRequest
) -> None:
    lake.put_raw(SHARD, "1", [lines(part("SPY"))])
    listing = [] if "reading" in request.node.name else ["ListObjectsV2"]
    for operation in ["PutObject", "GetObject", *listing]:
        answer_with_error(s3, operation, 503, b"<Error><Code>SlowDown</Code></Error>")
    with pytest.raises(StoreUnavailable, match="lake"):
        call(lake)
