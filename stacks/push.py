"""Optional: live data to WebSocket clients, by one service behind an internal load balancer that CloudFront reaches."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnElement, CfnOutput, CfnResource, Duration
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elb
from constructs import Construct

from stacks.constructs.assets import Assets
from stacks.constructs.rights import get_item, query, query_index, read_stream
from stacks.constructs.target import TargetedStack
from stacks.constructs.task_service import TaskService
from stacks.network import BALANCER_PORT, PUSH_PORT, NetworkStack
from stacks.settings import Settings
from stacks.speed import SESSIONS, SpeedStack
from stacks.storage import ALERTS_BY_GROUP, BALANCER_LOGS, SIGNALS_BY_TIME, StorageStack

IDLE = Duration.seconds(4000)
"""The longest a load balancer bears a silent connection: clients are sent a ping well before."""


class PushStack(TargetedStack):
    """Polygon's `/stocks` over our streams. Its clients lose their connection when it is replaced, and are told so."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        assets: Assets,
        network: NetworkStack,
        storage: StorageStack,
        speed: SpeedStack,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, id_, **kwargs)
        self.push = TaskService(
            self,
            "Push",
            assets=assets,
            image="push",
            vpc=network.vpc,
            security_group=network.push_group,
            cpu=256,
            memory_mib=512,
            at_most_one=False,
            port=PUSH_PORT,
            retention_days=settings.log_retention_days,
            environment={
                "TRADES_STREAM": speed.trades.stream_name,
                "BARS_STREAM": speed.bars.stream_name,
                "BARS_TABLE": storage.bars_table.table_name,
                "CONTROL_TABLE": storage.control_table.table_name,
                "SIGNALS_TABLE": storage.signals_table.table_name,
                "ALERTS_TABLE": storage.alerts_table.table_name,
                "SESSIONS": SESSIONS,
                "HOST": "0.0.0.0",  # noqa: S104 - the container's own address; its security group names who may connect
                "PORT": str(PUSH_PORT),
                "POLL_SECONDS": "1",  # of the five reads a second that a shard gives to all its readers
            },
            rights=[
                read_stream(speed.trades),
                read_stream(speed.bars),
                query(storage.bars_table),
                query_index(storage.signals_table, SIGNALS_BY_TIME),
                query_index(storage.alerts_table, ALERTS_BY_GROUP),
                get_item(storage.control_table, "key", "through"),
            ],
        )
        balancer = self._balancer(network, storage)
        self.balancer_name = balancer.load_balancer_full_name
        origin = cloudfront.CfnVpcOrigin(
            self,
            "Origin",
            vpc_origin_endpoint_config=cloudfront.CfnVpcOrigin.VpcOriginEndpointConfigProperty(
                arn=balancer.load_balancer_arn,
                name=self.stack_name,
                http_port=BALANCER_PORT,
                origin_protocol_policy="http-only",
            ),
        )
        self.origin_id = CfnOutput(
            self,
            "OriginId",
            value=origin.attr_id,
            condition=self.aws_condition,
            description="The VPC origin by which CloudFront reaches the load balancer.",
        )
        self.origin_host = CfnOutput(
            self, "OriginHost", value=balancer.load_balancer_dns_name, description="What CloudFront calls it."
        )

    def _balancer(self, network: NetworkStack, storage: StorageStack) -> elb.ApplicationLoadBalancer:
        balancer = elb.ApplicationLoadBalancer(
            self,
            "Balancer",
            vpc=network.vpc,
            internet_facing=False,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            security_group=network.push_balancer_group,
            idle_timeout=IDLE,
            drop_invalid_header_fields=True,
        )
        storage.admit_load_balancer_logs()
        logs = {"enabled": "true", "bucket": storage.log_bucket.bucket_name, "prefix": BALANCER_LOGS}
        for name, value in logs.items():
            balancer.set_attribute(f"access_logs.s3.{name}", value)  # the CDK's own method wants to know the region
        listener = balancer.add_listener("Http", port=BALANCER_PORT, protocol=elb.ApplicationProtocol.HTTP, open=False)
        targets = listener.add_targets(
            "Tasks",
            port=PUSH_PORT,
            protocol=elb.ApplicationProtocol.HTTP,
            targets=[self.push.service],
            deregistration_delay=Duration.seconds(5),
            health_check=elb.HealthCheck(
                path="/health", interval=Duration.seconds(10), timeout=Duration.seconds(5), healthy_threshold_count=2
            ),
        )
        self.targets_name = targets.target_group_full_name
        self._wait_for(listener)
        return balancer

    def _wait_for(self, listener: elb.ApplicationListener) -> None:
        """The service's rights and the listener; the CDK waits for the target group too: a lint finding."""
        policy = self.push.task.task_role.node.find_child("DefaultPolicy").node.default_child
        service, entrance = self.push.service.node.default_child, listener.node.default_child
        if not (
            isinstance(policy, CfnElement) and isinstance(service, CfnResource) and isinstance(entrance, CfnElement)
        ):
            raise TypeError(f"{self.node.path}: expected a policy, a service and a listener")
        service.add_override("DependsOn", [self.get_logical_id(policy), self.get_logical_id(entrance)])
