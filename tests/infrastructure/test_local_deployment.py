"""The same templates in the local emulator, by plain CloudFormation with Target=local, read back as its users do."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.httpsession import URLLib3Session

from local_dev.cli.main import main
from local_dev.keys.places import on_aws
from local_dev.runtime.readback import read_deployment
from serving_layer.auth.keys import Caller, KeyCheck, hash_key
from tests.infrastructure.templates import Templates
from tests.infrastructure.test_api import KEY_ROUTES

READY_S = 20.0
Client = Callable[[str], Any]


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Clients of an emulator of our own, on a free port of the loopback."""
    folder = tmp_path_factory.mktemp("emulator")
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "LOG_LEVEL": "WARNING", "TMPDIR": str(folder)}
    environment |= {"IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0", "PATH": os.environ["PATH"]}
    process = subprocess.Popen(
        [sys.executable, "-m", "ministack"], env=environment, cwd=folder, stderr=subprocess.DEVNULL
    )
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    config = Config(connect_timeout=2, read_timeout=20, retries={"total_max_attempts": 2})
    try:
        _await(port, process)
        yield lambda service: boto3.client(service, endpoint_url=f"http://127.0.0.1:{port}", config=config, **keys)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


@pytest.fixture(scope="module")
def statuses(aws: Client, templates: Templates) -> dict[str, str]:
    """Final status of each stack, deployed one after the other."""
    cloudformation = aws("cloudformation")
    final = {}
    for stack in templates.bodies:
        cloudformation.create_stack(
            StackName=f"condvest-dev-{stack.lower()}",
            TemplateBody=(templates.folder / f"{stack}.template.json").read_text(),
            Parameters=[{"ParameterKey": "Target", "ParameterValue": "local"}],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        final[stack] = _settled(cloudformation, f"condvest-dev-{stack.lower()}")
    return final


def _await(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        assert process.poll() is None, "the emulator ended"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the emulator did not start")


def _settled(cloudformation: Any, stack: str) -> str:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        status: str = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        if not status.endswith("IN_PROGRESS"):
            return status
        time.sleep(0.05)
    pytest.fail(f"{stack} did not settle")


def functions(aws: Client) -> dict[str, Any]:
    """Function configurations by module of the handler."""
    client = aws("lambda")
    found = [client.get_function_configuration(FunctionName=f["FunctionName"]) for f in _listed(client)]
    return {config["Handler"].removesuffix(".lambda_handler"): config for config in found}


def _listed(client: Any) -> list[Any]:
    return [f for page in client.get_paginator("list_functions").paginate() for f in page["Functions"]]


def test_every_stack_completes(statuses: dict[str, str]) -> None:
    stacks = ("Storage", "Network", "Database", "Speed", "Clock", "Serving", "Push", "Batch", "Edge", "Monitoring")
    assert statuses == dict.fromkeys(stacks, "CREATE_COMPLETE")


@pytest.mark.usefixtures("statuses")
def test_functions_come_with_handler_and_names_of_what_was_deployed(aws: Client) -> None:
    found = functions(aws)
    assert set(found) == {
        "speed_layer.archive.handler",
        "speed_layer.live.handler",
        "speed_layer.persist.handler",
        "speed_layer.signals.handler",
        "speed_layer.notify.handler",
        "speed_layer.announce.handler",
        "speed_layer.planner.handler",
        "speed_layer.watch.handler",
        "serving_layer.alerts.handler",
        "serving_layer.api.handler",
        "serving_layer.auth.handler",
        "batch_layer.nightly.outside",
        "batch_layer.nightly.inside",
        "batch_layer.migrate",
        "batch_layer.bootstrap",
    }
    variables = found["speed_layer.persist.handler"]["Environment"]["Variables"]
    api = found["serving_layer.api.handler"]["Environment"]["Variables"]
    tables = aws("dynamodb").list_tables()["TableNames"]
    alerts = found["serving_layer.alerts.handler"]["Environment"]["Variables"]["ALERTS_TABLE"]
    read = {api[name] for name in ("BARS_TABLE", "TICKS_TABLE", "SIGNALS_TABLE", "CONTROL_TABLE")}
    assert read | {alerts} == set(tables)
    for module in ("speed_layer.live.handler", "speed_layer.signals.handler"):
        assert found[module]["Environment"]["Variables"]["ALERTS_TABLE"] == alerts
    assert {variables["BARS_TABLE"], variables["CONTROL_TABLE"]} < set(tables)
    topic = found["speed_layer.notify.handler"]["Environment"]["Variables"]["TOPIC_ARN"]
    assert topic in [one["TopicArn"] for one in aws("sns").list_topics()["Topics"]]
    assert variables["BARS_STREAM"] in aws("kinesis").list_streams()["StreamNames"]
    assert variables["LAKE_BUCKET"] in [bucket["Name"] for bucket in aws("s3").list_buckets()["Buckets"]]
    for module in ("serving_layer.api.handler", "speed_layer.signals.handler"):
        cache = found[module]["Environment"]["Variables"]
        assert (cache["CACHE_ENDPOINT"], cache["CACHE_USER"], cache["CACHE_NAME"]) == ("127.0.0.1:6379", "", "")


@pytest.mark.usefixtures("statuses")
def test_no_database_is_started_by_the_emulator_and_none_is_named(aws: Client) -> None:
    """With Docker it would run a container for each: here PostgreSQL is a process of ours, whose address is given."""
    assert aws("rds").describe_db_clusters()["DBClusters"] == []
    assert aws("rds").describe_db_instances()["DBInstances"] == []
    api = functions(aws)["serving_layer.api.handler"]["Environment"]["Variables"]
    assert (api["POSTGRES_HOST"], api["POSTGRES_USER"], api["POSTGRES_PORT"]) == ("", "", "5433")


@pytest.mark.usefixtures("statuses")
def test_mappings_keep_every_rule_that_a_poller_has_to_follow(aws: Client) -> None:
    client = aws("lambda")
    names = {f["FunctionName"]: f["Handler"].split(".")[1] for f in _listed(client)}
    mappings = client.list_event_source_mappings()["EventSourceMappings"]
    found = {names[m["FunctionArn"].rpartition(":")[2]]: m for m in mappings}
    assert {name: (m["BatchSize"], m["MaximumBatchingWindowInSeconds"]) for name, m in found.items()} == {
        "archive": (1000, 1),
        "live": (500, 0),
        "persist": (100, 0),
        "signals": (100, 0),
        "notify": (100, 0),
        "announce": (100, 0),
    }
    for name, mapping in found.items():
        assert mapping["StartingPosition"] == "TRIM_HORIZON"
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["BisectBatchOnFunctionError"] is True
        assert mapping["MaximumRetryAttempts"] == (-1 if name == "signals" else 10)
        assert mapping["MaximumRecordAgeInSeconds"] == 21_600
        assert mapping["DestinationConfig"]["OnFailure"]["Destination"].startswith("arn:aws:s3:::")
    signals = functions(aws)["speed_layer.signals.handler"]["Environment"]["Variables"]["SIGNALS_TABLE"]
    assert (
        found["notify"]["EventSourceArn"]
        == aws("dynamodb").describe_table(TableName=signals)["Table"]["LatestStreamArn"]
    )
    assert found["announce"]["FilterCriteria"]["Filters"] == [
        {"Pattern": '{"eventName":["INSERT"],"dynamodb":{"NewImage":{"kind":{"S":["crossing"]}}}}'}
    ]
    assert found["notify"]["FilterCriteria"]["Filters"] == [{"Pattern": '{"eventName":["INSERT"]}'}]


@pytest.mark.usefixtures("statuses")
def test_routes_come_with_integration_and_authoriser(aws: Client) -> None:
    client = aws("apigateway")
    (api,) = client.get_rest_apis()["items"]
    (authorizer,) = client.get_authorizers(restApiId=api["id"])["items"]
    routes = {
        resource["path"]: methods
        for resource in client.get_resources(restApiId=api["id"], embed=["methods"], limit=500)["items"]
        if (methods := resource.get("resourceMethods"))
    }
    found = functions(aws)
    for path in ("/v1/alerts", "/v1/alerts/fired", "/v1/alerts/{id}"):
        for method in routes.pop(path).values():
            assert found["serving_layer.alerts.handler"]["FunctionArn"] in method["methodIntegration"]["uri"]
            assert (method["authorizationType"], method["authorizerId"]) == ("CUSTOM", authorizer["id"]), path
    function = found["serving_layer.api.handler"]["FunctionArn"]
    for methods in routes.values():
        assert function in methods["GET"]["methodIntegration"]["uri"]
    health = routes.pop("/v1/health")
    assert health["GET"]["authorizationType"] == "NONE"
    assert set(routes) == KEY_ROUTES
    for path, methods in routes.items():
        method = methods["GET"]
        assert (method["authorizationType"], method["authorizerId"]) == ("CUSTOM", authorizer["id"]), path
    assert functions(aws)["serving_layer.auth.handler"]["FunctionArn"] in authorizer["authorizerUri"]
    assert (authorizer["type"], authorizer["authorizerResultTtlInSeconds"]) == ("REQUEST", 0)
    assert [stage["stageName"] for stage in client.get_stages(restApiId=api["id"])["item"]] == ["live"]


@pytest.mark.usefixtures("statuses")
def test_tasks_can_be_read_and_name_what_was_deployed(aws: Client) -> None:
    client = aws("ecs")
    found = {}
    for arn in client.list_task_definitions()["taskDefinitionArns"]:
        (container,) = client.describe_task_definition(taskDefinition=arn)["taskDefinition"]["containerDefinitions"]
        found[container["command"][-1]] = {pair["name"]: pair["value"] for pair in container["environment"]}
    assert set(found) == {"speed_layer.ingest", "serving_layer.push"}
    environment, push = found["speed_layer.ingest"], found["serving_layer.push"]
    streams = aws("kinesis").list_streams()["StreamNames"]
    assert {environment["TRADES_STREAM"], environment["BARS_STREAM"]} == set(streams)
    shards = aws("kinesis").list_shards(StreamName=environment["TRADES_STREAM"])["Shards"]
    assert len(shards) == int(environment["SHARDS"])
    tables = aws("dynamodb").list_tables()["TableNames"]
    assert environment["CONTROL_TABLE"] in tables
    assert {push["BARS_TABLE"], push["CONTROL_TABLE"], push["SIGNALS_TABLE"]} < set(tables)
    assert {push["TRADES_STREAM"], push["BARS_STREAM"]} == set(streams)


@pytest.mark.usefixtures("statuses")
def test_the_night_has_one_machine_whose_every_part_is_an_activity(aws: Client) -> None:
    client = aws("stepfunctions")
    (machine,) = client.list_state_machines()["stateMachines"]
    text = client.describe_state_machine(stateMachineArn=machine["stateMachineArn"])["definition"]
    assert "${" not in text
    assert set(re.findall(r'"Resource": ?"arn:aws:states:us-east-1:\d+:activity:([\w-]+)"', text)) == {
        "nightly-fetch",
        "nightly-load",
        "nightly-job",
        "nightly-api",
    }
    assert text.count('"Resource"') == text.count(":activity:")


@pytest.mark.usefixtures("statuses")
def test_no_clock_of_the_emulator_runs(aws: Client) -> None:
    found = aws("scheduler").list_schedules()["Schedules"]
    assert [schedule["State"] for schedule in found] == ["DISABLED"] * 4, (
        "two of the night, one of the watch, one of the planner"
    )


@pytest.mark.usefixtures("statuses")
def test_what_a_job_runs_is_read_back_with_names_of_what_was_deployed(aws: Client) -> None:
    job = read_deployment(aws).container_of("batch_layer.nightly")
    assert job.python_arguments[:2] == ("-m", "batch_layer.nightly")
    tables = aws("dynamodb").list_tables()["TableNames"]
    assert {job.environment["BARS_TABLE"], job.environment["CONTROL_TABLE"]} < set(tables)
    assert job.environment["LAKE_BUCKET"] in [bucket["Name"] for bucket in aws("s3").list_buckets()["Buckets"]]
    assert (job.environment["POSTGRES_HOST"], job.environment["POSTGRES_USER"]) == ("", "")


@pytest.mark.usefixtures("statuses")
def test_the_lake_has_its_tables_for_sql(aws: Client) -> None:
    glue = aws("glue")
    (database,) = glue.get_databases()["DatabaseList"]
    found = {table["Name"]: table for table in glue.get_tables(DatabaseName=database["Name"])["TableList"]}
    assert database["Name"] == "condvest_dev"
    assert set(found) == {"trades", "bars_1m", "bars_1d", "splits", "dividends", "tickers"}
    lake = functions(aws)["speed_layer.archive.handler"]["Environment"]["Variables"]["LAKE_BUCKET"]
    assert found["bars_1d"]["Parameters"]["storage.location.template"] == (
        f"s3://{lake}/bars/timeframe=1d/date=${{date}}/"
    )


@pytest.mark.usefixtures("statuses")
def test_the_edge_calls_the_api_that_was_deployed(aws: Client) -> None:
    (api,) = aws("apigateway").get_rest_apis()["items"]
    (distribution,) = aws("cloudfront").list_distributions()["DistributionList"]["Items"]
    origins = {origin["Id"]: origin for origin in distribution["Origins"]["Items"]}
    assert origins["api"]["DomainName"] == f"{api['id']}.execute-api.us-east-1.amazonaws.com"
    assert origins["api"]["OriginPath"] == "/live"


@pytest.mark.usefixtures("statuses")
def test_the_edge_shows_the_secret_that_the_authoriser_reads(aws: Client) -> None:
    (distribution,) = aws("cloudfront").list_distributions()["DistributionList"]["Items"]
    origins = {origin["Id"]: origin for origin in distribution["Origins"]["Items"]}
    (header,) = origins["api"]["CustomHeaders"]["Items"]
    stack = aws("cloudformation").describe_stacks(StackName="condvest-dev-storage")["Stacks"][0]
    (secret,) = [o["OutputValue"] for o in stack["Outputs"] if o["OutputKey"] == "OriginSecretAtTheEdge"]
    assert header["HeaderName"] == "x-cv-origin"
    assert len(header["HeaderValue"]) == 64
    assert header["HeaderValue"] == aws("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]


@pytest.fixture
def account(aws: Client, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The environment of somebody with credentials for the emulator; the signatures of requests that the key-value
    store gets. Its host name, which begins with the account's number, is our own host."""
    address = urlsplit(aws("sts").meta.endpoint_url)
    monkeypatch.setenv("AWS_ENDPOINT_URL", address.geturl())
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "000000000000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    signed: list[str] = []
    send = URLLib3Session.send

    def sending(session: Any, request: Any) -> Any:
        if "/key-value-stores/" in request.url:
            signed.append(bytes(request.headers["Authorization"]).decode().split()[0])
            request.url = request.url.replace(urlsplit(request.url).netloc, address.netloc)
        return send(session, request)

    monkeypatch.setattr(URLLib3Session, "send", sending)
    return signed


@pytest.mark.usefixtures("statuses")
def test_a_key_of_a_deployment_is_known_to_its_table_and_its_edge(
    account: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    def keys(*arguments: str) -> str:
        assert main(["keys", *arguments, "--environment", "dev"]) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    made = keys("create", "--client", "desk").strip()
    other = keys("create", "--client", "feed", "--plan", "delayed").strip()
    book = on_aws("dev", "us-east-1")
    edge = book._edge
    assert edge is not None
    assert edge.known() == {
        hash_key(made): "live alerts:write,bars:read,live:read",
        hash_key(other): "delayed bars:read",
    }
    check = KeyCheck(book._records, time.monotonic)
    assert check.caller(made) == Caller(made.split("_")[1], ("alerts:write", "bars:read", "live:read"), "live")
    assert made not in keys("list")
    keys("revoke", made.split("_")[1])
    assert edge.known() == {hash_key(other): "delayed bars:read"}
    assert KeyCheck(book._records, time.monotonic).caller(made) is None
    edge.change({hash_key(made): "live bars:read"}, [hash_key(other)])
    assert keys("sync") == "the edge was told of 1 and forgot 1\n"
    assert edge.known() == {hash_key(other): "delayed bars:read"}
    assert set(account) == {"AWS4-ECDSA-P256-SHA256"}, "signed for all regions, as the key-value store wants it"


@pytest.mark.usefixtures("statuses")
def test_a_second_deployment_of_the_same_templates_changes_nothing(aws: Client, templates: Templates) -> None:
    cloudformation = aws("cloudformation")
    before = functions(aws)
    for stack in templates.bodies:
        with pytest.raises(cloudformation.exceptions.ClientError, match="No updates are to be performed"):
            cloudformation.update_stack(
                StackName=f"condvest-dev-{stack.lower()}",
                TemplateBody=(templates.folder / f"{stack}.template.json").read_text(),
                Parameters=[{"ParameterKey": "Target", "ParameterValue": "local"}],
                Capabilities=["CAPABILITY_NAMED_IAM"],
            )
    assert {name: f["FunctionArn"] for name, f in functions(aws).items()} == {
        name: f["FunctionArn"] for name, f in before.items()
    }


@pytest.mark.usefixtures("statuses")
def test_the_emulator_refuses_what_is_made_on_aws_only(aws: Client, templates: Templates) -> None:
    """When this fails the emulator has learnt these types: take them off the list in stacks/constructs/target.py."""
    cloudformation = aws("cloudformation")
    for stack in ("Network", "Speed", "Push", "Batch", "Edge"):
        with pytest.raises(cloudformation.exceptions.ClientError, match="Unrecognized resource types"):
            cloudformation.create_stack(
                StackName=f"as-on-aws-{stack.lower()}",
                TemplateBody=(templates.folder / f"{stack}.template.json").read_text(),
                Capabilities=["CAPABILITY_NAMED_IAM"],
            )
