"""One VPC without NAT, and every security group with its rules."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.target import TargetedStack
from stacks.settings import Settings
from stacks.storage import StorageStack

CACHE_WRITE_PORT, CACHE_READ_PORT = 6379, 6380
"""Valkey serverless listens on two ports: primary, and read replicas."""
DATABASE_PORT = 5433
"""Of PostgreSQL: not the one that everybody tries first."""
BALANCER_PORT, PUSH_PORT = 80, 8080
"""Of push: what the internal load balancer listens on, and its task."""


class NetworkStack(TargetedStack):
    """Public subnets for ingester and batch jobs, isolated ones for what needs the cache or the database.

    S3 and DynamoDB are reached by gateway endpoints.
    """

    def __init__(self, scope: Construct, id_: str, *, settings: Settings, storage: StorageStack, **kwargs: Any) -> None:
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
            destination=ec2.FlowLogDestination.to_s3(storage.log_bucket, "vpc-flow/"),
            traffic_type=ec2.FlowLogTrafficType.REJECT,
        )
        services = ec2.GatewayVpcEndpointAwsService
        s3_actions = ["s3:GetObject", "s3:ListBucket", "s3:PutObject"]
        self._gateway_endpoint("S3Endpoint", services.S3, self._ours(s3_actions, ["*"]))
        tables = (storage.alerts_table, storage.signals_table, storage.control_table)
        written = [table.table_arn for table in tables]
        self._gateway_endpoint(
            "DynamoDbEndpoint",
            services.DYNAMODB,
            self._ours(["dynamodb:GetItem", "dynamodb:Query"], ["*"]),
            self._ours(["dynamodb:PutItem", "dynamodb:UpdateItem"], written),
        )

        self.cache_group = self._group("CacheGroup", "Valkey: reached by the ingester, signals and the API only")
        self.ingester_group = self._group("IngesterGroup", "Ingester: nothing may connect to it")
        self.signals_group = self._group("SignalsGroup", "Signals function: S3 and DynamoDB endpoints, and the cache")
        self.api_group = self._group("ApiGroup", "API function: S3 and DynamoDB endpoints, and the cache")
        for client in (self.ingester_group, self.signals_group, self.api_group):
            client.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "HTTPS to AWS endpoints and the vendor")
            ports = ec2.Port.tcp_range(CACHE_WRITE_PORT, CACHE_READ_PORT)
            client.add_egress_rule(self.cache_group, ports, "Valkey, write and read ports")
            self.cache_group.add_ingress_rule(client, ports, "Valkey, write and read ports")

        self._database_groups()
        if settings.push:
            self._push_groups(settings.cloudfront_prefix_list)

    def _database_groups(self) -> None:
        """Who may reach PostgreSQL: the API to read, the others to write. Nothing may reach any of them."""
        self.database_group = self._group("DatabaseGroup", "PostgreSQL: reached by the API and the batch layer only")
        self.loader_group = self._group("LoaderGroup", "Nightly function inside: S3, DynamoDB, and PostgreSQL")
        self.migrate_group = self._group("MigrateGroup", "Migrations: PostgreSQL only")
        self.job_group = self._group("JobGroup", "Batch jobs: nothing may connect to them")
        for client in (self.loader_group, self.job_group):
            client.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "HTTPS to AWS endpoints")
        port = ec2.Port.tcp(DATABASE_PORT)
        for client in (self.api_group, self.loader_group, self.migrate_group, self.job_group):
            client.add_egress_rule(self.database_group, port, "PostgreSQL")
            self.database_group.add_ingress_rule(client, port, "PostgreSQL")

    def _push_groups(self, cloudfront: str) -> None:
        """CloudFront -> load balancer -> task, each on one port."""
        self.push_balancer_group = self._group("PushBalancerGroup", "Load balancer of push: reached by CloudFront only")
        self.push_group = self._group("PushGroup", "Push: reached by its load balancer only")
        to_task = ec2.Port.tcp(PUSH_PORT)
        self.push_balancer_group.add_ingress_rule(
            ec2.Peer.prefix_list(cloudfront), ec2.Port.tcp(BALANCER_PORT), "CloudFront by its VPC origin"
        )
        self.push_balancer_group.add_egress_rule(self.push_group, to_task, "Load balancer to target")
        self.push_group.add_ingress_rule(self.push_balancer_group, to_task, "Load balancer to target")
        self.push_group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "HTTPS to AWS endpoints")

    def _group(self, id_: str, description: str) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(self, id_, vpc=self.vpc, description=description, allow_all_outbound=False)

    def _ours(self, actions: list[str], resources: list[str]) -> iam.PolicyStatement:
        """From this account to this account."""
        ours = {"aws:PrincipalAccount": self.account, "aws:ResourceAccount": self.account}
        return iam.PolicyStatement(
            principals=[iam.AnyPrincipal()], actions=actions, resources=resources, conditions={"StringEquals": ours}
        )

    def _gateway_endpoint(
        self, id_: str, service: ec2.GatewayVpcEndpointAwsService, *statements: iam.PolicyStatement
    ) -> None:
        """Free, and without it nothing in an isolated subnet reaches the service; it lets `statements` through only.

        The public subnets keep the plain route: the layers of a container image are fetched from a bucket of AWS's.
        """
        endpoint = self.vpc.add_gateway_endpoint(
            id_, service=service, subnets=[ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)]
        )
        for statement in statements:
            endpoint.add_to_policy(statement)
