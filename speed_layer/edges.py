"""What the functions that keep the bars table talk to, connected once a process."""

import time
from functools import lru_cache, partial
from typing import Any, NamedTuple

from shared.bars.sessions import SessionTable, sessions_named
from shared.clients.aws import client
from shared.clients.kinesis import PutRecords
from shared.metrics import QUARANTINED, measured
from shared.settings import read
from shared.stores.alerts import AlertStore
from shared.stores.bars import BarStore
from shared.stores.control import ControlStore
from shared.stores.lake import Lake
from speed_layer.alerts.service import Alerts
from speed_layer.settings import TableSettings

BARS_SHARDS = 1


class Edges(NamedTuple):
    """Tables, the bucket for quarantine, the way back onto the bars stream, and the market's sessions. `alerts`: price
    rules, of `live` alone."""

    bars: BarStore
    control: ControlStore
    lake: Lake
    bars_out: PutRecords
    sessions: SessionTable
    alerts: Alerts | None = None


@lru_cache(maxsize=1)
def wire() -> Edges:
    """From this function's environment."""
    settings = read(TableSettings)
    dynamodb = client("dynamodb")
    return Edges(
        BarStore(dynamodb, settings.bars_table),
        ControlStore(dynamodb, settings.control_table),
        Lake(client("s3"), settings.lake_bucket),
        PutRecords(client("kinesis"), settings.bars_stream, BARS_SHARDS),
        sessions_named(settings.sessions),
        _price_alerts(dynamodb, settings.alerts_table) if settings.alerts_table else None,
    )


def _price_alerts(dynamodb: Any, table: str) -> Alerts:
    store = AlertStore(dynamodb, table, partial(measured, "live", {QUARANTINED: 1}))
    return Alerts("live", store, lambda: time.time_ns() // 10**6)
