"""What no rule of the security packs looks at, in both profiles."""

import json
from pathlib import Path

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from local_dev.cost.synthesis import PROFILES
from stacks.audit.reading import Reading
from stacks.audit.rights import Grant, grants
from stacks.settings import NUMBERS, Settings
from stacks.synth import templates
from tests.infrastructure.templates import Resource, Templates


@pytest.fixture(scope="module", params=PROFILES)
def profile(request: pytest.FixtureRequest, profiles: dict[str, Path]) -> Path:
    return profiles[request.param]


@pytest.fixture(scope="module")
def deployed(profile: Path) -> Templates:
    return Templates.of(profile)


@pytest.fixture(scope="module")
def reading(profile: Path) -> Reading:
    return Reading.of(templates(profile))


def test_the_cache_is_reached_by_its_users_alone_and_cannot_grow_without_end(deployed: Templates) -> None:
    cache = deployed.one("AWS::ElastiCache::ServerlessCache").properties
    group = deployed.one("AWS::ElastiCache::UserGroup").properties
    assert cache["UserGroupId"] == group["UserGroupId"]
    users = {user.properties["UserId"]: user.properties for user in deployed.resources("AWS::ElastiCache::User")}
    assert set(group["UserIds"]) == users.keys()
    assert "default" not in {user["UserName"] for user in users.values()}
    for user in users.values():
        assert user["AuthenticationMode"] == {"Type": "iam"}
        assert not {"Passwords", "NoPasswordRequired"} & user.keys()
        assert "-@dangerous" in user["AccessString"].split()
    limits = cache["CacheUsageLimits"]
    assert (limits["DataStorage"], limits["ECPUPerSecond"]) == ({"Unit": "GB", "Maximum": 1}, {"Maximum": 5000})


def test_the_cache_keeps_nothing_that_anybody_would_need_again(deployed: Templates) -> None:
    """No snapshots, as decided; encryption at rest is then AWS's own key, and in flight it cannot be switched off."""
    cache = deployed.one("AWS::ElastiCache::ServerlessCache").properties
    assert not {"SnapshotRetentionLimit", "DailySnapshotTime", "SnapshotArnsToRestore", "KmsKeyId"} & cache.keys()
    assert all("isolated" in json.dumps(subnet) for subnet in cache["SubnetIds"])


def test_nothing_with_a_public_address_can_be_connected_to_but_through_the_balancer(
    deployed: Templates, reading: Reading
) -> None:
    public: set[str] = set()
    for service in deployed.resources("AWS::ECS::Service"):
        network = service.properties["NetworkConfiguration"]["AwsvpcConfiguration"]
        assert network["AssignPublicIp"] == "ENABLED"
        public |= {reading.text(service.stack, group) for group in network["SecurityGroups"]}
    for fleet in deployed.resources("AWS::Batch::ComputeEnvironment"):
        groups = fleet.properties["ComputeResources"]["SecurityGroupIds"]
        public |= {reading.text(fleet.stack, group) for group in groups}
    assert public == {f"Network.{name}Group.GroupId" for name in ("Ingester", "Push", "Job")}
    ways = [
        [reading.text(rule.stack, rule.properties[end]) for end in ("SourceSecurityGroupId", "GroupId")]
        for rule in deployed.resources("AWS::EC2::SecurityGroupIngress")
        if reading.text(rule.stack, rule.properties["GroupId"]) in public
    ]
    assert ways == [["Network.PushBalancerGroup.GroupId", "Network.PushGroup.GroupId"]]


def test_no_answer_lets_a_page_of_another_site_read_it(deployed: Templates) -> None:
    for template in deployed.bodies.values():
        assert "access-control-" not in json.dumps(template).lower()
    assert [
        m.id for m in deployed.resources("AWS::ApiGateway::Method") if m.properties["HttpMethod"] == "OPTIONS"
    ] == []
    assert [b.id for b in deployed.resources("AWS::S3::Bucket") if "CorsConfiguration" in b.properties] == []
    for policy in deployed.resources("AWS::CloudFront::ResponseHeadersPolicy"):
        assert "CorsConfig" not in policy.properties["ResponseHeadersPolicyConfig"]
    assert deployed.resources("AWS::Lambda::Url") == []


def test_jobs_run_on_fargate_in_a_bounded_number(deployed: Templates) -> None:
    fleets = [fleet.properties for fleet in deployed.resources("AWS::Batch::ComputeEnvironment")]
    assert len(fleets) == 2
    for fleet in fleets:
        compute = fleet["ComputeResources"]
        assert compute["Type"] == "FARGATE", "Spot has no ARM64"
        assert 0 < compute["MaxvCpus"] <= 32
        assert not {"Ec2KeyPair", "InstanceRole", "LaunchTemplate"} & compute.keys()
    for job in deployed.resources("AWS::Batch::JobDefinition"):
        assert job.properties["Timeout"]["AttemptDurationSeconds"] <= 24 * 3600
        assert job.properties["RetryStrategy"]["Attempts"] == 1


def test_a_schedule_acts_in_a_role_that_can_do_little_else(deployed: Templates, reading: Reading) -> None:
    rights = grants(reading)
    schedules = deployed.resources("AWS::Scheduler::Schedule")
    assert schedules
    for schedule in schedules:
        target = schedule.properties["Target"]
        role = reading.text(schedule.stack, target["RoleArn"])
        may = {grant.action for grant in rights if grant.principal == role} - {"sqs:SendMessage"}
        assert len(may) == 1, f"{schedule.id}: {may}"
        assert may <= {"lambda:InvokeFunction", "states:StartExecution"}
        assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] <= 24 * 3600


def test_who_makes_bars_on_flink_reads_one_stream_and_writes_another(profiles: dict[str, Path]) -> None:
    held = grants(Reading.of(templates(profiles["full"])))
    streams = {(g.resource, g.action.startswith("kinesis:Put")) for g in held if _is_flink(g, "kinesis:")}
    assert streams == {("Speed.Trades", False), ("Speed.Bars", True)}
    assert {g.action.partition(":")[0] for g in held if _is_flink(g, "")} == {"kinesis", "logs", "s3"}


def _is_flink(grant: Grant, service: str) -> bool:
    return grant.principal == "Flink.ApplicationRole" and grant.action.startswith(service)


def test_every_log_has_an_end(deployed: Templates) -> None:
    groups = deployed.resources("AWS::Logs::LogGroup")
    assert groups
    days = {group.properties["RetentionInDays"] for group in groups}
    assert days == {Settings().log_retention_days}
    assert days <= set(NUMBERS["log_retention_days"])
    writers = [*deployed.resources("AWS::Lambda::Function")]
    assert all("LogGroup" in writer.properties["LoggingConfig"] for writer in writers), "else AWS makes one for ever"


def test_everything_that_can_be_tagged_says_whose_it_is(deployed: Templates) -> None:
    """What can be is what the published schemas say."""
    looked_at = 0
    for resource in deployed.resources():
        if (place := _tags_of(resource)) is not None:
            held = resource.properties[place]
            tags = held if isinstance(held, dict) else {tag["Key"]: tag["Value"] for tag in held}
            assert (tags["project"], tags["environment"]) == ("condvest", "dev"), resource.id
            looked_at += 1
    assert looked_at > 150


def _tags_of(resource: Resource) -> str | None:
    """The property that a type's tags go to; None for a type that has none."""
    if resource.type.startswith("Custom::"):
        return None
    tagging = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource.type).schema.get("tagging", {})
    place: str = tagging.get("tagProperty", "/properties/Tags")
    return place.removeprefix("/properties/") if tagging.get("taggable") else None
