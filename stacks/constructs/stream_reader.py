"""A function that reads a stream, so that one bad record can neither block its shard nor be lost."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.constructs.assets import Assets
from stacks.constructs.function import ServiceFunction
from stacks.constructs.rights import (
    Right,
    list_bucket,
    list_table_streams,
    put_objects,
    read_stream,
    read_table_stream,
)

MAX_RETRIES = 10
UNTIL_TOO_OLD = -1
"""Retries without a bound of their own: until the record has reached MAX_RECORD_AGE_S."""
MAX_RECORD_AGE_S = 6 * 3600
"""Well inside the 24 hours of either kind of stream: a record that cannot succeed leaves before it expires unread."""


@dataclass(frozen=True, slots=True)
class Source:
    """A stream, what a reader needs of it, and the only records that Lambda hands on (all without `pattern`)."""

    arn: str
    rights: tuple[Right, ...]
    pattern: Mapping[str, Any] | None = None

    @classmethod
    def stream(cls, stream: kinesis.IStream) -> Source:
        return cls(stream.stream_arn, (read_stream(stream),))

    @classmethod
    def table(cls, table: dynamodb.Table, pattern: Mapping[str, Any]) -> Source:
        if (arn := table.table_stream_arn) is None:
            raise ValueError(f"{table.node.path} has no stream")
        return cls(arn, (read_table_stream(arn), list_table_streams()), pattern)


class StreamReader(ServiceFunction):
    """Partial failures, bisecting, bounded retries and age; what still fails goes to `failures` with its payload.

    Lambda writes there as `aws/lambda/<mapping>/<shard>/<date>/…`: a prefix of our choice is not possible.
    `window_s`: how long a batch may gather before the function is called. `max_retries`: after the first try.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        source: Source,
        failures: s3.Bucket,
        batch_size: int,
        window_s: float = 0,
        max_retries: int = MAX_RETRIES,
        assets: Assets,
        description: str,
        environment: Mapping[str, str],
        rights: Iterable[Right],
        retention_days: int,
        memory_mb: int = 512,
        timeout: Duration | None = None,
        vpc: ec2.IVpc | None = None,
        security_group: ec2.ISecurityGroup | None = None,
    ) -> None:
        super().__init__(
            scope,
            id_,
            assets=assets,
            name=id_.lower(),
            description=description,
            environment=environment,
            rights=[*rights, *source.rights, put_objects(failures, "aws/lambda/"), list_bucket(failures)],
            retention_days=retention_days,
            memory_mb=memory_mb,
            timeout=timeout,
            vpc=vpc,
            security_group=security_group,
            traced=False,
        )
        mapping = lambda_.CfnEventSourceMapping(
            self,
            "Mapping",
            event_source_arn=source.arn,
            function_name=self.function.function_name,
            starting_position="TRIM_HORIZON",
            batch_size=batch_size,
            maximum_batching_window_in_seconds=window_s,
            parallelization_factor=1,
            function_response_types=["ReportBatchItemFailures"],
            filter_criteria=_only(source.pattern),
            bisect_batch_on_function_error=True,
            maximum_retry_attempts=max_retries,
            maximum_record_age_in_seconds=MAX_RECORD_AGE_S,
            destination_config=lambda_.CfnEventSourceMapping.DestinationConfigProperty(
                on_failure=lambda_.CfnEventSourceMapping.OnFailureProperty(destination=failures.bucket_arn)
            ),
        )
        mapping.node.add_dependency(self.role)  # Lambda checks the right to read when the mapping is made


def _only(pattern: Mapping[str, Any] | None) -> lambda_.CfnEventSourceMapping.FilterCriteriaProperty | None:
    if pattern is None:
        return None
    one = lambda_.CfnEventSourceMapping.FilterProperty(pattern=json.dumps(pattern, separators=(",", ":")))
    return lambda_.CfnEventSourceMapping.FilterCriteriaProperty(filters=[one])
