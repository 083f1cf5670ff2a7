"""What must hold of push: reached by its load balancer only, replaced without a gap, and it may only read."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from serving_layer.push.settings import PushSettings
from tests.infrastructure.templates import Templates


@pytest.fixture
def service(templates: Templates) -> Mapping[str, Any]:
    return templates.one("AWS::ECS::Service", "Push").properties


@pytest.fixture
def task(templates: Templates) -> Mapping[str, Any]:
    return templates.one("AWS::ECS::TaskDefinition", "Push").properties


@pytest.fixture
def container(task: Mapping[str, Any]) -> Mapping[str, Any]:
    (only,) = task["ContainerDefinitions"]
    container: Mapping[str, Any] = only
    return container


@pytest.fixture
def balancer(templates: Templates) -> Mapping[str, Any]:
    return templates.one("AWS::ElasticLoadBalancingV2::LoadBalancer").properties


@pytest.fixture
def targets(templates: Templates) -> Mapping[str, Any]:
    return templates.one("AWS::ElasticLoadBalancingV2::TargetGroup").properties


def attributes(listed: list[Mapping[str, Any]]) -> dict[str, Any]:
    return {pair["Key"]: pair["Value"] for pair in listed}


def test_the_new_push_starts_before_the_old_one_stops(service: Mapping[str, Any]) -> None:
    deployment = service["DeploymentConfiguration"]
    assert (deployment["MinimumHealthyPercent"], deployment["MaximumPercent"]) == (100, 200)
    assert deployment["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}


def test_it_is_reached_by_the_load_balancer_and_waits_for_its_listener(
    service: Mapping[str, Any], templates: Templates
) -> None:
    (entrance,) = service["LoadBalancers"]
    assert entrance["ContainerPort"] == 8080
    assert entrance["TargetGroupArn"] == {"Ref": templates.one("AWS::ElasticLoadBalancingV2::TargetGroup").id}
    waits = templates.one("AWS::ECS::Service", "Push").body["DependsOn"]
    assert templates.one("AWS::ElasticLoadBalancingV2::Listener").id in waits
    assert any(name.startswith("PushTaskRoleDefaultPolicy") for name in waits)


def test_the_load_balancer_is_internal_and_logs_who_comes(balancer: Mapping[str, Any]) -> None:
    assert balancer["Scheme"] == "internal"
    assert all("isolated" in json.dumps(subnet) for subnet in balancer["Subnets"])
    held = attributes(balancer["LoadBalancerAttributes"])
    assert held["access_logs.s3.enabled"] == "true"
    assert "LogBucket" in json.dumps(held["access_logs.s3.bucket"])
    assert held["routing.http.drop_invalid_header_fields.enabled"] == "true"


def test_a_silent_connection_outlives_the_pings(balancer: Mapping[str, Any]) -> None:
    assert int(attributes(balancer["LoadBalancerAttributes"])["idle_timeout.timeout_seconds"]) >= 600


def test_a_task_is_asked_for_its_health_and_leaves_quickly(targets: Mapping[str, Any]) -> None:
    assert (targets["HealthCheckPath"], targets["Port"], targets["TargetType"]) == ("/health", 8080, "ip")
    assert int(attributes(targets["TargetGroupAttributes"])["deregistration_delay.timeout_seconds"]) <= 10


def test_cloudfront_calls_the_load_balancer_by_a_vpc_origin(templates: Templates) -> None:
    origin = templates.one("AWS::CloudFront::VpcOrigin").properties["VpcOriginEndpointConfig"]
    assert origin["Arn"] == {"Ref": templates.one("AWS::ElasticLoadBalancingV2::LoadBalancer").id}
    assert (origin["HTTPPort"], origin["OriginProtocolPolicy"]) == (80, "http-only")
    assert templates.one("AWS::ElasticLoadBalancingV2::Listener").properties["Port"] == 80


def test_it_runs_on_arm64(task: Mapping[str, Any]) -> None:
    assert task["RuntimePlatform"] == {"CpuArchitecture": "ARM64", "OperatingSystemFamily": "LINUX"}


def test_its_command_is_the_push_module(container: Mapping[str, Any]) -> None:
    assert container["Command"] == ["python", "-m", "serving_layer.push"]


def test_it_holds_no_secret(container: Mapping[str, Any], templates: Templates) -> None:
    assert "Secrets" not in container
    granted = [action for grant in templates.grants("PushTask") for action in grant.actions]
    assert not [action for action in granted if action.startswith("secretsmanager:")]


def test_every_variable_is_one_that_push_reads(container: Mapping[str, Any]) -> None:
    given = {pair["Name"]: pair["Value"] for pair in container["Environment"]}
    fields = msgspec.structs.fields(PushSettings)
    assert {field.name.upper() for field in fields if field.required} <= given.keys()
    assert given.keys() - {field.name.upper() for field in fields} == {"LOG_LEVEL", "AWS_DEFAULT_REGION"}
    assert (given["HOST"], given["PORT"]) == ("0.0.0.0", "8080")  # noqa: S104 - what a container has to listen on


def test_it_leaves_the_other_readers_their_share_of_a_shard(container: Mapping[str, Any]) -> None:
    """Five reads a second: Lambda takes one for each of its mappings, and one more is left for a second look."""
    given = {pair["Name"]: pair["Value"] for pair in container["Environment"]}
    assert float(given["POLL_SECONDS"]) >= 1.0
