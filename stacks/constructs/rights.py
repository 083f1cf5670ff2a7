"""Rights by name, so that a stack reads as a table of who may do what. A wildcard travels with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from aws_cdk import CfnElement, CfnResource, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.constructs.nag import acknowledge


@dataclass(frozen=True, slots=True)
class Right:
    """One policy statement and the findings (rule -> reason) that are accepted with it."""

    statement: iam.PolicyStatement
    accepted: Mapping[str, str] = field(default_factory=dict)


def grant(role: iam.Role, rights: Iterable[Right]) -> None:
    """Give `rights` to `role` and to nobody else."""
    for right in rights:
        role.add_to_policy(right.statement)
        acknowledge(role, right.accepted)


def wait_for_policy(holder: Construct, role: iam.Role) -> None:
    """`holder` is made when the policy of its role is there.

    The CDK waits for the role as well, which the holder names already: a lint finding in every template.
    """
    policy = role.node.find_child("DefaultPolicy").node.default_child
    made = holder if isinstance(holder, CfnResource) else holder.node.default_child
    if not isinstance(policy, CfnElement) or not isinstance(made, CfnResource):
        raise TypeError(f"{holder.node.path}: expected a policy and a resource that holds its role")
    made.add_override("DependsOn", [Stack.of(holder).get_logical_id(policy)])


def put_records(stream: kinesis.IStream) -> Right:
    """Write to one stream."""
    return _right(["kinesis:PutRecord", "kinesis:PutRecords"], [stream.stream_arn])


def read_stream(stream: kinesis.IStream) -> Right:
    """What a polling reader needs of one stream."""
    actions = ["DescribeStream", "DescribeStreamSummary", "GetRecords", "GetShardIterator", "ListShards"]
    return _right([f"kinesis:{action}" for action in actions], [stream.stream_arn])


def read_table_stream(arn: str) -> Right:
    """What a polling reader needs of the stream of one table."""
    return _right(["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"], [arn])


def list_table_streams() -> Right:
    """Lambda asks for it when a mapping of a table's stream is made; it has no resource."""
    return _right(["dynamodb:ListStreams"], ["*"])


def publish(topic: sns.ITopic) -> Right:
    """Publish to one topic."""
    return _right(["sns:Publish"], [topic.topic_arn])


def get_item(table: dynamodb.ITable, *partitions: str) -> Right:
    """Read single items of `partitions` (patterns of partition keys)."""
    return _items(table, ["dynamodb:GetItem"], partitions)


def query(table: dynamodb.ITable, *partitions: str) -> Right:
    """Read items and ranges of a table; with `partitions`, only those."""
    return _items(table, ["dynamodb:GetItem", "dynamodb:Query"], partitions)


def query_index(table: dynamodb.ITable, index: str) -> Right:
    """Read ranges of one index of a table."""
    return _right(["dynamodb:Query"], [f"{table.table_arn}/index/{index}"])


def put_batches(table: dynamodb.ITable) -> Right:
    """Write whole items, alone or many at a time; a batch may be refused item by item."""
    return _right(["dynamodb:BatchWriteItem", "dynamodb:PutItem"], [table.table_arn])


def write_items(table: dynamodb.ITable, *partitions: str) -> Right:
    """Write a table item by item, never delete; with `partitions`, only those."""
    return _items(table, ["dynamodb:PutItem", "dynamodb:UpdateItem"], partitions)


def put_objects(bucket: s3.Bucket, *prefixes: str) -> Right:
    """Write objects below `prefixes` (each ending in /)."""
    return _objects(bucket, "s3:PutObject", prefixes)


def get_objects(bucket: s3.Bucket, *prefixes: str) -> Right:
    """Read objects below `prefixes` (each ending in /)."""
    return _objects(bucket, "s3:GetObject", prefixes)


def list_bucket(bucket: s3.Bucket) -> Right:
    """List one bucket."""
    return _right(["s3:ListBucket"], [bucket.bucket_arn])


def delete_objects(bucket: s3.Bucket, *prefixes: str) -> Right:
    """Delete objects below `prefixes` (each ending in /): what is of no use once it was moved on."""
    return _objects(bucket, "s3:DeleteObject", prefixes)


def send(queue: sqs.IQueue) -> Right:
    """Send to one queue."""
    return _right(["sqs:SendMessage"], [queue.queue_arn])


def read_secret(*arns: str) -> Right:
    """Read the values of these secrets."""
    return _right(["secretsmanager:GetSecretValue"], list(arns))


def invoke(*functions: lambda_.IFunction) -> Right:
    """Call these functions and wait for their answers."""
    return _right(["lambda:InvokeFunction"], [function.function_arn for function in functions])


def run_statements(cluster_arn: str) -> Right:
    """Run SQL in one cluster by the RDS Data API; it takes the right to read a secret as well."""
    return _right(["rds-data:ExecuteStatement"], [cluster_arn])


def join_network() -> Right:
    """What a function in a VPC needs, which AWS's managed policy would grant together with log rights on `*`."""
    actions = ["AssignPrivateIpAddresses", "CreateNetworkInterface", "DeleteNetworkInterface"]
    actions += ["DescribeNetworkInterfaces", "DescribeSubnets", "UnassignPrivateIpAddresses"]
    return _right([f"ec2:{action}" for action in actions], ["*"])


def _right(actions: list[str], resources: list[str]) -> Right:
    return Right(iam.PolicyStatement(actions=actions, resources=resources))


def _items(table: dynamodb.ITable, actions: list[str], partitions: tuple[str, ...]) -> Right:
    only = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(partitions)}} if partitions else None
    return Right(iam.PolicyStatement(actions=actions, resources=[table.table_arn], conditions=only))


def _objects(bucket: s3.Bucket, action: str, prefixes: tuple[str, ...]) -> Right:
    owner = Stack.of(bucket)
    reported = owner.resolve(owner.export_value(bucket.bucket_arn))["Fn::ImportValue"]
    return Right(
        iam.PolicyStatement(actions=[action], resources=[bucket.arn_for_objects(f"{prefix}*") for prefix in prefixes]),
        {
            f"AwsSolutions::AwsSolutions-IAM5[Resource::{reported}/{prefix}*]": "Object names hold dates, shards and "
            "sequence numbers that only exist at run time: the prefix is the boundary."
            for prefix in prefixes
        },
    )
