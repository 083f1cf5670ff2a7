"""History: what a trade date's night needs on AWS, and the schema of the database."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from aws_cdk import CfnOutput, CustomResource, Duration, Token
from constructs import Construct

from shared.stores import schema
from stacks.constructs.assets import Assets
from stacks.constructs.function import ServiceFunction
from stacks.constructs.job import BatchJob, JobSize
from stacks.constructs.nightly import Nightly, activity, run_jobs
from stacks.constructs.rights import (
    delete_objects,
    get_objects,
    invoke,
    list_bucket,
    put_objects,
    query,
    read_secret,
    run_statements,
    write_items,
)
from stacks.constructs.target import TargetedStack, no_resource
from stacks.database import DatabaseStack
from stacks.network import NetworkStack
from stacks.serving import ServingStack
from stacks.settings import ROOT, Settings, code_version
from stacks.speed import SESSIONS
from stacks.storage import STAGING, StorageStack

DEFINITION = ROOT / "batch_layer/nightly/definition.asl.json"
JOB_CONTAINER = "JobContainer"
"""Output that says, as JSON, what the container of a job runs and with which variables: the emulator has no jobs, so
that on one machine they are processes made of this."""
REST_URL = "https://api.polygon.io"
BACKFILL = "batch_layer.backfill"
BACKFILLS_AT_ONCE, METERED_CALLS = 4, 100
"""A plan of the vendor's that allows fewer calls a minute than that is not shared by several jobs."""
LOADER, MIGRATOR = "loader", "migrator"
"""Users of the database (shared/stores/schema)."""


