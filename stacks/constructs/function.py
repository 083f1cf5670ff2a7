"""A Lambda function of ours: own role without managed policies, own log group, arm64, Python 3.13."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.constructs.assets import Assets
from stacks.constructs.log_group import log_group
from stacks.constructs.nag import acknowledge
from stacks.constructs.rights import Right, grant, join_network, wait_for_policy


class ServiceFunction(Construct):
    """One function, its role and its log group. `dead_letters`: where a call goes that failed and nobody waits for.
    `traced`: whether X-Ray records its calls, at a rate that AWS fixes unless the caller has decided already."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        assets: Assets,
        name: str,
        description: str,
        environment: Mapping[str, str],
        rights: Iterable[Right],
        retention_days: int,
        memory_mb: int = 512,
        timeout: Duration | None = None,
        vpc: ec2.IVpc | None = None,
        security_group: ec2.ISecurityGroup | None = None,
        dead_letters: sqs.IQueue | None = None,
        traced: bool = True,
    ) -> None:
        super().__init__(scope, id_)
        self.logs = log_group(self, "Logs", retention_days)
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"{description} Only this function assumes it.",
        )
        self.logs.grant_write(self.role)
        grant(self.role, rights)
        inside: dict[str, Any] = {}
        if vpc is not None and security_group is not None:
            grant(self.role, [join_network()])
            inside = {
                "vpc": vpc,
                "vpc_subnets": ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
                "security_groups": [security_group],
            }
        self.function = lambda_.Function(
            self,
            "Function",
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            code=assets.code(name),
            handler=assets.handler(name),
            role=self.role,
            log_group=self.logs,
            memory_size=memory_mb,
            timeout=timeout or Duration.seconds(60),
            tracing=lambda_.Tracing.ACTIVE if traced else lambda_.Tracing.DISABLED,
            environment={"LOG_LEVEL": "INFO", **environment},
            description=description,
            dead_letter_queue=dead_letters,
            **inside,
        )
        wait_for_policy(self.function, self.role)
        self._accept(called_back=dead_letters is None, traced=traced)

    def _accept(self, *, called_back: bool, traced: bool) -> None:
        newest = "Wheels, bytecode and tests are all resolved for Python 3.13; a newer runtime changes them together."
        acknowledge(
            self.function,
            {
                "AwsSolutions::AwsSolutions-L1": newest,
                "Serverless::Serverless-LambdaLatestVersion": newest,
            },
        )
        if called_back:
            waits = (
                "A stream mapping has its own on-failure destination; whoever else calls it waits for the answer and "
                "takes silence for failure."
            )
            acknowledge(self.function, {"Serverless::Serverless-LambdaDLQ": waits})
        acknowledge(
            self.role,
            {
                "AwsSolutions::AwsSolutions-IAM5[Resource::*]": "X-Ray segments, the network interfaces of a "
                "function in a VPC and the list of table streams have no resource that a policy could name.",
            },
        )
        if not traced:
            counted = (
                "Runs on its own, not for a caller who waits: its duration, errors and age are metrics, and a trace of "
                "one call a second would cost more than the function."
            )
            acknowledge(self.function, {"Serverless::Serverless-LambdaTracing": counted})
