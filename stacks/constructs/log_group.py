"""Log groups are made by the stack that writes to them, so none is left without an end."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs
from constructs import Construct

_RETENTION = {
    7: logs.RetentionDays.ONE_WEEK,
    14: logs.RetentionDays.TWO_WEEKS,
    30: logs.RetentionDays.ONE_MONTH,
    90: logs.RetentionDays.THREE_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
}


def log_group(scope: Construct, id_: str, retention_days: int, *, name: str | None = None) -> logs.LogGroup:
    """A log group that goes with its stack; a name of its own only where AWS fixes it."""
    return logs.LogGroup(
        scope, id_, log_group_name=name, retention=_RETENTION[retention_days], removal_policy=RemovalPolicy.DESTROY
    )
