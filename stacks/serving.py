"""Answers: the REST API with one explicit method per route, its authoriser, and the function behind it."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnOutput, Duration, Token
from constructs import Construct

from stacks.constructs.assets import Assets
from stacks.constructs.function import ServiceFunction
from stacks.constructs.rest_api import PublicApi
from stacks.constructs.rights import get_item, query, query_index, read_secret, write_items
from stacks.constructs.target import TargetedStack
from stacks.database import DatabaseStack
from stacks.network import NetworkStack
from stacks.settings import Settings
from stacks.speed import SESSIONS, SpeedStack
from stacks.storage import SIGNALS_BY_TIME, StorageStack

OPEN_ROUTES = ("/v1/health",)
"""Answered without a key."""
KEY_ROUTES = (
    "/v1/completeness",
    "/v1/corrections",
    "/v1/marketstatus/now",
    "/v1/marketstatus/upcoming",
    "/v1/open-close/{ticker}/{date}",
    "/v1/signals",
    "/v2/aggs/grouped/locale/us/market/stocks/{date}",
    "/v2/aggs/ticker/{ticker}/prev",
    "/v2/aggs/ticker/{ticker}/range/{multiplier}/{timespan}/{from}/{to}",
    "/v2/last/trade/{ticker}",
    "/v2/snapshot/locale/us/markets/stocks/gainers",
    "/v2/snapshot/locale/us/markets/stocks/losers",
    "/v2/snapshot/locale/us/markets/stocks/tickers",
    "/v2/snapshot/locale/us/markets/stocks/tickers/{ticker}",
    "/v3/reference/dividends",
    "/v3/reference/splits",
    "/v3/reference/tickers",
    "/v3/reference/tickers/{ticker}",
    "/v3/trades/{ticker}",
)
"""Answered to holders of a key only."""
ALERT_ROUTES = {
    "/v1/alerts": ("GET", "POST"),
    "/v1/alerts/fired": ("GET",),
    "/v1/alerts/{id}": ("ANY",),  # a method each would be more than a template may hold; the function names its own
}
"""Answered by a function of their own, which may write rules; to holders of a key with the scope for it."""


class ServingStack(TargetedStack):
    """Polygon's paths over our data, and our own below /v1."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        assets: Assets,
        network: NetworkStack,
        storage: StorageStack,
        database: DatabaseStack,
        speed: SpeedStack,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, id_, **kwargs)
        self.add_stack_dependency(speed)  # imports the cache's endpoint by name, and below that of the database
        self.add_stack_dependency(database)
        days = settings.log_retention_days
        self.api_function = ServiceFunction(
            self,
            "ApiFunction",
            assets=assets,
            name="api",
            description="REST routes of the platform, read only.",
            environment={
                "BARS_TABLE": storage.bars_table.table_name,
                "CONTROL_TABLE": storage.control_table.table_name,
                "TICKS_TABLE": storage.ticks_table.table_name,
                "SIGNALS_TABLE": storage.signals_table.table_name,
                "SESSIONS": SESSIONS,
                **speed.cache.environment(self, "api"),
                **database.variables(self, "api"),
            },
            rights=[
                query(storage.bars_table),
                query(storage.ticks_table),
                query(storage.signals_table),
                query_index(storage.signals_table, SIGNALS_BY_TIME),
                query(
                    storage.control_table,
                    "feed",
                    "ingest",
                    "symbols",
                    "through",
                    "signals",
                    "settled#1m",
                    "settled#version",
                    "run",
                ),
                speed.cache.connect("api"),
                database.connect(self, "api"),
            ],
            retention_days=days,
            memory_mb=1024,
            timeout=Duration.seconds(10),
            vpc=network.vpc,
            security_group=network.api_group,
        )
        self.auth_function = ServiceFunction(
            self,
            "AuthFunction",
            assets=assets,
            name="auth",
            description="Checks the caller's key against its stored hash.",
            environment={
                "CONTROL_TABLE": storage.control_table.table_name,
                "ORIGIN_SECRET": Token.as_string(self.on_aws(storage.origin_secret.secret_arn, locally="")),
            },
            rights=[get_item(storage.control_table, "key"), read_secret(storage.origin_secret.secret_arn)],
            retention_days=days,
            memory_mb=512,
            timeout=Duration.seconds(5),
        )
        self.alerts_function = ServiceFunction(
            self,
            "AlertsFunction",
            assets=assets,
            name="alerts",
            description="Rules of alerts, and what they found.",
            environment={"ALERTS_TABLE": storage.alerts_table.table_name},
            rights=[
                query(storage.alerts_table, "rule#*", "state#*", "fired#*"),
                write_items(storage.alerts_table, "rule#*"),
            ],
            retention_days=days,
            memory_mb=512,
            timeout=Duration.seconds(10),
        )
        public = PublicApi(self, "Public", authorizer=self.auth_function.function, retention_days=days)
        public.get(OPEN_ROUTES, self.api_function.function, needs_key=False)
        public.get(KEY_ROUTES, self.api_function.function, needs_key=True)
        public.answer(ALERT_ROUTES, self.alerts_function.function, needs_key=True)
        self.api_host = CfnOutput(
            self,
            "ApiHost",
            value=f"{public.api.rest_api_id}.execute-api.{self.region}.{self.url_suffix}",
            description="What the edge calls the API.",
        )
