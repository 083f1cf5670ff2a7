"""Every alarm there is, as data: what is looked at, when it is too much, what silence means, and why it is looked at.

`stacks/monitoring.py` makes them, the tests drive each through its threshold, and docs/runbooks.md has a section of the
same name for each. Words in braces stand for names that the stack knows. Silence is either well (`notBreaching`) or a
fault (`breaching`): an alarm that keeps its state in silence would tell of yesterday.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from shared.metrics import (
    BARS_AGE,
    CHANNELS_REFUSED,
    DEAD_LETTERS,
    DIFFERENCES,
    DIMENSION,
    FEED_DOWN,
    HOLES,
    HOST_BEHIND,
    MAY_RUN,
    NIGHTS_MISSING,
    OUT_OF_HOURS,
    QUARANTINED,
    SESSION_OPEN,
    TRADES,
    UNREADABLE,
    UNSETTLED,
    Metric,
)

OURS = "{namespace}"
Layer = Literal["speed", "batch", "serving"]
Statistic = Literal["Sum", "Maximum", "Average", "SampleCount", "p99"]
Comparison = Literal["GreaterThanThreshold", "GreaterThanOrEqualToThreshold", "LessThanThreshold"]
Missing = Literal["notBreaching", "breaching"]
When = Literal["always", "in session", "out of hours", "growing"]
Where = Literal["always", "full", "push", "us-east-1"]
MINUTE, FIVE, HOURS_6 = 60, 300, 21_600


@dataclass(frozen=True, slots=True)
class Source:
    """A metric of CloudWatch, by its full name."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]

    @classmethod
    def of(cls, metric: Metric) -> Source:
        return cls(OURS, metric.name, {DIMENSION: metric.layer})


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """`points` of `periods` values in a row must break the rule. `when`: only then is the metric looked at, else it
    counts as 0; `growing`: a total since something started, of which the growth is. `where`: the deployments that
    have it. `layer`: on whose dashboard it is. `threshold` in the metric's
    own unit; a word in braces is a setting."""

    name: str
    layer: Layer
    source: Source
    statistic: Statistic
    comparison: Comparison = "GreaterThanThreshold"
    threshold: float | Literal["{budget}"]
    period_s: int = FIVE
    periods: int = 1
    points: int = 1
    missing: Missing = "notBreaching"
    when: When = "always"
    where: Where = "always"
    why: str

    @property
    def gate(self) -> Source | None:
        """The metric that says when this one is looked at."""
        gates = {"in session": SESSION_OPEN, "out of hours": MAY_RUN}
        return Source.of(gates[self.when]) if self.when in gates else None

    @property
    def expression(self) -> str:
        """CloudWatch's metric math for `when`: m is the metric, g the gate (its maximum in the period)."""
        return {
            "always": "m",
            "in session": "IF(g > 0, m, 0)",
            "out of hours": "IF(g < 1, m, 0)",
            "growing": "DIFF(m)",
        }[self.when]


def _lambda(function: str) -> Source:
    return Source("AWS/Lambda", "IteratorAge", {"FunctionName": f"{{{function}}}"})


def _flink(name: str) -> Source:
    return Source("AWS/KinesisAnalytics", name, {"Application": "{flink}"})


def _api(name: str) -> Source:
    return Source("AWS/ApiGateway", name, {"ApiName": "{api}", "Stage": "{stage}"})


def _cache(name: str) -> Source:
    return Source("AWS/ElastiCache", name, {"clusterId": "{cache}"})


_DATABASE = {"DBClusterIdentifier": "{database}"}

READERS = {
    "archive": "trades are not in the raw log yet; after 24 h the stream forgets them",
    "live": "late trades and price alerts wait",
    "persist": "closed minutes are not in their table yet",
    "signals": "signals and alerts on bars wait",
    "notify": "subscribers hear late of signals",
    "announce": "subscribers hear late of alerts",
}
"""Function -> what it means when it is behind its stream."""

