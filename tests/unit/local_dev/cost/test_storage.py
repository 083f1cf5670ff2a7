"""What the raw log costs to keep, against a month counted by hand."""

from typing import Any

import pytest

from local_dev.cost.bill import bill_of
from local_dev.cost.load import Load
from local_dev.cost.prices import prices
from tests.unit.local_dev.cost.templates import assembly
from tests.unit.local_dev.cost.test_tables import REGULAR_S

TO_ARCHIVE = {
    "Prefix": "raw/trades/",
    "ObjectSizeGreaterThan": "131072",
    "Transitions": [{"StorageClass": "GLACIER_IR", "TransitionInDays": 100}],
}
SESSIONS, TRADES_GB = 251 / 12, 40_000_000 * 17 / 1e9


def quantities(load: Load, *rules: dict[str, Any]) -> dict[str, float]:
    mapping = {
        "EventSourceArn": {"Fn::GetAtt": ["Trades", "Arn"]},
        "BatchSize": 10_000,
        "MaximumBatchingWindowInSeconds": 60,
    }
    speed: dict[str, Any] = {
        "Trades": {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 4}},
        "ArchiveMapping": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": mapping},
    }
    lake = {"Type": "AWS::S3::Bucket", "Properties": {"LifecycleConfiguration": {"Rules": list(rules)}}}
    bill = bill_of(assembly(speed=speed, storage={"LakeBucket": lake}), load, prices())
    return {line.price.name: line.quantity for line in bill.lines if line.service == "S3"}


def test_objects_of_regular_hours_grow_old_in_the_archive_class_and_small_ones_stay() -> None:
    """Of a minute of a shard: about 390 KB in regular hours, 30 KB before and after."""
    held = quantities(Load(), TO_ARCHIVE)
    old = (12 - 100 / (730 / 24)) * SESSIONS * TRADES_GB * 0.9
    assert held["s3_archive_storage"] == pytest.approx(old)
    assert held["s3_storage"] == pytest.approx(12 * SESSIONS * TRADES_GB - old + 5)
    assert held["s3_archive_moves"] == pytest.approx(REGULAR_S / 60 * 4 / 1e6)


def test_nothing_is_old_in_the_first_months_or_without_the_rule() -> None:
    young = quantities(Load(history_months=3), TO_ARCHIVE)
    assert young["s3_archive_storage"] == young["s3_archive_moves"] == 0
    assert quantities(Load())["s3_archive_storage"] == 0
