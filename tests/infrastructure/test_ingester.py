"""What must hold of the ingester: one at most, unreachable, on ARM64, with its key from a secret."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from speed_layer.ingest.settings import IngestSettings
from tests.infrastructure.templates import Templates


@pytest.fixture
def service(templates: Templates) -> Mapping[str, Any]:
    return templates.one("AWS::ECS::Service", "Ingester").properties


@pytest.fixture
def task(templates: Templates) -> Mapping[str, Any]:
    return templates.one("AWS::ECS::TaskDefinition", "Ingester").properties


@pytest.fixture
def container(task: Mapping[str, Any]) -> Mapping[str, Any]:
    (only,) = task["ContainerDefinitions"]
    container: Mapping[str, Any] = only
    return container


@pytest.mark.fault("F06")
def test_the_old_ingester_stops_before_the_new_one_starts(service: Mapping[str, Any]) -> None:
    deployment = service["DeploymentConfiguration"]
    assert (deployment["MinimumHealthyPercent"], deployment["MaximumPercent"]) == (0, 100)


def test_a_deployment_keeps_the_count_that_the_session_clock_set(service: Mapping[str, Any]) -> None:
    assert "DesiredCount" not in service


def test_it_runs_in_a_public_subnet_without_a_way_in(service: Mapping[str, Any]) -> None:
    network = service["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert network["AssignPublicIp"] == "ENABLED"
    assert all("public" in json.dumps(subnet) for subnet in network["Subnets"])
    assert not service.get("LoadBalancers")
    assert service["LaunchType"] == "FARGATE"


def test_it_runs_on_arm64(task: Mapping[str, Any]) -> None:
    assert task["RuntimePlatform"] == {"CpuArchitecture": "ARM64", "OperatingSystemFamily": "LINUX"}


def test_it_listens_nowhere(container: Mapping[str, Any]) -> None:
    assert "PortMappings" not in container


def test_its_command_is_the_ingest_module(container: Mapping[str, Any]) -> None:
    assert container["Command"] == ["python", "-m", "speed_layer.ingest"]


def test_it_has_time_to_give_its_lease_back(container: Mapping[str, Any]) -> None:
    assert container["StopTimeout"] >= 30


def test_the_vendor_key_is_a_secret_and_no_variable(container: Mapping[str, Any]) -> None:
    (secret,) = container["Secrets"]
    assert secret["Name"] == "POLYGON_API_KEY"
    assert "VendorKey" in json.dumps(secret["ValueFrom"])
    assert "POLYGON_API_KEY" not in [pair["Name"] for pair in container["Environment"]]


def test_every_variable_is_one_the_ingester_reads(container: Mapping[str, Any]) -> None:
    given = {pair["Name"] for pair in container["Environment"]} | {"POLYGON_API_KEY"}
    read = {field.name.upper() for field in msgspec.structs.fields(IngestSettings)}
    required = {field.name.upper() for field in msgspec.structs.fields(IngestSettings) if field.required}
    assert required <= given
    assert given - read <= {"LOG_LEVEL", "METRICS_NAMESPACE", "AWS_DEFAULT_REGION"}


def test_only_its_execution_role_reads_the_secret(templates: Templates) -> None:
    readers = {g.role for g in templates.grants("Ingester") if any(a.startswith("secretsmanager:") for a in g.actions)}
    assert {name.rstrip("0123456789ABCDEF") for name in readers} == {"IngesterTaskExecutionRole"}
