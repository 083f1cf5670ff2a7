"""Writes the day's starts and stops down as one-time schedules.

Every morning by the clock, or by hand (it asks nothing of its event): what is planned already stays as it is, struck or
not, so that nothing is started a second time. Where nothing is left of a day, or it has no session, the ingester is
stopped: a deployment may have started it.
"""

import json
import logging
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from shared.bars.sessions import SessionTable, sessions_named
from shared.bars.windows import new_york_date
from shared.clients.aws import client
from shared.errors import StoreUnavailable
from shared.observability import event as log_event
from shared.observability import logger
from shared.settings import read
from speed_layer.planner.plan import DUE_IN_MS, Order, Process, plan, still_due

TRIED_FOR_S: Final = 3600
TRIES: Final = 20
"""Of an order that AWS refuses; then it is kept for somebody to look at."""
_log = logger("planner")


class PlannerSettings(msgspec.Struct, frozen=True):
    """What is started and stopped, by name, and how: the group of the schedules, the role that they act in, the queue
    (both ARNs) of those that failed. Without `flink_application` there is none."""

    schedule_group: str
    clock_role: str
    missed_queue: str
    ingester_cluster: str
    ingester_service: str
    flink_application: str = ""
    sessions: str = "XNYS"

    def has(self, process: Process) -> bool:
        return process is not Process.FLINK or bool(self.flink_application)


def write_down(orders: Iterable[Order], settings: PlannerSettings, scheduler: Any) -> list[str]:
    """Names of the schedules that were made; of the others there is one already. Raises StoreUnavailable."""
    made = []
    for order in orders:
        try:
            scheduler.create_schedule(**schedule_of(order, settings))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConflictException":
                raise StoreUnavailable(f"schedule {order.name}: {error}") from error
        except BotoCoreError as error:
            raise StoreUnavailable(f"schedule {order.name}: {error}") from error
        else:
            made.append(order.name)
    return made


def schedule_of(order: Order, settings: PlannerSettings) -> dict[str, Any]:
    """What `CreateSchedule` is given."""
    action, asked = _call(order, settings)
    partition = settings.clock_role.split(":")[1]
    return {
        "Name": order.name,
        "GroupName": settings.schedule_group,
        "ScheduleExpression": f"at({datetime.fromtimestamp(order.at // 1000, UTC):%Y-%m-%dT%H:%M:%S})",
        "ScheduleExpressionTimezone": "UTC",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "NONE",  # its name says that it was made
        "Target": {
            "Arn": f"arn:{partition}:scheduler:::aws-sdk:{action}",
            "RoleArn": settings.clock_role,
            "Input": json.dumps(asked),
            "DeadLetterConfig": {"Arn": settings.missed_queue},
            "RetryPolicy": {"MaximumEventAgeInSeconds": TRIED_FOR_S, "MaximumRetryAttempts": TRIES},
        },
    }


def _call(order: Order, settings: PlannerSettings) -> tuple[str, Mapping[str, Any]]:
    """The action of AWS that carries an order out, and what it is given."""
    if order.process is Process.INGESTER:
        service = {"Cluster": settings.ingester_cluster, "Service": settings.ingester_service}
        return "ecs:updateService", {**service, "DesiredCount": int(order.starts)}
    name = {"ApplicationName": settings.flink_application}
    if not order.starts:
        return "kinesisanalyticsv2:stopApplication", {**name, "Force": False}  # a forced stop takes no snapshot
    restore = {"ApplicationRestoreConfiguration": {"ApplicationRestoreType": "RESTORE_FROM_LATEST_SNAPSHOT"}}
    return "kinesisanalyticsv2:startApplication", {**name, "RunConfiguration": restore}


def plan_today(now: int, settings: PlannerSettings, sessions: SessionTable, scheduler: Any) -> dict[str, Any]:
    """Plan the New York date of `now` (Unix ms), as far as it is still ahead. Raises StoreUnavailable."""
    day = new_york_date(now)
    ours = [order for order in plan(day, sessions) if settings.has(order.process)]
    due = list(still_due(ours, now)) or [Order(day, Process.INGESTER, False, now + DUE_IN_MS)]
    made = write_down(due, settings, scheduler)
    log_event(_log, logging.INFO, "planned", day=day.isoformat(), session=bool(ours), made=made)
    return {"day": day.isoformat(), "made": made}


@lru_cache(maxsize=1)
def wire() -> tuple[PlannerSettings, SessionTable, Any]:
    """From this function's environment."""
    settings = read(PlannerSettings)
    return settings, sessions_named(settings.sessions), client("scheduler")


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Trigger: a schedule, before anything has to run."""
    return plan_today(int(time.time() * 1000), *wire())
