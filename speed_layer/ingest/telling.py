"""What CloudWatch learns of an ingester: its counts as they have grown, a line each minute."""

from collections.abc import Mapping
from typing import Any

from shared.metrics import CHANNELS_REFUSED, HOLES, HOST_BEHIND, QUARANTINED, TRADES, Metric, measured

EVERY_S = 60.0
_TOTALS = {TRADES: "accepted", QUARANTINED: "quarantined"}


class Telling:
    """Remembers what was told. A process that is killed takes at most a minute's growth along; its totals stay in the
    control table."""

    def __init__(self) -> None:
        self._told: dict[Metric, int] = {}

    def tell(self, counts: Mapping[str, Any]) -> None:
        """`counts` as report.py makes them. What is nothing is left out, but for trades: a metric that is never sent is
        not billed, and its alarm takes silence for well."""
        totals = {metric: int(counts[name]) for metric, name in _TOTALS.items()} | {HOLES: len(counts["holes"])}
        grown = {metric: total - self._told.get(metric, 0) for metric, total in totals.items()}
        self._told = totals
        now = {HOST_BEHIND: int(counts["host_behind_ms"]), CHANNELS_REFUSED: len(counts["channels_refused"])}
        values = {metric: value for metric, value in {**grown, **now}.items() if value or metric is TRADES}
        measured("ingest", values, int(counts["told_ms"]))
