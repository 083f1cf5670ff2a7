"""The session clock: a planner in the morning, and the schedules that it makes for the day."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnOutput, Token
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from stacks.constructs.assets import Assets
from stacks.constructs.clock import EXACTLY, TRIED, ZONE, clock_role, keep, missed_starts
from stacks.constructs.function import ServiceFunction
from stacks.constructs.rights import Right, grant, invoke, send
from stacks.constructs.target import TargetedStack
from stacks.flink import FlinkStack
from stacks.settings import Settings
from stacks.speed import SESSIONS, SpeedStack

MORNING = "cron(15 3 ? * * *)"
"""New York time, a quarter of an hour before the first order: the tries of a plan that fails take three minutes."""


class ClockStack(TargetedStack):
    """Deployed after what it starts and stops. On AWS only: the platform on one machine runs while it is asked to."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        assets: Assets,
        speed: SpeedStack,
        flink: FlinkStack | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, id_, **kwargs)
        self.missed = missed_starts(self)
        orders = clock_role(self, "OrdersRole", "Starts and stops the ingester and Flink, as the planner has written.")
        service = speed.ingester
        grant(
            orders,
            [
                Right(iam.PolicyStatement(actions=["ecs:UpdateService"], resources=[service.service_arn])),
                *([flink.start_and_stop()] if flink else []),
                send(self.missed),
            ],
        )
        group = scheduler.CfnScheduleGroup(self, "Orders", name=f"condvest-{settings.environment}-orders")
        self._planner = ServiceFunction(
            self,
            "Planner",
            assets=assets,
            name="planner",
            description="Session table to the schedules of the day.",
            environment={
                "SESSIONS": SESSIONS,
                "SCHEDULE_GROUP": group.ref,
                "CLOCK_ROLE": orders.role_arn,
                "MISSED_QUEUE": self.missed.queue_arn,
                "INGESTER_CLUSTER": service.cluster.cluster_name,
                "INGESTER_SERVICE": service.service_name,
                **({"FLINK_APPLICATION": flink.application.ref} if flink else {}),
            },
            rights=[self._write_schedules(group), self._hand_on(orders)],
            retention_days=settings.log_retention_days,
            dead_letters=self.missed,
        )
        self._every_morning()
        what = "To plan what is left of today by hand."
        CfnOutput(self, "PlannerName", value=self._planner.function.function_name, description=what)

    def _write_schedules(self, group: scheduler.CfnScheduleGroup) -> Right:
        """Make schedules of one group; change and delete none."""
        arn = self.format_arn(service="scheduler", resource="schedule", resource_name=f"{group.ref}/*")
        here = "arn:<AWS::Partition>:scheduler:<AWS::Region>:<AWS::AccountId>"
        reported = f"{here}:schedule/<{self.get_logical_id(group)}>/*"
        return Right(
            iam.PolicyStatement(actions=["scheduler:CreateSchedule"], resources=[arn]),
            {
                f"AwsSolutions::AwsSolutions-IAM5[Resource::{reported}]": "Names of schedules hold dates that only "
                "exist at run time: the group, which holds nothing else, is the boundary.",
            },
        )

    def _hand_on(self, role: iam.Role) -> Right:
        """Give schedules one role to act in."""
        only = {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}}
        return Right(iam.PolicyStatement(actions=["iam:PassRole"], resources=[role.role_arn], conditions=only))

    def _every_morning(self) -> None:
        """All days: the planner knows which of them have a session."""
        role = clock_role(self, "MorningRole", "Calls the planner in the morning.")
        grant(role, [invoke(self._planner.function), send(self.missed)])
        scheduler.CfnSchedule(
            self,
            "Morning",
            schedule_expression=MORNING,
            schedule_expression_timezone=ZONE,
            state=Token.as_string(self.on_aws("ENABLED", locally="DISABLED")),
            flexible_time_window=EXACTLY,
            target=scheduler.CfnSchedule.TargetProperty(
                arn=self._planner.function.function_arn,
                role_arn=role.role_arn,
                dead_letter_config=keep(self.missed),
                retry_policy=TRIED,
            ),
        )
