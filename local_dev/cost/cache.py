"""ElastiCache serverless: what is held by the hour, above a floor, and its requests."""

import math

from local_dev.cost.assembly import Resource, number
from local_dev.cost.line import HOURS, MILLION, Lines, Month

SERVICE = "ElastiCache"
LEAST_GB = {"valkey": 0.1}
"""By engine."""
ROUNDS_S = 0.25
"""Last trades go to the cache so often, minutes each fourth time (speed_layer/ingest/fill.py)."""
PER_REQUEST = 3
"""Requests to the cache for one to the API."""


def serverless(resource: Resource, month: Month) -> Lines:
    """Raises ValueError for an engine without a price."""
    engine = str(resource.properties["Engine"])
    if engine not in LEAST_GB:
        raise ValueError(f"no price known for the cache engine {engine!r}")
    limits = resource.properties.get("CacheUsageLimits", {})
    most = number(limits.get("ECPUPerSecond", {}).get("Maximum"), math.inf)
    held = max(LEAST_GB[engine], month.load.cache_gb)
    units = float(month.asked * PER_REQUEST)
    for seconds, share in (
        (month.regular_s, 1 - month.load.extended_share),
        (month.extended_s, month.load.extended_share),
    ):
        units += seconds * min(most, _written_a_second(month, seconds, share))
    yield month.line(resource, SERVICE, f"{engine}, {held:g} GB", held * HOURS, f"{engine}_storage")
    yield month.line(resource, SERVICE, f"{engine}, requests", units / MILLION, f"{engine}_requests")


def _written_a_second(month: Month, seconds: float, share: float) -> float:
    """A unit for each symbol that has traded since the last round, trades spread evenly over symbols."""
    load = month.load
    trades = month.sessions * load.trades_a_day * share / seconds if seconds else 0

    def touched(round_s: float) -> float:
        return load.symbols * (1 - math.exp(-trades * round_s / load.symbols))

    return touched(ROUNDS_S) / ROUNDS_S + touched(4 * ROUNDS_S) / (4 * ROUNDS_S)


PRICED = {"AWS::ElastiCache::ServerlessCache": serverless}
