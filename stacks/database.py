"""History as rows: Aurora PostgreSQL that sleeps when nobody asks, and what a process needs to reach it."""

from __future__ import annotations

from typing import Any

from aws_cdk import ArnFormat, CfnOutput, Duration, Fn, Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_rds as rds
from constructs import Construct

from stacks.constructs.bucket import KEEP
from stacks.constructs.rights import Right
from stacks.constructs.target import TargetedStack, no_resource
from stacks.network import DATABASE_PORT, NetworkStack
from stacks.settings import Settings

DATABASE = "condvest"
MASTER = "condvest_master"
"""Makes the roles (batch_layer/bootstrap.py) and does nothing else; RDS makes and changes its password."""


class DatabaseStack(TargetedStack):
    """One writer, at rest after five minutes without a connection: from then on its storage is all that it costs.

    A stack of its own, because a cluster that is protected from deletion cannot be taken back when another resource of
    its stack fails (docs/decisions/0050). On AWS only: on one machine PostgreSQL is a process of ours.
    """

    def __init__(self, scope: Construct, id_: str, *, settings: Settings, network: NetworkStack, **kwargs: Any) -> None:
        super().__init__(scope, id_, **kwargs)
        engine = rds.DatabaseClusterEngine.aurora_postgres(version=rds.AuroraPostgresEngineVersion.VER_16_13)
        cluster = rds.DatabaseCluster(
            self,
            "Cluster",
            engine=engine,
            writer=rds.ClusterInstance.serverless_v2("Writer", publicly_accessible=False),
            serverless_v2_min_capacity=0,
            serverless_v2_max_capacity=settings.database_units,
            serverless_v2_auto_pause_duration=Duration.minutes(5),
            vpc=network.vpc,
            subnet_group=rds.SubnetGroup(
                self,
                "Subnets",
                description="Isolated subnets of the database.",
                vpc=network.vpc,
                vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
                removal_policy=KEEP,
            ),
            security_groups=[network.database_group],
            port=DATABASE_PORT,
            default_database_name=DATABASE,
            credentials=rds.Credentials.from_username(MASTER),
            manage_master_user_password=True,
            iam_authentication=True,
            enable_data_api=True,
            parameter_group=rds.ParameterGroup(
                self, "Parameters", engine=engine, parameters={"rds.force_ssl": "1"}, removal_policy=KEEP
            ),
            storage_encrypted=True,
            copy_tags_to_snapshot=True,
            backup=rds.BackupProps(retention=Duration.days(7)),
            deletion_protection=True,
            removal_policy=KEEP,
        )
        made = cluster.node.default_child
        if not isinstance(made, rds.CfnDBCluster):
            raise TypeError(f"{self.node.path}: expected a cluster resource")
        self._outputs = {
            "Host": made.attr_endpoint_address,
            "Identifier": made.ref,
            "ResourceId": made.attr_db_cluster_resource_id,
            "Arn": made.attr_db_cluster_arn,
            "SecretArn": made.attr_master_user_secret_secret_arn,
        }
        for name, value in self._outputs.items():
            CfnOutput(
                self,
                name,
                value=value,
                condition=self.aws_condition,
                export_name=self.export(name),
                description=f"{name} of the cluster, for the stacks that use it.",
            )

    def variables(self, consumer: TargetedStack, user: str, *, on_aws_only: bool = False) -> dict[str, str]:
        """Variables of a process in `consumer` that logs in as `user` over TLS with an IAM token.

        In the emulator there is no cluster: host and user are empty, and whoever starts the process says where.
        `on_aws_only`: of a resource that the emulator never makes.
        """
        host = Fn.import_value(self.export("Host"))
        return {
            "POSTGRES_HOST": host if on_aws_only else self.value(consumer, "Host"),
            "POSTGRES_PORT": str(DATABASE_PORT),
            "POSTGRES_DATABASE": DATABASE,
            "POSTGRES_USER": user if on_aws_only else Token.as_string(consumer.on_aws(user, locally="")),
        }

    def connect(self, consumer: TargetedStack, user: str) -> Right:
        """The right of a role in `consumer` to log in as `user`, and as no other."""
        resource = self.format_arn(
            service="rds-db",
            resource="dbuser",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
            resource_name=Fn.join("/", [self.value(consumer, "ResourceId"), user]),
        )
        return Right(iam.PolicyStatement(actions=["rds-db:connect"], resources=[resource]))

    def value(self, consumer: TargetedStack, name: str) -> str:
        """`Host`, `ResourceId`, `Arn` or `SecretArn` of the cluster; in the emulator one that is of nothing."""
        service, resource = {"Arn": ("rds", "cluster"), "SecretArn": ("secretsmanager", "secret")}.get(name, ("", ""))
        locally = no_resource(consumer, service, resource) if service else ""
        return Token.as_string(consumer.on_aws(Fn.import_value(self.export(name)), locally=locally))

    def export(self, name: str) -> str:
        """Under what name another stack may import a value on AWS."""
        return f"{self.stack_name}-{name}"
