"""A container that runs to its end: AWS Batch on Fargate ARM64 in public subnets, on a read-only disk, as nobody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aws_cdk import Duration, Size
from aws_cdk import aws_batch as batch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.assets import Assets
from stacks.constructs.log_group import log_group
from stacks.constructs.nag import acknowledge
from stacks.constructs.rights import Right, grant


@dataclass(frozen=True)
class JobSize:
    """Processors, memory, and how many run side by side; others wait."""

    cpus: int
    memory_gib: int
    at_once: int


class BatchJob(Construct):
    """One image with its queue. Paid for while a job runs, and the public address is its way out, as the ingester's.

    `command`: whoever submits a job may give another; `Ref::name` in it is one of its `parameters`.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        assets: Assets,
        image: str,
        command: list[str],
        size: JobSize,
        vpc: ec2.IVpc,
        security_group: ec2.ISecurityGroup,
        environment: Mapping[str, str],
        rights: Iterable[Right],
        retention_days: int,
        timeout: Duration,
        parameters: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(scope, id_)
        tasks = iam.ServicePrincipal("ecs-tasks.amazonaws.com")
        role = iam.Role(
            self, "Role", assumed_by=tasks, description="What a job itself may do; it holds no secret and no key."
        )
        grant(role, rights)
        execution = iam.Role(
            self, "ExecutionRole", assumed_by=tasks, description="Fetches the image of a job and writes its log."
        )
        container = batch.EcsFargateContainerDefinition(
            self,
            "Container",
            image=assets.image(self, image),
            command=command,
            environment={"AWS_DEFAULT_REGION": role.stack.region, "LOG_LEVEL": "INFO", **environment},
            cpu=size.cpus,
            memory=Size.gibibytes(size.memory_gib),
            fargate_cpu_architecture=ecs.CpuArchitecture.ARM64,
            fargate_operating_system_family=ecs.OperatingSystemFamily.LINUX,
            assign_public_ip=True,
            readonly_root_filesystem=True,
            user="10001",
            job_role=role,
            execution_role=execution,
            logging=ecs.LogDriver.aws_logs(stream_prefix=image, log_group=log_group(self, "Logs", retention_days)),
        )
        # One attempt: who submits a job knows whether another try makes sense.
        self.definition = batch.EcsJobDefinition(
            self,
            "Definition",
            container=container,
            retry_attempts=1,
            timeout=timeout,
            propagate_tags=True,
            parameters=parameters,
        )
        fleet = batch.FargateComputeEnvironment(
            self,
            "Fleet",
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
            security_groups=[security_group],
            maxv_cpus=size.cpus * size.at_once,
        )
        self.queue = batch.JobQueue(
            self,
            "Queue",
            compute_environments=[batch.OrderedComputeEnvironment(compute_environment=fleet, order=1)],
        )
        acknowledge(
            execution,
            {
                "AwsSolutions::AwsSolutions-IAM5[Resource::*]": "ecr:GetAuthorizationToken has no resource; every "
                "other right of this role names one repository or log group.",
            },
        )
