"""The state machine of a trade date's night, and the clocks that start it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from aws_cdk import ArnFormat, Token
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.constructs.clock import EXACTLY, TRIED, ZONE, clock_role, keep, missed_starts
from stacks.constructs.log_group import log_group
from stacks.constructs.nag import acknowledge
from stacks.constructs.rights import Right, grant, send, wait_for_policy
from stacks.constructs.target import TargetedStack

SCHEDULES = {
    "AfterPostMarket": ("cron(15 20 ? * MON-FRI *)", 0),
    "NextMorning": ("cron(30 6 ? * TUE-SAT *)", 1),
}
"""New York time, and how many sessions back: the day's own date, and once more when what came late is there. Both are
there all year, for the machine's first state knows holidays."""


class Nightly(Construct):
    """One definition everywhere; `substitutions`: what is put in for `${...}` on AWS, and what in the emulator."""

    def __init__(
        self,
        scope: TargetedStack,
        id_: str,
        *,
        definition: Path,
        substitutions: Mapping[str, tuple[str, str]],
        rights: Iterable[Right],
        retention_days: int,
    ) -> None:
        super().__init__(scope, id_)
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("states.amazonaws.com"),
            description="Runs a trade date's night: calls its functions and submits its jobs.",
        )
        grant(role, rights)
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            role=role,
            definition_body=sfn.DefinitionBody.from_string(
                json.dumps(json.loads(definition.read_text(encoding="utf-8")), separators=(",", ":"))
            ),
            definition_substitutions={
                name: Token.as_string(scope.on_aws(on_aws, locally=locally))
                for name, (on_aws, locally) in substitutions.items()
            },
            logs=sfn.LogOptions(
                destination=log_group(self, "Logs", retention_days),
                level=sfn.LogLevel.ALL,
                include_execution_data=False,
            ),
            tracing_enabled=True,
        )
        wait_for_policy(self.machine, role)
        acknowledge(
            role,
            {
                "AwsSolutions::AwsSolutions-IAM5[Resource::*]": "Log deliveries, X-Ray segments and the look at a job "
                "that runs have no resource that a policy could name.",
            },
        )
        self._start_by_the_clock(scope)

    def _start_by_the_clock(self, scope: TargetedStack) -> None:
        """On AWS only: the platform on one machine starts a night when its feed's session has ended."""
        self.missed = missed = missed_starts(self)
        role = clock_role(self, "ClockRole", "Starts the night's state machine, and keeps the starts that failed.")
        grant(
            role,
            [
                Right(
                    iam.PolicyStatement(actions=["states:StartExecution"], resources=[self.machine.state_machine_arn])
                ),
                send(missed),
            ],
        )
        for name, (expression, back) in SCHEDULES.items():
            scheduler.CfnSchedule(
                self,
                name,
                schedule_expression=expression,
                schedule_expression_timezone=ZONE,
                state=Token.as_string(scope.on_aws("ENABLED", locally="DISABLED")),
                flexible_time_window=EXACTLY,
                target=scheduler.CfnSchedule.TargetProperty(
                    arn=self.machine.state_machine_arn,
                    role_arn=role.role_arn,
                    input=json.dumps({"at": "<aws.scheduler.scheduled-time>", "back": back}),
                    dead_letter_config=keep(missed),
                    retry_policy=TRIED,
                ),
            )


def activity(stack: TargetedStack, name: str) -> str:
    """ARN of an activity, which a process takes and does: what stands in for functions and jobs in the emulator."""
    return stack.format_arn(
        service="states", resource="activity", arn_format=ArnFormat.COLON_RESOURCE_NAME, resource_name=name
    )


def run_jobs(stack: TargetedStack, queue: str, definition: str) -> tuple[Right, ...]:
    """Submit jobs of one definition to one queue and wait for their end, as `batch:submitJob.sync` does."""
    rule = stack.format_arn(service="events", resource="rule", resource_name="StepFunctionsGetEventsForBatchJobsRule")
    events = [f"events:{action}" for action in ("DescribeRule", "PutRule", "PutTargets")]
    return (
        Right(iam.PolicyStatement(actions=["batch:SubmitJob"], resources=[queue, definition])),
        Right(iam.PolicyStatement(actions=["batch:DescribeJobs", "batch:TerminateJob"], resources=["*"])),
        Right(iam.PolicyStatement(actions=events, resources=[rule])),
    )