SPEED = (
    Alarm(
        name="feed-down", layer="speed", source=Source.of(FEED_DOWN), statistic="Maximum",
        comparison="GreaterThanOrEqualToThreshold", threshold=1, period_s=MINUTE, periods=3, points=2,
        why="In the regular session the ingester is gone, not connected, or its feed is silent.",
    ),
    Alarm(
        name="bars-late", layer="speed", source=Source.of(BARS_AGE), statistic="Maximum",
        threshold=300, period_s=MINUTE, periods=3, points=3,
        why="For five minutes of the regular session no bar has come through the engine, the bars stream and signals.",
    ),
    Alarm(
        name="holes", layer="speed", source=Source.of(HOLES), statistic="Sum", threshold=0,
        why="A gap of the feed was given up: trades may be missing for good.",
    ),
    Alarm(
        name="quarantined", layer="speed", source=Source.of(QUARANTINED), statistic="Sum", threshold=100,
        periods=3, points=2, when="in session",
        why="More input breaks a rule than the few odd trades of a session do.",
    ),
    Alarm(
        name="clock-behind", layer="speed", source=Source.of(HOST_BEHIND), statistic="Maximum",
        comparison="GreaterThanOrEqualToThreshold", threshold=1_000, period_s=MINUTE, periods=3, points=3,
        why="The ingester's host is a second or more behind the feed: good trades may look as if from the future.",
    ),
    Alarm(
        name="channels-refused", layer="speed", source=Source.of(CHANNELS_REFUSED), statistic="Maximum", threshold=0,
        when="in session",
        why="The vendor does not grant some of the symbols: nothing of them comes.",
    ),
    Alarm(
        name="stream-throttled", layer="speed", threshold=0, period_s=MINUTE, periods=5, points=3,
        source=Source("AWS/Kinesis", "WriteProvisionedThroughputExceeded", {"StreamName": "{trades}"}),
        statistic="Sum",
        why="The trades stream has too few shards for what comes; the ingester holds what it refuses, for a while.",
    ),
    *(
        Alarm(
            name=f"{reader}-behind", layer="speed", source=_lambda(reader), statistic="Maximum",
            threshold=180_000, period_s=MINUTE, periods=5, points=5,
            why=f"`{reader}` is three minutes behind its stream: {harm}.",
        )
        for reader, harm in READERS.items()
    ),
    Alarm(
        name="dead-letters", layer="speed", source=Source.of(DEAD_LETTERS), statistic="Maximum", threshold=0,
        why="Lambda has given up batches of a stream; they lie in the lake and nobody takes them up by himself.",
    ),
    Alarm(
        name="flink-late-drops", layer="speed", source=_flink("numLateRecordsDropped"), statistic="Maximum",
        threshold=0, when="growing", where="full",
        why="Flink dropped parts behind its watermark: their minutes lack trades until the night.",
    ),
    Alarm(
        name="flink-behind", layer="speed", source=_flink("millisBehindLatest"), statistic="Maximum",
        threshold=60_000, period_s=MINUTE, periods=5, points=5, where="full",
        why="Flink reads the trades stream a minute late: so late are all bars.",
    ),
    Alarm(
        name="flink-checkpoints", layer="speed", source=_flink("numberOfFailedCheckpoints"), statistic="Maximum",
        threshold=0, when="growing", where="full",
        why="A checkpoint of Flink failed: after a failure of the job more is read again than a minute.",
    ),
    Alarm(
        name="flink-out-of-hours", layer="speed", source=_flink("KPUs"), statistic="Maximum", threshold=0,
        periods=6, points=6, when="out of hours", where="full",
        why="Flink runs outside the market's hours: about $5 a day that bring nothing.",
    ),
    Alarm(
        name="order-missed", layer="speed", statistic="Maximum", threshold=0,
        source=Source("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": "{missed orders}"}),
        why="The session clock could not plan a day, or start or stop what it planned; the order waits in a queue.",
    ),
    Alarm(
        name="ingester-out-of-hours", layer="speed", source=Source.of(OUT_OF_HOURS), statistic="Maximum",
        threshold=0, periods=6, points=6,
        why="The ingester runs outside the market's hours: about $1 a day that brings nothing.",
    ),
    Alarm(
        name="watch-silent", layer="speed", source=Source.of(SESSION_OPEN), statistic="SampleCount",
        comparison="LessThanThreshold", threshold=1, periods=2, points=2, missing="breaching",
        why="Nobody looks: the watch function has not run for ten minutes, and alarms that need it are blind.",
    ),
)  # fmt: skip