class BatchStack(TargetedStack):
    """Functions outside the VPC for the vendor, inside for the database, containers for Parquet, one machine over all.

    Deployed last but for push and edge: the night also asks the API, so that its cache is warm.
    """

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
        serving: ServingStack,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, id_, **kwargs)
        self.add_stack_dependency(database)  # imports its values by name
        # An output that holds names of other stacks' tables is what JOB_CONTAINER is for.
        self.template_options.metadata = {"cfn-lint": {"config": {"ignore_checks": ["W6001"]}}}
        self._settings, self._assets, self._network = settings, assets, network
        self._storage, self._database = storage, database
        self._known = {
            "LAKE_BUCKET": storage.lake_bucket.bucket_name,
            "CONTROL_TABLE": storage.control_table.table_name,
            "SESSIONS": SESSIONS,
        }
        fetch, load, job = self._fetch(), self._load(), self._job()
        queue, definition = job.queue.job_queue_arn, job.definition.job_definition_arn
        no_queue, no_definition = (no_resource(self, "batch", kind) for kind in ("job-queue", "job-definition"))
        api = serving.api_function.function
        self.nightly = Nightly(
            self,
            "Nightly",
            definition=DEFINITION,
            substitutions={
                "FetchFunction": (fetch.function.function_arn, activity(self, "nightly-fetch")),
                "LoadFunction": (load.function.function_arn, activity(self, "nightly-load")),
                "ApiFunction": (api.function_arn, activity(self, "nightly-api")),
                "JobResource": (
                    f"arn:{self.partition}:states:::batch:submitJob.sync",
                    activity(self, "nightly-job"),
                ),
                "JobQueue": (queue, no_queue),
                "JobDefinition": (definition, no_definition),
            },
            rights=[
                invoke(fetch.function, load.function, api),
                *run_jobs(
                    self,
                    Token.as_string(self.on_aws(queue, locally=no_queue)),
                    Token.as_string(self.on_aws(definition, locally=no_definition)),
                ),
            ],
            retention_days=settings.log_retention_days,
        )
        self._backfill()
        self._schema()

    def _fetch(self) -> ServiceFunction:
        lake, control = self._storage.lake_bucket, self._storage.control_table
        return ServiceFunction(
            self,
            "Fetch",
            assets=self._assets,
            name="fetch",
            description="First and last step of a night, and the vendor's answers into the lake.",
            environment={
                **self._known,
                "REST_URL": REST_URL,
                "VENDOR_KEY_SECRET": self._storage.vendor_key.secret_arn,
                "CALLS_A_MINUTE": str(self._settings.vendor_calls_a_minute),
                "SYMBOLS": ",".join(self._settings.symbols),
            },
            rights=[
                read_secret(self._storage.vendor_key.secret_arn),
                write_items(control, "run"),
                list_bucket(lake),
                get_objects(lake, "raw/trades/", "vendor/"),
                put_objects(lake, "vendor/"),
            ],
            retention_days=self._settings.log_retention_days,
            memory_mb=1024,
            timeout=Duration.minutes(15),
        )

    def _load(self) -> ServiceFunction:
        """One full processor: it decodes the minutes of a whole market."""
        lake, control = self._storage.lake_bucket, self._storage.control_table
        return ServiceFunction(
            self,
            "Load",
            assets=self._assets,
            name="load",
            description="Steps of a night that fill the database and settle the date.",
            environment={
                **self._known,
                "METRICS_NAMESPACE": self._settings.metrics_namespace,
                **self._database.variables(self, LOADER),
            },
            rights=[
                write_items(control, "run", "settled#1m", "settled#version"),
                list_bucket(lake),
                get_objects(lake, "minutes/", "reports/", "vendor/"),
                self._database.connect(self, LOADER),
            ],
            retention_days=self._settings.log_retention_days,
            memory_mb=1769,
            timeout=Duration.minutes(15),
            vpc=self._network.vpc,
            security_group=self._network.loader_group,
        )

    def _job(self) -> BatchJob:
        lake = self._storage.lake_bucket
        written = ("bars/", "minutes/", "reference/", "reports/")
        variables = {
            **self._known,
            "BARS_TABLE": self._storage.bars_table.table_name,
            "CODE_VERSION": code_version(),
        }
        command = [*self._assets.command("batch"), "land", "1970-01-01"]
        job = BatchJob(
            self,
            "Job",
            assets=self._assets,
            image="batch",
            command=command,
            size=JobSize(cpus=2, memory_gib=8, at_once=2),
            vpc=self._network.vpc,
            security_group=self._network.job_group,
            environment={
                **variables,
                "METRICS_NAMESPACE": self._settings.metrics_namespace,
                **self._database.variables(self, LOADER, on_aws_only=True),
            },
            rights=[
                query(self._storage.bars_table),
                query(self._storage.control_table, "ingest", "symbols"),
                list_bucket(lake),
                get_objects(lake, "raw/trades/", "vendor/", STAGING, *written),
                put_objects(lake, STAGING, *written),
                delete_objects(lake, STAGING),
                self._database.connect(self, LOADER),
            ],
            retention_days=self._settings.log_retention_days,
            timeout=Duration.hours(2),
        )
        container = {
            "name": "nightly",
            "command": command,
            "environment": {**variables, **self._database.variables(self, LOADER)},
        }
        CfnOutput(
            self, JOB_CONTAINER, value=self.to_json_string(container), description="What a job runs when none is named."
        )
        return job

    def _backfill(self) -> None:
        """History by month: a job over everything, or an array job with a child for each month. Only those who may ask
        the vendor as often as that run side by side."""
        lake, calls = self._storage.lake_bucket, self._settings.vendor_calls_a_minute
        at_once = BACKFILLS_AT_ONCE if calls >= METERED_CALLS else 1
        BatchJob(
            self,
            "Backfill",
            assets=self._assets,
            image="batch",
            command=["python", "-m", BACKFILL, "Ref::first", "Ref::last"],
            parameters={"first": "1970-01-01", "last": "1970-01-01"},
            size=JobSize(cpus=1, memory_gib=4, at_once=at_once),
            vpc=self._network.vpc,
            security_group=self._network.job_group,
            environment={
                "LAKE_BUCKET": lake.bucket_name,
                "SESSIONS": SESSIONS,
                "CODE_VERSION": code_version(),
                "REST_URL": REST_URL,
                "VENDOR_KEY_SECRET": self._storage.vendor_key.secret_arn,
                "CALLS_A_MINUTE": str(calls // at_once),
                "SYMBOLS": ",".join(self._settings.symbols),
                **self._database.variables(self, LOADER, on_aws_only=True),
            },
            rights=[
                read_secret(self._storage.vendor_key.secret_arn),
                list_bucket(lake),
                get_objects(lake, STAGING, "bars/"),
                put_objects(lake, STAGING, "bars/"),
                delete_objects(lake, STAGING),
                self._database.connect(self, LOADER),
            ],
            retention_days=self._settings.log_retention_days,
            timeout=Duration.hours(12),
        )

    def _schema(self) -> None:
        """Made and kept up by the deployment itself: another schema is another digest."""
        migrate = ServiceFunction(
            self,
            "Migrate",
            assets=self._assets,
            name="migrate",
            description="Brings the schema of the database up to date.",
            environment=self._database.variables(self, MIGRATOR),
            rights=[self._database.connect(self, MIGRATOR)],
            retention_days=self._settings.log_retention_days,
            memory_mb=512,
            timeout=Duration.minutes(4),
            vpc=self._network.vpc,
            security_group=self._network.migrate_group,
        )
        cluster, secret = (self._database.value(self, name) for name in ("Arn", "SecretArn"))
        bootstrap = ServiceFunction(
            self,
            "Bootstrap",
            assets=self._assets,
            name="bootstrap",
            description="Makes the roles of the database and has its schema brought up to date.",
            environment={
                "CLUSTER_ARN": cluster,
                "SECRET_ARN": secret,
                "POSTGRES_DATABASE": self._database.variables(self, MIGRATOR)["POSTGRES_DATABASE"],
                "MIGRATE_FUNCTION": migrate.function.function_name,
            },
            rights=[run_statements(cluster), read_secret(secret), invoke(migrate.function)],
            retention_days=self._settings.log_retention_days,
            memory_mb=512,
            timeout=Duration.minutes(10),
        )
        files = sorted(schema.FOLDER.glob("*.sql"))
        digest = hashlib.sha256(json.dumps([[file.name, file.read_text("utf-8")] for file in files]).encode())
        made = CustomResource(
            self,
            "Schema",
            service_token=bootstrap.function.function_arn,
            resource_type="Custom::DatabaseSchema",
            service_timeout=Duration.minutes(15),
            properties={"Digest": digest.hexdigest()},
        )
        made.node.add_dependency(migrate.function)
