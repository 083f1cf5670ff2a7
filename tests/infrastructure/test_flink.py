"""What must hold of the profile `full`: one Flink application that makes the bars, and nobody beside it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from speed_layer.engine.flink.main import check, property_groups, statements
from stacks.report import findings
from tests.infrastructure.templates import Templates
from tests.infrastructure.test_permissions import PUT, READ_STREAM

APPLICATION = "AWS::KinesisAnalyticsV2::Application"
SHARDS = 3
"""Of the assembly `full` (assemblies.py)."""


@pytest.fixture(scope="module")
def full(assemblies: Path) -> Templates:
    return Templates.of(assemblies / "full")


@pytest.fixture
def application(full: Templates) -> Mapping[str, Any]:
    return full.one(APPLICATION).properties


@pytest.fixture
def configuration(application: Mapping[str, Any]) -> Mapping[str, Any]:
    held: Mapping[str, Any] = application["ApplicationConfiguration"]
    return held


@pytest.fixture
def groups(configuration: Mapping[str, Any], tmp_path: Path) -> dict[str, dict[str, Any]]:
    """As main.py reads them from what the service writes."""
    file = tmp_path / "application_properties.json"
    file.write_text(json.dumps(configuration["EnvironmentProperties"]["PropertyGroups"]))
    return property_groups(file)


def test_the_application_is_in_the_profile_full_only(full: Templates, templates: Templates) -> None:
    assert "Flink" in full.bodies
    assert "Flink" not in templates.bodies
    assert findings(full.folder) == []


@pytest.mark.parametrize(
    ("profile", "engine", "streams"), [("templates", "python", {"Trades", "Bars"}), ("full", "flink", {"Trades"})]
)
def test_one_engine_makes_the_bars(
    profile: str, engine: str, streams: set[str], request: pytest.FixtureRequest
) -> None:
    templates: Templates = request.getfixturevalue(profile)
    (container,) = templates.one("AWS::ECS::TaskDefinition", "Ingester").properties["ContainerDefinitions"]
    assert {"Name": "BAR_ENGINE", "Value": engine} in container["Environment"]
    written = [t for g in templates.grants("IngesterTaskRole") if PUT & set(g.actions) for t in g.targets]
    assert {stream for stream in ("Trades", "Bars") for target in written if stream in target} == streams


def test_each_subtask_has_one_shard_and_the_service_changes_nothing_of_it(
    configuration: Mapping[str, Any], groups: dict[str, dict[str, Any]], full: Templates
) -> None:
    parallelism = configuration["FlinkApplicationConfiguration"]["ParallelismConfiguration"]
    assert full.one("AWS::Kinesis::Stream", "Trades").properties["ShardCount"] == SHARDS
    assert (parallelism["Parallelism"], parallelism["ParallelismPerKPU"]) == (SHARDS, SHARDS)
    assert parallelism["AutoScalingEnabled"] is False
    assert groups["job"] == {"shards": str(SHARDS)}


def test_it_goes_on_from_the_snapshot_of_its_last_stop(
    application: Mapping[str, Any], configuration: Mapping[str, Any]
) -> None:
    assert configuration["ApplicationSnapshotConfiguration"] == {"SnapshotsEnabled": True}
    restore = application["RunConfiguration"]["ApplicationRestoreConfiguration"]
    assert restore == {"ApplicationRestoreType": "RESTORE_FROM_LATEST_SNAPSHOT"}


def test_its_state_is_saved_every_minute(configuration: Mapping[str, Any]) -> None:
    checkpoints = configuration["FlinkApplicationConfiguration"]["CheckpointConfiguration"]
    assert (checkpoints["CheckpointingEnabled"], checkpoints["CheckpointInterval"]) == (True, 60_000)


def test_it_reads_trades_writes_bars_and_may_do_nothing_else(full: Templates) -> None:
    granted = {action: t for g in full.grants("ApplicationRole") for action in g.actions for t in g.targets}
    assert granted.keys() == READ_STREAM | PUT | {
        *("s3:GetObject", "s3:GetObjectVersion"),
        *("logs:DescribeLogStreams", "logs:PutLogEvents"),
    }
    assert all("Trades" in granted[action] for action in READ_STREAM)
    assert all("Bars" in granted[action] for action in PUT)
    assert all(target != "*" for target in granted.values())


@pytest.mark.fault("F66")
def test_it_begins_at_the_oldest_record_and_never_at_the_latest(full: Templates, groups: dict[str, Any]) -> None:
    assert groups["trades"]["source.init.position"] == "TRIM_HORIZON"
    check(SHARDS, SHARDS, "UTC", groups["trades"])
    assert '"LATEST"' not in json.dumps(full.bodies)


def test_its_tables_are_the_platforms_streams(groups: dict[str, dict[str, Any]]) -> None:
    assert "Trades" in json.dumps(groups["trades"]["stream.arn"])
    assert "Bars" in json.dumps(groups["bars"]["stream.arn"])
    texts = {name: {key: str(value) for key, value in groups[name].items()} for name in ("trades", "bars")}
    job = "\n".join(statements("kinesis", texts["trades"], texts["bars"]))
    assert "'source.init.position' = 'TRIM_HORIZON'" in job
    assert "${" not in job


def test_what_the_service_runs_is_in_the_zip(groups: dict[str, dict[str, Any]]) -> None:
    options = groups["kinesis.analytics.flink.run.options"]
    assert options == {"python": "main.py", "jarfile": "lib/connector.jar"}
