"""A long-running process of ours: a Fargate service on ARM64 in the public subnets, on a read-only disk, as nobody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.assets import Assets
from stacks.constructs.log_group import log_group
from stacks.constructs.nag import acknowledge
from stacks.constructs.rights import Right, grant


class TaskService(Construct):
    """One image, its task and its service. Who may connect is the security group's matter.

    The public address is the way out to AWS and the vendor: a NAT would cost more than the whole network.
    The count is not in the template: CloudFormation makes one task, and later keeps what somebody else has set.
    `at_most_one`: a deployment stops the old task before it starts the new one; otherwise it starts the new one first.
    `port`: where the container listens, if it does.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        assets: Assets,
        image: str,
        vpc: ec2.IVpc,
        security_group: ec2.ISecurityGroup,
        cpu: int,
        memory_mib: int,
        environment: Mapping[str, str],
        secrets: Mapping[str, ecs.Secret] | None = None,
        rights: Iterable[Right],
        retention_days: int,
        at_most_one: bool,
        port: int | None = None,
    ) -> None:
        super().__init__(scope, id_)
        task_role = iam.Role(
            self,
            "TaskRole",
            assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"),
            description=f"What the {id_.lower()} itself may do. Secrets are handed over by the execution role.",
        )
        self.task = ecs.FargateTaskDefinition(
            self,
            "Task",
            cpu=cpu,
            memory_limit_mib=memory_mib,
            task_role=task_role,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ecs.CpuArchitecture.ARM64, operating_system_family=ecs.OperatingSystemFamily.LINUX
            ),
        )
        grant(task_role, rights)
        self.task.add_container(
            image.title(),
            image=assets.image(self, image),
            command=assets.command(image),
            environment={
                "AWS_DEFAULT_REGION": task_role.stack.region,  # what boto3 reads; Lambda sets it by itself, a task not
                "LOG_LEVEL": "INFO",
                **environment,
            },
            secrets=dict(secrets or {}),
            logging=ecs.LogDriver.aws_logs(stream_prefix=image, log_group=log_group(self, "Logs", retention_days)),
            port_mappings=[ecs.PortMapping(container_port=port)] if port else None,
            readonly_root_filesystem=True,
            user="10001",
            linux_parameters=_without_capabilities(self),
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
            min_healthy_percent=0 if at_most_one else 100,
            max_healthy_percent=100 if at_most_one else 200,
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
        )
        self._accept()

    def _accept(self) -> None:
        acknowledge(
            self.task,
            {
                "AwsSolutions::AwsSolutions-ECS2": "The variables are names of streams and tables, never secrets: what "
                "is secret comes from Secrets Manager.",
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


def _without_capabilities(scope: Construct) -> ecs.LinuxParameters:
    """A process of ours asks the kernel for nothing that only root may."""
    parameters = ecs.LinuxParameters(scope, "Linux")
    parameters.drop_capabilities(ecs.Capability.ALL)
    return parameters
