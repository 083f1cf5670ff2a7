"""What we rely on in the emulator, against the real one: deploy, read back, what outlives a stop or a kill."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_dev.runtime.deploy import DeployFailed, clients, deploy
from local_dev.runtime.deployment import Authorizer, Deployment
from local_dev.runtime.emulator_gaps import Clients
from local_dev.runtime.processes import Supervisor
from local_dev.runtime.readback import read_deployment
from local_dev.runtime.servers import Emulator, start_emulator, stop_emulator
from local_dev.runtime.synth import Template

SMALL = Template("small", json.loads(Path(__file__).with_name("small_template.json").read_text()))


class Machine:
    """One state folder, and the emulator that runs on it now."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.start()

    def start(self) -> None:
        self.supervisor = Supervisor(self.state / "logs")
        self.emulator: Emulator = start_emulator(self.supervisor, self.state)
        self.client: Clients = clients(self.emulator.url)

    def stop(self) -> None:
        stop_emulator(self.supervisor, self.emulator)
        self.supervisor.stop()

    def kill(self) -> None:
        os.kill(self.emulator.child.pid, signal.SIGKILL)
        self.supervisor.stop()

    @property
    def table(self) -> str:
        return str(self.client("dynamodb").list_tables()["TableNames"][0])

    @property
    def bucket(self) -> str:
        return str(self.client("s3").list_buckets()["Buckets"][0]["Name"])


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Machine, Deployment]]:
    machine = Machine(tmp_path_factory.mktemp("state"))
    deploy(machine.client, [SMALL])
    yield machine, read_deployment(machine.client)
    machine.stop()


def test_functions_come_back_with_handler_environment_and_limits(deployed: tuple[Machine, Deployment]) -> None:
    machine, deployment = deployed
    api = deployment.function_of("serving_layer.api.handler")
    assert api.handler == "serving_layer.api.handler.lambda_handler"
    assert api.environment == {"BARS_TABLE": machine.table, "CACHE_ENDPOINT": "local"}
    assert (api.timeout_s, api.memory_mb) == (20, 512)
    assert deployment.function_of("speed_layer.live.handler").timeout_s == 3
    with pytest.raises(LookupError, match=r"function for speed_layer\.archive\.handler, they hold 0"):
        deployment.function_of("speed_layer.archive.handler")


def test_the_mapping_comes_back_whole_and_the_emulators_own_poller_is_off(
    deployed: tuple[Machine, Deployment],
) -> None:
    machine, deployment = deployed
    (mapping,) = deployment.mappings
    assert mapping.function == deployment.function_of("speed_layer.live.handler").name
    assert mapping.stream == machine.client("kinesis").list_streams()["StreamNames"][0]
    assert mapping.stream_arn.endswith(mapping.stream)
    assert (mapping.batch_size, mapping.window_s, mapping.starting_position) == (500, 1, "TRIM_HORIZON")
    assert (mapping.bisect, mapping.max_attempts, mapping.max_record_age_s) == (True, 10, 21600)
    assert mapping.report_item_failures
    assert mapping.on_failure_arn == f"arn:aws:s3:::{machine.bucket}"
    (own,) = machine.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert own["State"] == "Disabled"


def test_the_api_comes_back_with_routes_authoriser_and_responses(deployed: tuple[Machine, Deployment]) -> None:
    api = deployed[1].api
    assert (api.stage, api.binary_media_types) == ("prod", ("*/*",))
    routes = {(route.method, route.path): route for route in api.routes}
    assert routes.keys() == {("GET", "/health"), ("GET", "/{ticker}")}
    auth = deployed[1].function_of("serving_layer.auth.handler").name
    assert routes["GET", "/health"].authorizer is None
    assert routes["GET", "/{ticker}"].authorizer == Authorizer(auth, (), 0)
    assert (routes["GET", "/health"].timeout_s, routes["GET", "/{ticker}"].timeout_s) == (29.0, 15.0)
    assert routes["GET", "/health"].function == deployed[1].function_of("serving_layer.api.handler").name
    (response,) = api.responses.values()
    assert (response.kind, response.status, response.headers) == (
        "MISSING_AUTHENTICATION_TOKEN",
        404,
        {"X-Kind": "'none'"},
    )
    assert response.template == '{"error":$context.error.messageString}'


def test_the_container_comes_back_with_command_and_environment(deployed: tuple[Machine, Deployment]) -> None:
    container = deployed[1].container_of("speed_layer.ingest")
    assert container.command == ("python", "-m", "speed_layer.ingest")
    assert container.environment == {"TRADES_STREAM": deployed[1].mappings[0].stream, "SHARDS": "2"}


