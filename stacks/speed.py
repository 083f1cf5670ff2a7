"""Trades -> minute bars -> tables -> signals: streams, the ingester, and the functions that read the streams."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnDeletionPolicy, CfnOutput, Duration, RemovalPolicy, Token
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.constructs.assets import Assets
from stacks.constructs.cache import Cache
from stacks.constructs.rights import (
    Right,
    get_item,
    get_objects,
    list_bucket,
    publish,
    put_batches,
    put_objects,
    put_records,
    query,
    query_index,
    read_stream,
    write_items,
)
from stacks.constructs.stream_reader import UNTIL_TOO_OLD, Source, StreamReader
from stacks.constructs.target import TargetedStack
from stacks.constructs.task_service import TaskService
from stacks.network import NetworkStack
from stacks.settings import Settings
from stacks.storage import ALERTS_BY_GROUP, StorageStack

ARCHIVE_WINDOW_S = {"aws": 60, "local": 1}
"""How long the archive gathers before it writes one object: it prices S3 puts against the age of the raw log."""
NEW_CROSSING = {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"kind": {"S": ["crossing"]}}}}
"""Of the changes of the alerts table, those that somebody is told of (shared/stores/alerts.py)."""
SESSIONS = "XNYS"
"""The session table of every process that has to know when the market is open."""


class SpeedStack(TargetedStack):
    """At least once everywhere: the stream accepts, the raw log remembers, writes commute."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        assets: Assets,
        network: NetworkStack,
        storage: StorageStack,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, id_, **kwargs)
        self._settings, self._assets, self._storage = settings, assets, storage
        self.trades = self._stream("Trades", settings.shards)
        self.bars = self._stream("Bars", 1)
        self.cache = Cache(
            self,
            "Cache",
            environment=settings.environment,
            vpc=network.vpc,
            security_group=network.cache_group,
        )
        self._ingester(network)
        self.readers: dict[str, StreamReader] = {}
        """By the name of their bundle."""
        self._archive()
        self._bar_keepers()
        self._signals(network)
        self._notify()

    def _stream(self, id_: str, shards: int) -> kinesis.Stream:
        """Kept when it is replaced, for its readers may be behind. It goes with its stack: shards are paid for, and
        what it holds of a day is in the raw log."""
        stream = kinesis.Stream(
            self,
            id_,
            shard_count=shards,
            stream_mode=kinesis.StreamMode.PROVISIONED,
            retention_period=Duration.hours(24),
            encryption=kinesis.StreamEncryption.MANAGED,
            removal_policy=RemovalPolicy.DESTROY,
        )
        made = stream.node.default_child
        if not isinstance(made, kinesis.CfnStream):
            raise TypeError(f"{stream.node.path}: expected a stream")
        made.cfn_options.update_replace_policy = CfnDeletionPolicy.RETAIN
        return stream

    def _ingester(self, network: NetworkStack) -> None:
        control, lean = self._storage.control_table, self._settings.profile == "lean"
        self.ingester = TaskService(
            self,
            "Ingester",
            assets=self._assets,
            image="ingest",
            vpc=network.vpc,
            security_group=network.ingester_group,
            cpu=1024,
            memory_mib=2048,
            at_most_one=True,
            secrets={"POLYGON_API_KEY": ecs.Secret.from_secrets_manager(self._storage.vendor_key)},
            retention_days=self._settings.log_retention_days,
            environment={
                "TRADES_STREAM": self.trades.stream_name,
                "BARS_STREAM": self.bars.stream_name,
                "CONTROL_TABLE": control.table_name,
                "SHARDS": str(self._settings.shards),
                "LANES": str(self._settings.lanes),
                "BAR_ENGINE": "python" if lean else "flink",
                "SYMBOLS": ",".join(self._settings.symbols),
                "SESSIONS": SESSIONS,
                "SOCKET_URL": "wss://socket.polygon.io/stocks",
                "REST_URL": "https://api.polygon.io",
                "LIVE": "1",
                "LEASE_SECONDS": "10",
                "METRICS_NAMESPACE": self._settings.metrics_namespace,
                **self.cache.environment(self, "ingest"),
            },
            rights=[
                put_records(self.trades),
                *([put_records(self.bars)] if lean else []),
                read_stream(self.trades),
                write_items(control, "lease", "ingest", "feed", "symbols"),
                get_item(control, "symbols"),
                self.cache.connect("ingest"),
            ],
        ).service

    def _archive(self) -> None:
        lake, ticks = self._storage.lake_bucket, self._storage.ticks_table
        self._reader(
            "Archive",
            description="Trades stream to the raw log in S3, one object per batch, and to chunks of ticks.",
            source=Source.stream(self.trades),
            batch_size=1000,
            window_s=Token.as_number(self.on_aws(ARCHIVE_WINDOW_S["aws"], locally=ARCHIVE_WINDOW_S["local"])),
            environment={
                "LAKE_BUCKET": lake.bucket_name,
                "TICKS_TABLE": ticks.table_name,
                "LIVE": "1",
                "METRICS_NAMESPACE": self._settings.metrics_namespace,
            },
            rights=[put_objects(lake, "raw/trades/", "quarantine/"), put_batches(ticks)],
        )

    def _bar_keepers(self) -> None:
        lake, bars, control = self._storage.lake_bucket, self._storage.bars_table, self._storage.control_table
        environment = {
            "BARS_TABLE": bars.table_name,
            "CONTROL_TABLE": control.table_name,
            "BARS_STREAM": self.bars.stream_name,
            "LAKE_BUCKET": lake.bucket_name,
            "METRICS_NAMESPACE": self._settings.metrics_namespace,
        }
        keep_bars = [query(bars), write_items(bars), put_records(self.bars), put_objects(lake, "quarantine/")]
        self._reader(
            "Live",
            description="Trades stream to price alerts; its late parts to stored bars and revised bar records.",
            source=Source.stream(self.trades),
            batch_size=500,
            environment={
                **environment,
                "SESSIONS": SESSIONS,
                "ALERTS_TABLE": self._storage.alerts_table.table_name,
            },
            rights=[
                *keep_bars,
                *self._evaluate_rules("live"),
                write_items(control, "late#*"),
                list_bucket(lake),
                get_objects(lake, "raw/trades/"),
            ],
        )
        self._reader(
            "Persist",
            description="Bars stream to the bar table; revised records for hours with late parts.",
            source=Source.stream(self.bars),
            batch_size=100,
            environment=environment,
            rights=[*keep_bars, get_item(control, "late#*"), write_items(control, "through")],
        )

    def _signals(self, network: NetworkStack) -> None:
        """One full processor (1769 MB) and five minutes: rings that have expired overnight are all rolled up at once.

        A batch is tried until its records are too old: bars that are given up leave signals out for good, and an outage
        of DynamoDB outlasts ten tries. The price: a fault in the function itself holds its shard up for six hours. What
        cannot be read is no such fault, it goes to quarantine; of the rest Lambda's metric IteratorAge tells.
        """
        storage = self._storage
        self._reader(
            "Signals",
            description="Bars stream to signals and alerts: strategies and rules over the last closed bars.",
            source=Source.stream(self.bars),
            batch_size=100,
            max_retries=UNTIL_TOO_OLD,
            memory_mb=1769,
            timeout=Duration.minutes(5),
            vpc=network.vpc,
            security_group=network.signals_group,
            environment={
                "BARS_TABLE": storage.bars_table.table_name,
                "CONTROL_TABLE": storage.control_table.table_name,
                "SIGNALS_TABLE": storage.signals_table.table_name,
                "ALERTS_TABLE": storage.alerts_table.table_name,
                "LAKE_BUCKET": storage.lake_bucket.bucket_name,
                "SESSIONS": SESSIONS,
                "STRATEGIES": self._settings.strategies,
                "METRICS_NAMESPACE": self._settings.metrics_namespace,
                **self.cache.environment(self, "signals"),
            },
            rights=[
                query(storage.bars_table),
                query(storage.signals_table),
                write_items(storage.signals_table),
                *self._evaluate_rules("signals"),
                get_item(storage.control_table, "through", "signals"),
                write_items(storage.control_table, "through", "signals"),
                put_objects(storage.lake_bucket, "quarantine/"),
                self.cache.connect("signals"),
            ],
        )

    def _reader(self, id_: str, **chosen: Any) -> None:
        self.readers[id_.lower()] = StreamReader(
            self,
            id_,
            assets=self._assets,
            failures=self._storage.lake_bucket,
            retention_days=self._settings.log_retention_days,
            **chosen,
        )

    def _evaluate_rules(self, reader: str) -> list[Right]:
        """Read rules, remember what was seen of each, store crossings; change no rule."""
        table, own = self._storage.alerts_table, f"reader#{reader}"
        return [
            query_index(table, ALERTS_BY_GROUP),
            get_item(table, "state#*", own),
            write_items(table, "state#*", "fired#*", own),
        ]

    def _notify(self) -> None:
        topic = sns.Topic(
            self,
            "SignalTopic",
            master_key=kms.Alias.from_alias_name(self, "SnsKey", "alias/aws/sns"),
            enforce_ssl=True,
        )
        what = "Subscribe here to hear of new signals and alerts."
        CfnOutput(self, "SignalTopicArn", value=topic.topic_arn, description=what)
        self._reader(
            "Notify",
            description="New signals, from the stream of their table, to the topic.",
            source=Source.table(self._storage.signals_table, {"eventName": ["INSERT"]}),
            batch_size=100,
            environment={"TOPIC_ARN": topic.topic_arn},
            rights=[publish(topic)],
        )
        self._reader(
            "Announce",
            description="New alerts, from the stream of their table, to the topic of signals.",
            source=Source.table(self._storage.alerts_table, NEW_CROSSING),
            batch_size=100,
            environment={"TOPIC_ARN": topic.topic_arn},
            rights=[publish(topic)],
        )
