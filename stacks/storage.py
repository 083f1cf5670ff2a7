"""What must outlive every deployment: tables, the lake, the bucket its logs go to, and the vendor's key."""

from __future__ import annotations

from typing import Any

from aws_cdk import ArnFormat, CfnOutput, Duration, Fn
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from shared.stores.lake import RAW
from stacks.constructs.bucket import KEEP, log_bucket, private_bucket
from stacks.constructs.lake_tables import LakeTables
from stacks.constructs.nag import acknowledge
from stacks.constructs.target import TargetedStack
from stacks.settings import EDGE_REGION, Settings

SIGNALS_BY_TIME = "known"
"""Index of the signals table: the UTC day of the last change, then its time."""
ALERTS_BY_GROUP = "groups"
"""Index of the alerts table: rules by the function that evaluates them, crossings by the UTC day."""

STAGING = "_staging/"
"""Prefix in the lake of files that are not verified yet."""
RAW_AT_HAND_DAYS = 100
"""Days after which the raw log moves to S3's archive class that answers at once: reconciliation and corrections are
over, what still reads it is a rebuild."""
SMALL_BYTES = 128 * 1024
"""The archive class bills smaller objects as if they had this size, and each move: they stay where they are."""
BALANCER_LOGS = "load-balancer"
"""Prefix in the log bucket."""


