"""Valkey serverless behind one user group: the ingester writes, signals keeps rings, the API keeps answers."""

from __future__ import annotations

from aws_cdk import ArnFormat, CfnOutput, Fn, Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.rights import Right
from stacks.constructs.target import TargetedStack

LOCAL_ENDPOINT = "127.0.0.1:6379"
_CLIENT = "+@connection +cluster|slots +cluster|shards +evalsha +script|load"
"""What a cluster-aware client asks before its first command, and scripts by digest."""
ACCESS = {
    "ingest": f"on ~* resetchannels -@all +@read +@write -@dangerous {_CLIENT}",
    "signals": f"on ~ring:* ~rings:* resetchannels -@all +@read +@write -@dangerous {_CLIENT}",
    "api": f"on %R~* ~ans:* resetchannels -@all +@read +@write -@dangerous {_CLIENT}",
}
"""Access strings by user: the API may read every key and write answers (`ans:*`) only; signals sees but its rings."""


class Cache(Construct):
    """It may vanish and nothing breaks, so it keeps no snapshots."""

    def __init__(
        self, scope: TargetedStack, id_: str, *, environment: str, vpc: ec2.IVpc, security_group: ec2.ISecurityGroup
    ) -> None:
        super().__init__(scope, id_)
        self._stack = scope
        self.name = f"condvest-{environment}"
        self.users = {role: f"{self.name}-{role}" for role in ACCESS}
        users = [
            elasticache.CfnUser(
                self,
                f"{role.title()}User",
                engine="valkey",
                user_id=self.users[role],
                user_name=self.users[role],  # with IAM they must be the same
                access_string=access,
                authentication_mode={"Type": "iam"},
            )
            for role, access in ACCESS.items()
        ]
        group = elasticache.CfnUserGroup(
            self, "Users", engine="valkey", user_group_id=self.name, user_ids=[user.user_id for user in users]
        )
        for user in users:
            group.add_resource_dependency(user)
        cache = elasticache.CfnServerlessCache(
            self,
            "Valkey",
            engine="valkey",
            major_engine_version="8",
            serverless_cache_name=self.name,
            description="Last trades, minutes not yet stored, rings of closed bars, answers. May vanish.",
            subnet_ids=vpc.select_subnets(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED).subnet_ids,
            security_group_ids=[security_group.security_group_id],
            user_group_id=self.name,
            cache_usage_limits=elasticache.CfnServerlessCache.CacheUsageLimitsProperty(
                data_storage=elasticache.CfnServerlessCache.DataStorageProperty(unit="GB", maximum=1),
                ecpu_per_second=elasticache.CfnServerlessCache.ECPUPerSecondProperty(maximum=5000),
            ),
        )
        cache.add_resource_dependency(group)
        self._endpoint = Fn.join(":", [cache.attr_endpoint_address, cache.attr_endpoint_port])
        self._export = f"{scope.stack_name}-CacheEndpoint"
        CfnOutput(
            self,
            "Endpoint",
            value=self._endpoint,
            condition=scope.aws_condition,
            export_name=self._export,
            description="host:port of the cache's write endpoint.",
        )

    def environment(self, consumer: TargetedStack, role: str) -> dict[str, str]:
        """Variables of a process in `consumer` that connects as the user of `role`, over TLS with an IAM token.

        In the emulator there is neither user nor TLS, and CACHE_USER and CACHE_NAME are empty.
        """
        endpoint = self._endpoint if consumer is self._stack else Fn.import_value(self._export)
        return {
            "CACHE_ENDPOINT": Token.as_string(consumer.on_aws(endpoint, locally=LOCAL_ENDPOINT)),
            "CACHE_NAME": Token.as_string(consumer.on_aws(self.name, locally="")),
            "CACHE_USER": Token.as_string(consumer.on_aws(self.users[role], locally="")),
        }

    def connect(self, role: str) -> Right:
        """The right to connect to this cache as the user of `role`, and as no other."""
        statement = iam.PolicyStatement(
            actions=["elasticache:Connect"],
            resources=[
                self._stack.format_arn(
                    service="elasticache",
                    resource="serverlesscache",
                    arn_format=ArnFormat.COLON_RESOURCE_NAME,
                    resource_name=self.name,
                ),
                self._stack.format_arn(
                    service="elasticache",
                    resource="user",
                    arn_format=ArnFormat.COLON_RESOURCE_NAME,
                    resource_name=self.users[role],
                ),
            ],
        )
        return Right(statement)