def test_time_to_live_is_on_although_the_emulator_ignores_it_in_templates(
    deployed: tuple[Machine, Deployment],
) -> None:
    machine = deployed[0]
    assert machine.client("dynamodb").describe_time_to_live(TableName=machine.table)["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "ENABLED",
        "AttributeName": "ttl",
    }


def test_deploying_the_same_again_changes_nothing(deployed: tuple[Machine, Deployment]) -> None:
    machine, deployment = deployed
    deploy(machine.client, [SMALL])
    assert read_deployment(machine.client) == deployment


def test_a_changed_template_is_an_update_that_keeps_data(deployed: tuple[Machine, Deployment]) -> None:
    machine, _ = deployed
    machine.client("dynamodb").put_item(TableName=machine.table, Item={"sym": {"S": "A"}, "t": {"N": "1"}})
    body: dict[str, Any] = json.loads(json.dumps(SMALL.body))
    body["Resources"]["Live"]["Properties"]["Timeout"] = 60
    deploy(machine.client, [Template("small", body)])
    changed = read_deployment(machine.client)
    assert changed.function_of("speed_layer.live.handler").timeout_s == 60
    assert machine.client("dynamodb").scan(TableName=machine.table)["Count"] == 1
    deploy(machine.client, [SMALL])


def test_a_type_the_emulator_does_not_know_is_refused_by_name(deployed: tuple[Machine, Deployment]) -> None:
    body = {"Resources": {"Gateway": {"Type": "AWS::EC2::NatGateway", "Properties": {"SubnetId": "s"}}}}
    with pytest.raises(DeployFailed, match=r"stack refused .*AWS::EC2::NatGateway"):
        deploy(deployed[0].client, [Template("refused", body)])


def test_a_template_too_large_for_one_request_is_deployed_all_the_same(deployed: tuple[Machine, Deployment]) -> None:
    body = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Metadata": {"padding": "x" * 60_000}}},
    }
    deploy(deployed[0].client, [Template("large", body)])
    assert len(deployed[0].client("sns").list_topics()["Topics"]) == 1


def test_a_clean_stop_brings_everything_back(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    deploy(machine.client, [SMALL])
    before = read_deployment(machine.client)
    stream, table = before.mappings[0].stream, machine.table
    machine.client("s3").put_object(Bucket=machine.bucket, Key="raw/a", Body=b"abc")
    machine.client("dynamodb").put_item(TableName=table, Item={"sym": {"S": "A"}, "t": {"N": "1"}})
    put = machine.client("kinesis").put_record(StreamName=stream, Data=b"\x00frame", PartitionKey="x")
    machine.stop()
    machine.start()
    assert machine.emulator.restored
    assert read_deployment(machine.client) == before
    assert machine.client("s3").get_object(Bucket=machine.bucket, Key="raw/a")["Body"].read() == b"abc"
    assert machine.client("dynamodb").scan(TableName=table)["Count"] == 1
    iterator = machine.client("kinesis").get_shard_iterator(
        StreamName=stream, ShardId=put["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    (record,) = machine.client("kinesis").get_records(ShardIterator=iterator)["Records"]
    assert (record["Data"], record["SequenceNumber"]) == (b"\x00frame", put["SequenceNumber"])
    machine.stop()


def test_a_kill_leaves_the_objects_and_nothing_older(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    deploy(machine.client, [SMALL])
    bucket, table = machine.bucket, machine.table
    machine.client("dynamodb").put_item(TableName=table, Item={"sym": {"S": "A"}, "t": {"N": "1"}})
    machine.stop()
    machine.start()  # what it finds now must not come back a second time
    machine.client("s3").put_object(Bucket=bucket, Key="raw/a", Body=b"abc")
    machine.kill()
    machine.start()
    assert not machine.emulator.restored
    assert machine.client("s3").get_object(Bucket=bucket, Key="raw/a")["Body"].read() == b"abc"
    assert machine.client("dynamodb").list_tables()["TableNames"] == []
    assert machine.client("cloudformation").describe_stacks()["Stacks"] == []
    machine.stop()


def test_a_snapshot_cut_short_does_not_count(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    deploy(machine.client, [SMALL])
    machine.supervisor.stop()  # it writes its snapshot, but nobody says that it is whole
    assert list((tmp_path / "emulator" / "snapshot").glob("*.json"))
    machine.start()
    assert not machine.emulator.restored
    assert machine.client("dynamodb").list_tables()["TableNames"] == []
    machine.stop()
