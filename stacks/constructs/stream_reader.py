"""A function that reads a Kinesis stream, so that one bad record can neither block its shard nor be lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.constructs.assets import Assets
from stacks.constructs.function import ServiceFunction
from stacks.constructs.rights import Right, list_bucket, put_objects, read_stream

MAX_RETRIES = 10
MAX_RECORD_AGE_S = 6 * 3600
"""Well inside the stream's 24 hours: a record that cannot succeed leaves before it would expire unread."""


class StreamReader(ServiceFunction):
    """Partial failures, bisecting, bounded retries and age; what still fails goes to `failures` with its payload.

    Lambda writes there as `aws/lambda/<mapping>/<shard>/<date>/…`: a prefix of our choice is not possible.
    `window_s`: how long a batch may gather before the function is called.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        stream: kinesis.IStream,
        failures: s3.Bucket,
        batch_size: int,
        window_s: float = 0,
        assets: Assets,
        description: str,
        environment: Mapping[str, str],
        rights: Iterable[Right],
        retention_days: int,
    ) -> None:
        super().__init__(
            scope,
            id_,
            assets=assets,
            name=id_.lower(),
            description=description,
            environment=environment,
            rights=[*rights, read_stream(stream), put_objects(failures, "aws/lambda/"), list_bucket(failures)],
            retention_days=retention_days,
        )
        mapping = lambda_.CfnEventSourceMapping(
            self,
            "Mapping",
            event_source_arn=stream.stream_arn,
            function_name=self.function.function_name,
            starting_position="TRIM_HORIZON",
            batch_size=batch_size,
            maximum_batching_window_in_seconds=window_s,
            parallelization_factor=1,
            function_response_types=["ReportBatchItemFailures"],
            bisect_batch_on_function_error=True,
            maximum_retry_attempts=MAX_RETRIES,
            maximum_record_age_in_seconds=MAX_RECORD_AGE_S,
            destination_config=lambda_.CfnEventSourceMapping.DestinationConfigProperty(
                on_failure=lambda_.CfnEventSourceMapping.OnFailureProperty(destination=failures.bucket_arn)
            ),
        )
        mapping.node.add_dependency(self.role)  # Lambda checks the right to read when the mapping is made
