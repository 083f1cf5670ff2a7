"""What the tables are written, against counts made by going through a month batch by batch."""

import math
from typing import Any

import pytest

from local_dev.cost.bill import bill_of
from local_dev.cost.load import Load
from local_dev.cost.prices import prices
from tests.unit.local_dev.cost.templates import assembly

OPEN_S = (251 * 16 - 2 * 3) / 12 * 3600
REGULAR_S = (251 * 6.5 - 2 * 3) / 12 * 3600
TABLE = {"Type": "AWS::DynamoDB::Table", "Properties": {"BillingMode": "PAY_PER_REQUEST"}}


def written(table: str, load: Load, window: int = 60, batch: int = 1000) -> float:
    """Write units a month."""
    mapping = {
        "EventSourceArn": {"Fn::GetAtt": ["Trades", "Arn"]},
        "BatchSize": batch,
        "MaximumBatchingWindowInSeconds": window,
    }
    speed: dict[str, Any] = {
        "Trades": {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 2}},
        "ArchiveMapping": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": mapping},
    }
    lines = bill_of(assembly(speed=speed, storage={table: TABLE}), load, prices()).lines
    return next(line.quantity for line in lines if line.counted.endswith(": written")) * 1e6


def test_a_minute_of_a_symbol_is_one_write() -> None:
    assert written("BarsTable", Load(late_parts_a_day=0)) == pytest.approx(251 / 12 * 500 * 500)


@pytest.mark.parametrize("window", [10, 45, 300])
def test_chunks_of_ticks_are_those_of_the_archives_batches(window: int) -> None:
    """All trades in regular hours, so many that each symbol is in each batch; units by their sizes, spread evenly."""
    load = Load(extended_share=0, trades_a_day=120_000_000)
    lasts = min(window, 1000 / 22)  # 2 lanes of a shard: 20 frames and 2 heartbeats a second
    bytes_a_second = 251 / 12 * load.trades_a_day / REGULAR_S * load.bytes_a_trade / 2 + 2 * 60
    lasts = min(lasts, 4_500_000 / bytes_a_second)
    chunks = REGULAR_S / lasts * load.symbols * (1 + lasts / 60)
    trades = 251 / 12 * load.trades_a_day / chunks
    size = trades * load.tick_bytes_a_trade / 1024
    units = math.ceil(size) if size < 1 else size + 0.5
    assert written("TicksTable", load, window) == pytest.approx(chunks * units, rel=0.001)


def test_the_ingester_writes_its_counts_and_its_lease_day_and_night() -> None:
    assert written("ControlTable", Load()) == pytest.approx(730 * 3600 * 1.6)


def test_a_table_with_provisioned_capacity_is_refused() -> None:
    table = {"Type": "AWS::DynamoDB::Table", "Properties": {"BillingMode": "PROVISIONED"}}
    with pytest.raises(ValueError, match="provisioned capacity"):
        bill_of(assembly(storage={"BarsTable": table}), Load(), prices())
