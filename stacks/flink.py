"""Only in the profile `full`: the bars as a Flink application, started and stopped with the market's hours."""

from __future__ import annotations

from typing import Any

from aws_cdk import ArnFormat, CfnOutput, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesisanalyticsv2 as analytics
from constructs import Construct

from stacks.constructs.assets import Assets
from stacks.constructs.bundle import FLINK_JAR, FLINK_MAIN
from stacks.constructs.log_group import log_group
from stacks.constructs.rights import Right, grant, put_records, read_stream, wait_for_policy
from stacks.constructs.target import TargetedStack
from stacks.settings import Settings
from stacks.speed import SpeedStack

RUNTIME = "FLINK-2_2"
CHECKPOINT_MS = 60_000
"""How much is read again after a failure, at most; bars that come again change nothing."""
MOST_PER_KPU = 8
"""Subtasks that share one unit (one processor, 4 GB), at most; what the service allows."""
SNAPSHOT = "RESTORE_FROM_LATEST_SNAPSHOT"


def application_name(settings: Settings) -> str:
    """Fixed, so that alarms and people know it."""
    return f"condvest-{settings.environment}-bars"


class FlinkStack(TargetedStack):
    """One application, one job. Made stopped; each start goes on from the snapshot that the stop before it took."""

    def __init__(
        self, scope: Construct, id_: str, *, settings: Settings, assets: Assets, speed: SpeedStack, **kwargs: Any
    ) -> None:
        super().__init__(scope, id_, **kwargs)
        self._settings = settings
        name = application_name(settings)
        code = assets.flink(self)
        logs = log_group(self, "Logs", settings.log_retention_days)
        stream = logs.add_stream("LogStream")
        stream.apply_removal_policy(RemovalPolicy.DESTROY)
        role = iam.Role(
            self,
            "ApplicationRole",
            assumed_by=iam.ServicePrincipal("kinesisanalytics.amazonaws.com"),
            description="The Flink application: trades in, bars out, its code and its log.",
        )
        log_arn = self.format_arn(
            service="logs",
            resource="log-group",
            resource_name=f"{logs.log_group_name}:log-stream:{stream.log_stream_name}",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        grant(
            role,
            [
                read_stream(speed.trades),
                put_records(speed.bars),
                Right(
                    iam.PolicyStatement(
                        actions=["s3:GetObject", "s3:GetObjectVersion"],
                        resources=[code.bucket.arn_for_objects(code.s3_object_key)],
                    )
                ),
                Right(iam.PolicyStatement(actions=["logs:DescribeLogStreams"], resources=[logs.log_group_arn])),
                Right(iam.PolicyStatement(actions=["logs:PutLogEvents"], resources=[log_arn])),
            ],
        )
        application = self._application(name, role, code.bucket.bucket_arn, code.s3_object_key, speed)
        self.application = application
        wait_for_policy(application, role)
        analytics.CfnApplicationCloudWatchLoggingOption(
            self,
            "Logging",
            application_name=application.ref,
            cloud_watch_logging_option=analytics.CfnApplicationCloudWatchLoggingOption.CloudWatchLoggingOptionProperty(
                log_stream_arn=log_arn
            ),
        )
        CfnOutput(self, "ApplicationName", value=application.ref, description="To start and stop it by hand.")

    def _application(
        self, name: str, role: iam.Role, bucket_arn: str, key: str, speed: SpeedStack
    ) -> analytics.CfnApplication:
        shards = self._settings.shards
        of = analytics.CfnApplication
        groups = {
            "kinesis.analytics.flink.run.options": {"python": FLINK_MAIN, "jarfile": FLINK_JAR},
            "job": {"shards": str(shards)},
            "trades": {
                "stream.arn": speed.trades.stream_arn,
                "aws.region": self.region,
                "source.init.position": "TRIM_HORIZON",
            },
            "bars": {"stream.arn": speed.bars.stream_arn, "aws.region": self.region},
        }
        return of(
            self,
            "Application",
            application_name=name,
            application_description="Closes the windows of every stream timeframe (speed_layer/engine/flink).",
            application_mode="STREAMING",
            runtime_environment=RUNTIME,
            service_execution_role=role.role_arn,
            application_configuration=of.ApplicationConfigurationProperty(
                application_code_configuration=of.ApplicationCodeConfigurationProperty(
                    code_content_type="ZIPFILE",
                    code_content=of.CodeContentProperty(
                        s3_content_location=of.S3ContentLocationProperty(bucket_arn=bucket_arn, file_key=key)
                    ),
                ),
                application_snapshot_configuration=of.ApplicationSnapshotConfigurationProperty(snapshots_enabled=True),
                environment_properties=of.EnvironmentPropertiesProperty(
                    property_groups=[
                        of.PropertyGroupProperty(property_group_id=id_, property_map=values)
                        for id_, values in groups.items()
                    ]
                ),
                flink_application_configuration=of.FlinkApplicationConfigurationProperty(
                    checkpoint_configuration=of.CheckpointConfigurationProperty(
                        configuration_type="CUSTOM",
                        checkpointing_enabled=True,
                        checkpoint_interval=CHECKPOINT_MS,
                        min_pause_between_checkpoints=CHECKPOINT_MS // 2,
                    ),
                    monitoring_configuration=of.MonitoringConfigurationProperty(
                        configuration_type="CUSTOM", log_level="INFO", metrics_level="OPERATOR"
                    ),
                    parallelism_configuration=of.ParallelismConfigurationProperty(
                        configuration_type="CUSTOM",
                        parallelism=shards,
                        parallelism_per_kpu=min(shards, MOST_PER_KPU),
                        auto_scaling_enabled=False,  # a subtask without a shard would hold every window open
                    ),
                ),
            ),
            run_configuration=of.RunConfigurationProperty(
                application_restore_configuration=of.ApplicationRestoreConfigurationProperty(
                    application_restore_type=SNAPSHOT
                ),
                flink_run_configuration=of.FlinkRunConfigurationProperty(allow_non_restored_state=False),
            ),
        )

    def start_and_stop(self) -> Right:
        """For whoever keeps the market's hours."""
        arn = self.format_arn(service="kinesisanalytics", resource="application", resource_name=self.application.ref)
        actions = ["kinesisanalytics:StartApplication", "kinesisanalytics:StopApplication"]
        return Right(iam.PolicyStatement(actions=actions, resources=[arn]))
