"""Kinesis bars -> signals and alerts. At least once: an id says what it is about, so a repeated batch changes nothing.

Runs inside the VPC: DynamoDB, S3 and Valkey are all it reaches. The host's clock says only when a signal was known.
"""

import time
from functools import lru_cache, partial
from typing import Any, Final

from shared.bars.sessions import sessions_named
from shared.clients.aws import client
from shared.metrics import QUARANTINED, measured
from shared.models.bar import Timeframe
from shared.settings import read
from shared.stores.alerts import AlertStore
from shared.stores.bars import BarStore
from shared.stores.control import ControlStore
from shared.stores.lake import Lake
from shared.stores.rings import Rings
from shared.stores.signals import SignalStore
from shared.stores.valkey import Valkey, connect
from speed_layer.alerts.closed import BarAlerts
from speed_layer.alerts.service import Alerts
from speed_layer.kinesis_event import report_first_failure
from speed_layer.signals.closed import ClosedBars
from speed_layer.signals.config import Configured, configured, longest_windows
from speed_layer.signals.judge import AGAIN_MS
from speed_layer.signals.service import Edges, handle
from speed_layer.signals.settings import SignalsSettings

SPARE: Final = AGAIN_MS // 60_000 + 1
"""Bars beyond the longest window, so that those judged again have all of theirs."""
HOUR: Final = "1h"
SESSION_HOURS: Final = 24


def kept_bars(strategies: tuple[Configured, ...]) -> dict[Timeframe, int]:
    """How long rings are: the longest window and the bars judged again. Of hours, which the API reads, at least a
    session; of other timeframes that no strategy judges there are none."""
    judged = {tf: window + SPARE for tf, window in longest_windows(strategies).items() if window}
    return judged | {HOUR: max(judged.get(HOUR, 0), SESSION_HOURS)}


@lru_cache(maxsize=1)
def wire() -> Edges:
    """From this function's environment. Raises PermanentError naming a setting that is missing or wrong."""
    settings = read(SignalsSettings)
    strategies = configured(settings.strategies)
    dynamodb = client("dynamodb")
    bars = BarStore(dynamodb, settings.bars_table)
    cache = Valkey(connect(settings.cache_endpoint, settings.cache_user, settings.cache_name), time.monotonic)
    kept, sessions = kept_bars(strategies), sessions_named(settings.sessions)
    alerts = None
    if settings.alerts_table:
        held = AlertStore(dynamodb, settings.alerts_table, partial(measured, "signals", {QUARANTINED: 1}))
        rules = Alerts("signals", held, _now_ms)
        alerts = BarAlerts(rules, bars, sessions)
    return Edges(
        control=ControlStore(dynamodb, settings.control_table),
        closed=ClosedBars(Rings(cache, kept), bars, kept),
        minutes=bars,
        store=SignalStore(dynamodb, settings.signals_table),
        lake=Lake(client("s3"), settings.lake_bucket),
        strategies=strategies,
        sessions=sessions,
        now_ms=_now_ms,
        sleep=time.sleep,
        alerts=alerts,
    )


def _now_ms() -> int:
    return time.time_ns() // 10**6


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Trigger: the bars stream."""
    return report_first_failure(event, lambda batch: handle(batch, wire()))
