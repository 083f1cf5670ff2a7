"""Trades -> minute bars -> tables: streams, the ingester, and the functions that read the streams."""

from __future__ import annotations

from functools import partial
from typing import Any

from aws_cdk import Duration, Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kinesis as kinesis
from constructs import Construct

from stacks.constructs.assets import Assets
from stacks.constructs.cache import Cache
from stacks.constructs.ingester import Ingester
from stacks.constructs.rights import (
    get_item,
    get_objects,
    list_bucket,
    put_objects,
    put_records,
    query,
    read_stream,
    write_items,
)
from stacks.constructs.stream_reader import StreamReader
from stacks.constructs.target import TargetedStack
from stacks.network import NetworkStack
from stacks.settings import Settings
from stacks.storage import StorageStack

ARCHIVE_WINDOW_S = {"aws": 60, "local": 1}
"""How long the archive gathers before it writes one object: it prices S3 puts against the age of the raw log."""


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
        self._ingester(network.vpc, network.ingester_group)
        self._readers()

    def _stream(self, id_: str, shards: int) -> kinesis.Stream:
        return kinesis.Stream(
            self,
            id_,
            shard_count=shards,
            stream_mode=kinesis.StreamMode.PROVISIONED,
            retention_period=Duration.hours(24),
            encryption=kinesis.StreamEncryption.MANAGED,
        )

    def _ingester(self, vpc: ec2.IVpc, group: ec2.ISecurityGroup) -> None:
        control = self._storage.control_table
        self.ingester = Ingester(
            self,
            "Ingester",
            assets=self._assets,
            vpc=vpc,
            security_group=group,
            vendor_key=self._storage.vendor_key,
            retention_days=self._settings.log_retention_days,
            environment={
                "TRADES_STREAM": self.trades.stream_name,
                "BARS_STREAM": self.bars.stream_name,
                "CONTROL_TABLE": control.table_name,
                "SHARDS": str(self._settings.shards),
                "LANES": str(self._settings.lanes),
                "SYMBOLS": ",".join(self._settings.symbols),
                "SOCKET_URL": "wss://socket.polygon.io/stocks",
                "REST_URL": "https://api.polygon.io",
                "LIVE": "1",
                "AWS_DEFAULT_REGION": self.region,  # what boto3 reads; Lambda sets it by itself, a task does not
                "LEASE_SECONDS": "10",
                "LOG_LEVEL": "INFO",
                **self.cache.environment(self, "ingest"),
            },
            rights=[
                put_records(self.trades),
                put_records(self.bars),
                read_stream(self.trades),
                write_items(control, "lease", "ingest", "feed"),
                self.cache.connect("ingest"),
            ],
        )

    def _readers(self) -> None:
        lake, control = self._storage.lake_bucket, self._storage.control_table
        reader = partial(
            StreamReader,
            self,
            assets=self._assets,
            failures=lake,
            retention_days=self._settings.log_retention_days,
        )
        reader(
            "Archive",
            description="Trades stream to the raw log in S3, one object per batch.",
            stream=self.trades,
            batch_size=1000,
            window_s=Token.as_number(self.on_aws(ARCHIVE_WINDOW_S["aws"], locally=ARCHIVE_WINDOW_S["local"])),
            environment={"LAKE_BUCKET": lake.bucket_name},
            rights=[put_objects(lake, "raw/trades/", "quarantine/")],
        )
        environment = {
            "BARS_TABLE": self._storage.bars_table.table_name,
            "CONTROL_TABLE": control.table_name,
            "BARS_STREAM": self.bars.stream_name,
            "LAKE_BUCKET": lake.bucket_name,
        }
        keep_bars = [
            query(self._storage.bars_table),
            write_items(self._storage.bars_table),
            put_records(self.bars),
            put_objects(lake, "quarantine/"),
        ]
        reader(
            "Live",
            description="Late parts of the trades stream to stored bars and revised bar records.",
            stream=self.trades,
            batch_size=500,
            environment=environment,
            rights=[
                *keep_bars,
                write_items(control, "late#*"),
                list_bucket(lake),
                get_objects(lake, "raw/trades/"),
            ],
        )
        reader(
            "Persist",
            description="Bars stream to the bar table; revised records for hours with late parts.",
            stream=self.bars,
            batch_size=100,
            environment=environment,
            rights=[*keep_bars, get_item(control, "late#*")],
        )
