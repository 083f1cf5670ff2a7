"""DynamoDB on demand: what is written to and read from each table, and what lies in it."""

import math
from collections.abc import Callable
from typing import NamedTuple

from local_dev.cost.assembly import Resource
from local_dev.cost.line import GB, MILLION, Lines, Month
from local_dev.cost.traffic import archived
from shared.stores.bars import TTL_S as BARS_TTL_S
from shared.stores.ticks import TTL_S as TICKS_TTL_S
from speed_layer.alerts.service import REFRESH_MS

SERVICE = "DynamoDB"
KB = 1024
DAY_S = 86_400
BARS_DAYS, TICKS_DAYS = BARS_TTL_S / DAY_S, TICKS_TTL_S / DAY_S
BAR_ITEM_BYTES = 400


class Use(NamedTuple):
    """Write and read units a month, and GB held."""

    writes: float
    reads: float
    held_gb: float


def bars(month: Month) -> Use:
    """A unit for each minute of a symbol; a late part takes two, and makes an hour be read."""
    load = month.load
    minutes = load.symbols * load.minutes_a_symbol
    late = month.sessions * load.late_parts_a_day
    read = late * 60 * BAR_ITEM_BYTES / (4 * KB) + month.asked * load.reads_a_request
    return Use(month.sessions * minutes + 2 * late, read, minutes * BARS_DAYS * _open_days(month) * BAR_ITEM_BYTES / GB)


def ticks(month: Month) -> Use:
    """A chunk of each symbol, minute and batch of the archive."""
    load = month.load
    shards = int(month.assembly.told("SHARDS"))
    units = 0.0
    for batch in archived(month):
        lasts = shards / batch.a_second
        trades = batch.items / load.symbols * lasts
        minutes = 1 + lasts / 60
        chunk = max(1, trades / minutes) * load.tick_bytes_a_trade
        chunks = batch.seconds / lasts * load.symbols * min(trades, minutes)
        units += chunks * (math.ceil(chunk / KB) if chunk < KB else chunk / KB + 0.5)
    a_day = load.trades_a_day * load.tick_bytes_a_trade / GB
    return Use(units, month.asked * load.reads_a_request / 10, a_day * TICKS_DAYS)


def signals(month: Month) -> Use:
    """Table and index."""
    stored = month.sessions * month.load.signals_a_day
    return Use(2 * stored, stored, 12 * stored * 1_000 / GB)


def alerts(month: Month) -> Use:
    """A state and a crossing, which its index has too; rules are looked for by each shard's reader."""
    fired = month.sessions * month.load.alerts_a_day
    looks = month.hours(month.assembly.ingester()) * 3600 / (REFRESH_MS / 1000) * int(month.assembly.told("SHARDS"))
    return Use(3 * fired, looks / 2 + fired, 3 * fired * 1_000 / GB)


def control(month: Month) -> Use:
    """The ingester's counts and lease; a key for each request."""
    running_s = month.hours(month.assembly.ingester()) * 3600
    return Use(running_s * month.load.control_writes_a_second, 2 * month.asked, 0.01)


USES: dict[str, Callable[[Month], Use]] = {
    "Bars": bars,
    "Ticks": ticks,
    "Signals": signals,
    "Alerts": alerts,
    "Control": control,
}
"""By how the table's logical id begins."""


def table(resource: Resource, month: Month) -> Lines:
    """Raises ValueError for a table that the load knows nothing of, or one that is not on demand."""
    name = next((name for name in USES if resource.id.startswith(name)), None)
    if name is None:
        raise ValueError(f"no load known for the table {resource.stack} {resource.id}")
    if resource.properties.get("BillingMode") != "PAY_PER_REQUEST":
        raise ValueError(f"no price known for the table {resource.stack} {resource.id} with provisioned capacity")
    use = USES[name](month)
    what = name.lower()
    yield month.line(resource, SERVICE, f"{what}: written", use.writes / MILLION, "dynamodb_writes")
    yield month.line(resource, SERVICE, f"{what}: read", use.reads / MILLION, "dynamodb_reads")
    yield month.line(resource, SERVICE, f"{what}: held", use.held_gb, "dynamodb_storage")
    if resource.properties.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled"):
        yield month.line(resource, SERVICE, f"{what}: recovery", use.held_gb, "dynamodb_recovery")


def _open_days(month: Month) -> float:
    """Sessions in a day of the calendar."""
    return month.market.sessions / 365


PRICED = {"AWS::DynamoDB::Table": table}