class StorageStack(TargetedStack):
    """Five DynamoDB tables, the lake and its tables for SQL, the log bucket, the secret that the operator sets, and the
    edge's.

    Deployed before the ingester, so that its key is there when it first starts.
    """

    def __init__(self, scope: Construct, id_: str, *, settings: Settings, **kwargs: Any) -> None:
        super().__init__(scope, id_, **kwargs)
        self.bars_table = self._table("BarsTable", "sym", "t", dynamodb.AttributeType.NUMBER, recoverable=False)
        acknowledge(
            self.bars_table,
            {
                "AwsSolutions::AwsSolutions-DDB3": "Provisional bars that expire by TTL; every one of them can be "
                "rebuilt from the raw log in the lake."
            },
        )
        self.ticks_table = self._table("TicksTable", "sym", "chunk", dynamodb.AttributeType.STRING, recoverable=False)
        acknowledge(
            self.ticks_table,
            {
                "AwsSolutions::AwsSolutions-DDB3": "Chunks of trades that expire after 72 hours by TTL; the raw log in "
                "the lake holds every one of those trades for ever."
            },
        )
        self.signals_table = self._table(
            "SignalsTable",
            "sym",
            "bar",
            dynamodb.AttributeType.STRING,
            recoverable=True,  # signals can be computed again, the moment at which each was known cannot
            stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
        )
        self.signals_table.add_global_secondary_index(
            index_name=SIGNALS_BY_TIME,
            partition_key=dynamodb.Attribute(name="day", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="known", type=dynamodb.AttributeType.STRING),
            projection_type=dynamodb.ProjectionType.ALL,
        )
        self.alerts_table = self._table(
            "AlertsTable",
            "pk",
            "sk",
            dynamodb.AttributeType.STRING,
            recoverable=True,  # nobody can make users' rules again
            stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
        )
        self.alerts_table.add_global_secondary_index(
            index_name=ALERTS_BY_GROUP,
            partition_key=dynamodb.Attribute(name="group", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="place", type=dynamodb.AttributeType.STRING),
            projection_type=dynamodb.ProjectionType.ALL,
        )
        self.control_table = self._table("ControlTable", "pk", "sk", dynamodb.AttributeType.STRING, recoverable=True)
        CfnOutput(self, "ControlTableName", value=self.control_table.table_name, description="For condvest keys.")
        self.log_bucket = log_bucket(self, "LogBucket")
        self.lake_bucket = private_bucket(
            self,
            "LakeBucket",
            versioned=True,
            server_access_logs_bucket=self.log_bucket,
            server_access_logs_prefix="s3-lake/",
            lifecycle_rules=[
                s3.LifecycleRule(
                    noncurrent_version_expiration=Duration.days(30),
                    abort_incomplete_multipart_upload_after=Duration.days(2),
                ),
                s3.LifecycleRule(prefix=STAGING, expiration=Duration.days(2)),  # of writers that were stopped
                s3.LifecycleRule(
                    prefix=f"{RAW}/",
                    object_size_greater_than=SMALL_BYTES,
                    transitions=[
                        s3.Transition(
                            storage_class=s3.StorageClass.GLACIER_INSTANT_RETRIEVAL,
                            transition_after=Duration.days(RAW_AT_HAND_DAYS),
                        )
                    ],
                ),
            ],
        )

        acknowledge(
            self.lake_bucket,
            {
                "CloudFormation-Validate::W9003": "The CDK writes the least size of objects as a number, which "
                "CloudFormation takes for the text that it asks for."
            },
        )
        LakeTables(self, "Lake", name=f"condvest_{settings.environment.replace('-', '_')}", bucket=self.lake_bucket)
        self.vendor_key = secretsmanager.Secret(
            self,
            "VendorKey",
            description="POLYGON_API_KEY of the ingester, set by hand before the speed stack is first deployed.",
            removal_policy=KEEP,
        )
        acknowledge(
            self.vendor_key,
            {
                "AwsSolutions::AwsSolutions-SMG4": "The vendor issues this key by hand and has no interface to rotate "
                "it; the operator replaces the value and restarts the ingester.",
            },
        )
        self.origin_secret = self._origin_secret(settings)
        self.origin_secret_at_the_edge = CfnOutput(
            self,
            "OriginSecretAtTheEdge",
            value=self._where_the_edge_is(self.origin_secret.secret_arn, settings.region),
            description="The same secret, or its copy, in the region of the edge.",
        )

    def _where_the_edge_is(self, arn: str, region: str) -> str:
        """Of the copy there: another region in the same ARN."""
        if region == EDGE_REGION:
            return arn
        name = Fn.select(6, Fn.split(":", arn))
        return self.format_arn(
            service="secretsmanager",
            region=EDGE_REGION,
            resource="secret",
            resource_name=name,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )

    def _origin_secret(self, settings: Settings) -> secretsmanager.Secret:
        secret = secretsmanager.Secret(
            self,
            "OriginSecret",
            description="What the edge shows to the API.",
            generate_secret_string=secretsmanager.SecretStringGenerator(exclude_punctuation=True, password_length=64),
            replica_regions=[secretsmanager.ReplicaRegion(region=EDGE_REGION)]
            if settings.region != EDGE_REGION
            else [],
            removal_policy=KEEP,
        )
        acknowledge(
            secret,
            {
                "AwsSolutions::AwsSolutions-SMG4": "The distribution takes a new value by a deployment only, so it is "
                "changed by hand, with both values good meanwhile (docs/keys.md).",
            },
        )
        return secret

    def admit_load_balancer_logs(self) -> None:
        """Let load balancers of this account write their access logs."""
        self.log_bucket.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("logdelivery.elasticloadbalancing.amazonaws.com")],
                actions=["s3:PutObject"],
                resources=[self.log_bucket.arn_for_objects(f"{BALANCER_LOGS}/AWSLogs/{self.account}/*")],
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            )
        )

    def _table(
        self,
        id_: str,
        partition: str,
        sort: str,
        sort_type: dynamodb.AttributeType,
        *,
        recoverable: bool,
        stream: dynamodb.StreamViewType | None = None,
    ) -> dynamodb.Table:
        return dynamodb.Table(
            self,
            id_,
            partition_key=dynamodb.Attribute(name=partition, type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name=sort, type=sort_type),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute="ttl",
            stream=stream,
            encryption=dynamodb.TableEncryption.DEFAULT,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=recoverable
            ),
            removal_policy=KEEP,
        )
