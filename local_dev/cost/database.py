"""Aurora Serverless: capacity while it is awake, storage, I/O, and the password that RDS keeps."""

from local_dev.cost.assembly import Resource, number
from local_dev.cost.callers import MACHINE, nights
from local_dev.cost.line import HOURS, MILLION, Lines, Month

SERVICE = "Aurora"
LEAST_AWAKE = 0.5
"""Capacity units of a database that is awake."""
CLUSTER = "AWS::RDS::DBCluster"


def cluster(resource: Resource, month: Month) -> Lines:
    """Awake while the API is asked, and for the nights; always, where its least capacity is not 0."""
    load = month.load
    scaling = resource.properties.get("ServerlessV2ScalingConfiguration")
    if scaling is None:
        raise ValueError(f"no price known for the cluster {resource.stack} {resource.id}: it is not serverless")
    least, most = number(scaling.get("MinCapacity"), LEAST_AWAKE), number(scaling.get("MaxCapacity"), 1)
    after = sum(nights(month, machine) for machine in month.assembly.of(MACHINE)) * load.night_hours
    awake = month.open_s / 3600 * bool(load.api_requests) + after if least == 0 else HOURS
    units = min(most, max(least, LEAST_AWAKE, load.database_units_awake))
    writers = len(list(month.assembly.callers_of(resource, "AWS::RDS::DBInstance")))
    yield month.line(resource, SERVICE, f"{awake:.0f} h awake", writers * awake * units, "aurora_acu_hour")
    yield month.line(resource, SERVICE, "storage", load.database_gb, "aurora_storage")
    yield month.line(resource, SERVICE, "I/O", load.database_io / MILLION, "aurora_io")
    if number(resource.properties.get("BackupRetentionPeriod"), 1) > 1:
        yield month.line(resource, SERVICE, "backups", load.database_gb, "aurora_backup")
    if resource.properties.get("ManageMasterUserPassword"):
        yield month.line(resource, "Secrets Manager", "password of the database", 1, "secret")


def instance(resource: Resource, month: Month) -> Lines:
    """Priced with its cluster. Raises ValueError for another class than serverless."""
    if resource.properties.get("DBInstanceClass") != "db.serverless" or not any(
        resource.mentions(held) for held in month.assembly.of(CLUSTER)
    ):
        raise ValueError(f"no price known for the database instance {resource.stack} {resource.id}")
    return iter(())


PRICED = {CLUSTER: cluster, "AWS::RDS::DBInstance": instance}
