"""Fargate: services of ECS for the hours that they run, jobs of AWS Batch for the hours of a night; their images."""

from collections.abc import Mapping
from typing import Any

from local_dev.cost.assembly import Resource, number
from local_dev.cost.callers import MACHINE, nights
from local_dev.cost.line import Lines, Month

TASK, DEFINITION = "AWS::ECS::TaskDefinition", "AWS::Batch::JobDefinition"
IMAGE_GB = 0.2


def service(resource: Resource, month: Month) -> Lines:
    """One task unless `DesiredCount` says otherwise; a clock may start and stop it."""
    task = next(month.assembly.called_by(resource, TASK))
    hours = month.hours(resource) * number(resource.properties.get("DesiredCount"), 1)
    cpus, memory_gb = number(task.properties["Cpu"], 0) / 1024, number(task.properties["Memory"], 0) / 1024
    platform = task.properties.get("RuntimePlatform", {})
    yield from _fargate(resource, month, "service", hours=hours, size=(cpus, memory_gb), platform=platform)
    network = resource.properties["NetworkConfiguration"]["AwsvpcConfiguration"]
    if network.get("AssignPublicIp") == "ENABLED":
        yield month.line(resource, "VPC", "public address of a service", hours, "public_ipv4_hour")


def job(resource: Resource, month: Month) -> Lines:
    """Of the night, for each of its starts; of a definition that no machine submits, the hours of backfills."""
    machines = list(month.assembly.callers_of(resource, MACHINE))
    hours = sum(nights(month, machine) for machine in machines) * month.load.night_job_hours
    if not machines:
        hours = month.load.backfill_hours
    held = resource.properties["ContainerProperties"]
    size = {need["Type"]: number(need["Value"], 0) for need in held["ResourceRequirements"]}
    amounts = size["VCPU"], size["MEMORY"] / 1024
    platform = held.get("RuntimePlatform", {})
    yield from _fargate(resource, month, "jobs", hours=hours, size=amounts, platform=platform)
    if held.get("NetworkConfiguration", {}).get("AssignPublicIp") == "ENABLED":
        yield month.line(resource, "VPC", "public address of jobs", hours, "public_ipv4_hour")


def image(resource: Resource, month: Month) -> Lines:
    """Kept in the registry; who runs it is priced above."""
    yield month.line(resource, "ECR", "image", IMAGE_GB, "ecr_storage")


def _fargate(
    resource: Resource, month: Month, what: str, *, hours: float, size: tuple[float, float], platform: Mapping[str, Any]
) -> Lines:
    kind = "arm" if platform.get("CpuArchitecture") == "ARM64" else "x86"
    cpus, memory_gb = size
    yield month.line(resource, "Fargate", f"processors of {what}", hours * cpus, f"fargate_{kind}_vcpu_hour")
    yield month.line(resource, "Fargate", f"memory of {what}", hours * memory_gb, f"fargate_{kind}_gb_hour")


PRICED = {"AWS::ECS::Service": service, TASK: image, DEFINITION: job}
