"""Policy statements, one function per right, so that a stack reads as a table of who may do what."""

from __future__ import annotations

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_s3 as s3


def put_records(stream: kinesis.IStream) -> iam.PolicyStatement:
    """Write to one stream."""
    return iam.PolicyStatement(actions=["kinesis:PutRecord", "kinesis:PutRecords"], resources=[stream.stream_arn])


def read_stream(stream: kinesis.IStream) -> iam.PolicyStatement:
    """What a polling reader needs of one stream."""
    return iam.PolicyStatement(
        actions=[
            "kinesis:DescribeStream",
            "kinesis:DescribeStreamSummary",
            "kinesis:GetRecords",
            "kinesis:GetShardIterator",
            "kinesis:ListShards",
        ],
        resources=[stream.stream_arn],
    )


def read_items(table: dynamodb.ITable, *partitions: str) -> iam.PolicyStatement:
    """Read a table; with `partitions` (patterns of partition keys), only those."""
    return _items(table, ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"], partitions)


def write_items(table: dynamodb.ITable, *partitions: str) -> iam.PolicyStatement:
    """Write a table item by item, never delete; with `partitions`, only those."""
    return _items(table, ["dynamodb:PutItem", "dynamodb:UpdateItem"], partitions)


def put_objects(bucket: s3.IBucket, *prefixes: str) -> iam.PolicyStatement:
    """Write objects below `prefixes` (each ending in /)."""
    return iam.PolicyStatement(
        actions=["s3:PutObject"], resources=[bucket.arn_for_objects(f"{prefix}*") for prefix in prefixes]
    )


def get_objects(bucket: s3.IBucket, *prefixes: str) -> iam.PolicyStatement:
    """Read objects below `prefixes` (each ending in /)."""
    return iam.PolicyStatement(
        actions=["s3:GetObject"], resources=[bucket.arn_for_objects(f"{prefix}*") for prefix in prefixes]
    )


def _items(table: dynamodb.ITable, actions: list[str], partitions: tuple[str, ...]) -> iam.PolicyStatement:
    only = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(partitions)}} if partitions else None
    return iam.PolicyStatement(actions=actions, resources=[table.table_arn], conditions=only)