BATCH = (
    Alarm(
        name="night-missing", layer="batch", source=Source.of(NIGHTS_MISSING), statistic="Maximum",
        comparison="GreaterThanOrEqualToThreshold", threshold=1, periods=3, points=3,
        why="At six in the morning a session's night was neither finished nor at work: not started, or failed.",
    ),
    Alarm(
        name="night-failed", layer="batch", statistic="Sum", threshold=0,
        source=Source("AWS/States", "ExecutionsFailed", {"StateMachineArn": "{nightly}"}),
        why="A night has given up after its tries. The next morning's look tries once more.",
    ),
    Alarm(
        name="night-not-started", layer="batch", statistic="Maximum", threshold=0,
        source=Source("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": "{missed}"}),
        why="The clock could not start a night for an hour; the start waits in a queue for somebody.",
    ),
    Alarm(
        name="unsettled", layer="batch", source=Source.of(UNSETTLED), statistic="Maximum", threshold=0,
        why="The speed view shows minutes that the raw log lacks, so the date was not settled.",
    ),
    Alarm(
        name="differences", layer="batch", source=Source.of(DIFFERENCES), statistic="Maximum", threshold=0,
        why="Reconciliation found bars that differ by a fault of ours, or for no reason that we can find.",
    ),
    Alarm(
        name="unreadable", layer="batch", source=Source.of(UNREADABLE), statistic="Sum", threshold=0,
        why="Rows of the vendor's day broke a rule and are in the table `quarantine`.",
    ),
    Alarm(
        name="charges", layer="batch", statistic="Maximum", threshold="{budget}", period_s=HOURS_6,
        source=Source("AWS/Billing", "EstimatedCharges", {"Currency": "USD"}), where="us-east-1",
        why="The account's charges of this month are above the budget.",
    ),
)  # fmt: skip

SERVING = (
    Alarm(
        name="api-errors", layer="serving", source=_api("5XXError"), statistic="Sum",
        comparison="GreaterThanOrEqualToThreshold", threshold=10, periods=3, points=2,
        why="The API fails callers. A database that wakes up does so once and for seconds only.",
    ),
    Alarm(
        name="api-slow", layer="serving", source=_api("Latency"), statistic="p99", threshold=3_000,
        periods=3, points=3, when="in session",
        why="One answer of a hundred takes longer than three seconds.",
    ),
    Alarm(
        name="cache-full", layer="serving", source=_cache("BytesUsedForCache"), statistic="Maximum",
        threshold=900_000_000, periods=3, points=3,
        why="The cache is near its limit of 1 GB: soon it refuses writes, and answers come from the tables.",
    ),
    Alarm(
        name="cache-throttled", layer="serving", source=_cache("ThrottledCmds"), statistic="Sum", threshold=100,
        periods=3, points=3,
        why="The cache refuses commands: it is at its limit of 5,000 units a second.",
    ),
    Alarm(
        name="database-busy", layer="serving", statistic="Average", threshold=90, periods=3, points=3,
        source=Source("AWS/RDS", "ACUUtilization", _DATABASE), when="in session",
        why="The database is at its most units: answers over history wait for one another.",
    ),
    Alarm(
        name="push-unhealthy", layer="serving", statistic="Maximum", threshold=0, period_s=MINUTE, periods=5, points=5,
        source=Source(
            "AWS/ApplicationELB", "UnHealthyHostCount",
            {"LoadBalancer": "{balancer}", "TargetGroup": "{targets}"},
        ),
        where="push",
        why="Push does not answer its health check: WebSocket clients are cut off.",
    ),
)  # fmt: skip

GRAPHS: Mapping[Layer, tuple[tuple[str, Source, Statistic], ...]] = {
    "speed": (("trades", Source.of(TRADES), "Sum"),),
    "batch": (
        ("time of a night", Source("AWS/States", "ExecutionTime", {"StateMachineArn": "{nightly}"}), "Maximum"),
        ("units of the database", Source("AWS/RDS", "ServerlessDatabaseCapacity", _DATABASE), "Average"),
    ),
    "serving": (("requests", _api("Count"), "Sum"), ("requests that callers got wrong", _api("4XXError"), "Sum")),
}
"""What a dashboard shows besides its alarms: name, metric, statistic in five minutes."""

ALARMS = (*SPEED, *BATCH, *SERVING)


def deployed(*, full: bool, push: bool, us_east_1: bool) -> tuple[Alarm, ...]:
    """The alarms of one deployment."""
    there = {"always": True, "full": full, "push": push, "us-east-1": us_east_1}
    return tuple(alarm for alarm in ALARMS if there[alarm.where])
