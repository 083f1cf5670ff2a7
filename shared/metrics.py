"""Counts and ages for alarms: lines of CloudWatch's embedded metric format (EMF) on the standard output.

CloudWatch Logs makes metrics of such lines wherever they come from, a function or a container, so nobody needs the
right to put metrics, and what cannot reach CloudWatch inside the VPC needs not. Every metric has one dimension, its
layer; who wrote a line stands beside it and is no dimension: each combination of dimensions is billed as a metric.
"""

import json
import os
import sys
import time
from collections.abc import Mapping
from typing import Literal, NamedTuple

Layer = Literal["speed", "batch"]
DIMENSION = "layer"


class Metric(NamedTuple):
    """A metric of ours; `unit` is one of CloudWatch's. `says`: what a value is."""

    name: str
    layer: Layer
    unit: Literal["Count", "Seconds", "Milliseconds"]
    says: str


TRADES = Metric("Trades", "speed", "Count", "trades that the stream has accepted since the line before")
QUARANTINED = Metric("Quarantined", "speed", "Count", "records, trades, frames or alerts that broke a rule")
HOLES = Metric("Holes", "speed", "Count", "times of which trades may be missing for good, new ones")
HOST_BEHIND = Metric(
    "HostBehind", "speed", "Milliseconds", "how far the feed is ahead of the host's clock, from 1 s on"
)
CHANNELS_REFUSED = Metric("ChannelsRefused", "speed", "Count", "names that the vendor does not grant")
SESSION_OPEN = Metric("SessionOpen", "speed", "Count", "1 in the regular session, else 0; each minute")
FEED_DOWN = Metric("FeedDown", "speed", "Count", "1 while the regular session runs and the ingester is not `running`")
BARS_AGE = Metric("BarsAge", "speed", "Seconds", "in the regular session, how old the newest promise of a bar is")
DEAD_LETTERS = Metric("DeadLetters", "speed", "Count", "batches that Lambda has given up within the last hour")
MAY_RUN = Metric("MayRun", "speed", "Count", "1 in the hours in which what runs by the clock may run, else 0")
OUT_OF_HOURS = Metric("OutOfHours", "speed", "Count", "1 while the ingester is at work when it may not run, else 0")
NIGHTS_MISSING = Metric("NightsMissing", "batch", "Count", "sessions of the last week whose night is due and not done")
UNREADABLE = Metric("Unreadable", "batch", "Count", "rows of the vendor that broke a rule")
UNSETTLED = Metric(
    "Unsettled", "batch", "Count", "minutes of the speed view that the raw log lacks: nothing is settled"
)
DIFFERENCES = Metric("Differences", "batch", "Count", "bars that differ by a fault of ours, or for no known reason")

METRICS = (
    TRADES, QUARANTINED, HOLES, HOST_BEHIND, CHANNELS_REFUSED, SESSION_OPEN, FEED_DOWN, BARS_AGE, DEAD_LETTERS, MAY_RUN,
    OUT_OF_HOURS, NIGHTS_MISSING, UNREADABLE, UNSETTLED, DIFFERENCES,
)  # fmt: skip


def measured(service: str, values: Mapping[Metric, float], at_ms: int | None = None) -> None:
    """Write values measured by `service` at a time (Unix ms; None: now). Without METRICS_NAMESPACE nothing is written:
    nobody would read it. Metrics of more than one layer make a line each. Never raises for an output that is closed."""
    namespace = os.environ.get("METRICS_NAMESPACE")
    if not namespace:
        return
    for layer in sorted({metric.layer for metric in values}):
        line = _line(namespace, service, layer, {m: v for m, v in values.items() if m.layer == layer}, at_ms)
        try:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
        except (OSError, ValueError):  # telemetry that is down stops nothing
            return


def _line(namespace: str, service: str, layer: Layer, values: Mapping[Metric, float], at_ms: int | None) -> str:
    directive = {
        "Namespace": namespace,
        "Dimensions": [[DIMENSION]],
        "Metrics": [{"Name": metric.name, "Unit": metric.unit} for metric in values],
    }
    told = {metric.name: value for metric, value in values.items()}
    at = int(time.time() * 1000) if at_ms is None else at_ms
    head = {"_aws": {"Timestamp": at, "CloudWatchMetrics": [directive]}, DIMENSION: layer, "service": service}
    return json.dumps({**head, **told}, separators=(",", ":"))
