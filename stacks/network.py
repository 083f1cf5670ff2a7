"""One VPC without NAT, and every security group with its rules."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.constructs.target import TargetedStack

CACHE_WRITE_PORT, CACHE_READ_PORT = 6379, 6380
"""Valkey serverless listens on two ports: primary, and read replicas."""


class NetworkStack(TargetedStack):
    """Public subnets for the ingester, isolated ones for what needs the cache; S3 and DynamoDB by gateway endpoint."""

    def __init__(self, scope: Construct, id_: str, *, log_bucket: s3.IBucket, **kwargs: Any) -> None:
        super().__init__(scope, id_, **kwargs)
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            max_azs=2,
            nat_gateways=0,
            restrict_default_security_group=False,  # docs/decisions/0013: nothing joins that group
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=24, map_public_ip_on_launch=False
                ),
                ec2.SubnetConfiguration(name="isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=24),
            ],
        )
        self.vpc.add_flow_log(
            "FlowLog",
            destination=ec2.FlowLogDestination.to_s3(log_bucket, "vpc-flow/"),
            traffic_type=ec2.FlowLogTrafficType.REJECT,
        )
        services = ec2.GatewayVpcEndpointAwsService
        self._gateway_endpoint("S3Endpoint", services.S3, ["s3:GetObject", "s3:ListBucket", "s3:PutObject"])
        self._gateway_endpoint("DynamoDbEndpoint", services.DYNAMODB, ["dynamodb:GetItem", "dynamodb:Query"])

        self.cache_group = self._group("CacheGroup", "Valkey: reached by the ingester and the API only")
        self.ingester_group = self._group("IngesterGroup", "Ingester: nothing may connect to it")
        self.api_group = self._group("ApiGroup", "API function: S3 and DynamoDB endpoints, and the cache")
        for client in (self.ingester_group, self.api_group):
            client.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "HTTPS to AWS endpoints and the vendor")
            ports = ec2.Port.tcp_range(CACHE_WRITE_PORT, CACHE_READ_PORT)
            client.add_egress_rule(self.cache_group, ports, "Valkey, write and read ports")
            self.cache_group.add_ingress_rule(client, ports, "Valkey, write and read ports")

    def _group(self, id_: str, description: str) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(self, id_, vpc=self.vpc, description=description, allow_all_outbound=False)

    def _gateway_endpoint(self, id_: str, service: ec2.GatewayVpcEndpointAwsService, actions: list[str]) -> None:
        """Free, and without it nothing in an isolated subnet reaches the service. From this account to this account.

        The public subnets keep the plain route: the layers of a container image are fetched from a bucket of AWS's.
        """
        endpoint = self.vpc.add_gateway_endpoint(
            id_, service=service, subnets=[ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)]
        )
        ours = {"aws:PrincipalAccount": self.account, "aws:ResourceAccount": self.account}
        endpoint.add_to_policy(
            iam.PolicyStatement(
                principals=[iam.AnyPrincipal()], actions=actions, resources=["*"], conditions={"StringEquals": ours}
            )
        )
