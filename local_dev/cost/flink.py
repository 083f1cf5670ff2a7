"""Managed Flink: units of an application and one more for its orchestration, while it runs."""

import math

from local_dev.cost.assembly import Resource, number
from local_dev.cost.line import HOURS, Lines, Month

APPLICATION = "AWS::KinesisAnalyticsV2::Application"
SERVICE = "Managed Flink"
ORCHESTRATION = 1
STORAGE_GB = 50
"""Of each unit of the application while it runs."""
SNAPSHOT_GB = 1


def application(resource: Resource, month: Month) -> Lines:
    configuration = resource.properties["ApplicationConfiguration"]["FlinkApplicationConfiguration"]
    parallel = configuration["ParallelismConfiguration"]
    units = math.ceil(number(parallel.get("Parallelism"), 1) / number(parallel.get("ParallelismPerKPU"), 1))
    hours = month.hours(resource)
    counted = f"{units} + {ORCHESTRATION} units"
    yield month.line(resource, SERVICE, counted, hours * (units + ORCHESTRATION), "flink_kpu_hour")
    yield month.line(resource, SERVICE, "running storage", units * STORAGE_GB * hours / HOURS, "flink_storage")
    yield month.line(resource, SERVICE, "snapshots", SNAPSHOT_GB, "flink_snapshots")


PRICED = {APPLICATION: application}
