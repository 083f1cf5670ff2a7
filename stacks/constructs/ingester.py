"""The ingester: one Fargate task on ARM64 in a public subnet that nothing can connect to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from stacks.constructs.assets import Assets
from stacks.constructs.log_group import log_group
from stacks.constructs.nag import acknowledge
from stacks.constructs.rights import Right, grant


class Ingester(Construct):
    """A service of at most one task: min 0 %, max 100 %, so a deployment stops the old one first.

    The count is not in the template: CloudFormation then keeps what the session clock set.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        assets: Assets,
        vpc: ec2.IVpc,
        security_group: ec2.ISecurityGroup,
        environment: Mapping[str, str],
        vendor_key: secrets.ISecret,
        rights: Iterable[Right],
        retention_days: int,
    ) -> None:
        super().__init__(scope, id_)
        task_role = iam.Role(
            self,
            "TaskRole",
            assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"),
            description="What the ingester itself may do. Its vendor key is handed over by the execution role.",
        )
        self.task = ecs.FargateTaskDefinition(
            self,
            "Task",
            cpu=1024,
            memory_limit_mib=2048,
            task_role=task_role,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ecs.CpuArchitecture.ARM64, operating_system_family=ecs.OperatingSystemFamily.LINUX
            ),
        )
        grant(task_role, rights)
        self.task.add_container(
            "Ingest",
            image=assets.ingester_image(self),
            command=["python", "-m", "speed_layer.ingest"],
            environment=dict(environment),
            secrets={"POLYGON_API_KEY": ecs.Secret.from_secrets_manager(vendor_key)},
            logging=ecs.LogDriver.aws_logs(stream_prefix="ingest", log_group=log_group(self, "Logs", retention_days)),
            readonly_root_filesystem=True,
            user="10001",
            stop_timeout=Duration.seconds(30),
        )
        self.cluster = ecs.Cluster(self, "Cluster", vpc=vpc)
        self.service = ecs.FargateService(
            self,
            "Service",
            cluster=self.cluster,
            task_definition=self.task,
            assign_public_ip=True,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
            security_groups=[security_group],
            min_healthy_percent=0,
            max_healthy_percent=100,
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
        )
        self._accept()

    def _accept(self) -> None:
        acknowledge(
            self.task,
            {
                "AwsSolutions::AwsSolutions-ECS2": "The variables are names of streams and tables, never secrets: the "
                "one secret comes from Secrets Manager.",
            },
        )
        if self.task.execution_role is not None:
            acknowledge(
                self.task.execution_role,
                {
                    "AwsSolutions::AwsSolutions-IAM5[Resource::*]": "ecr:GetAuthorizationToken has no resource; every "
                    "other right of this role names one repository, log group or secret.",
                },
            )
        acknowledge(
            self.cluster,
            {
                "AwsSolutions::AwsSolutions-ECS4": "Container Insights bills about ten metrics for one task whose own "
                "counts, in the control table and the log, say more.",
            },
        )
