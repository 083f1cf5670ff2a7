"""What a start by the clock takes: a role for its schedule, tries, and a place for what failed all the same."""

from __future__ import annotations

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.constructs.nag import acknowledge

ZONE = "America/New_York"
WINDOW = Duration.hours(1)
"""How long a start that failed is tried again."""
EXACTLY = scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF")
TRIED = scheduler.CfnSchedule.RetryPolicyProperty(
    maximum_event_age_in_seconds=WINDOW.to_seconds(), maximum_retry_attempts=20
)


def missed_starts(scope: Construct) -> sqs.Queue:
    """Keeps the starts that failed for an hour."""
    missed = sqs.Queue(
        scope,
        "Missed",
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=Duration.days(14),
    )
    waiting = "Holds starts that failed for an hour until somebody looks: nothing reads it that could fail again."
    acknowledge(
        missed,
        {"AwsSolutions::AwsSolutions-SQS3": waiting, "Serverless::Serverless-SQSRedrivePolicy": waiting},
    )
    return missed


def clock_role(scope: Construct, id_: str, description: str) -> iam.Role:
    """Assumed by schedules of this account."""
    ours = {"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}}
    return iam.Role(
        scope,
        id_,
        assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com", conditions=ours),
        description=description,
    )


def keep(missed: sqs.Queue) -> scheduler.CfnSchedule.DeadLetterConfigProperty:
    """What failed goes to this queue."""
    return scheduler.CfnSchedule.DeadLetterConfigProperty(arn=missed.queue_arn)
