"""Paths, methods, and the function as AWS calls it."""

import json
import subprocess
import sys
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from serving_layer.api import handler, wiring
from shared.clients.aws import client
from shared.stores.bars import BarStore
from shared.stores.control import ControlStore
from tests.fakes.valkey import LOOPBACK, free_port
from tests.unit.serving_layer.doubles import NOW_S, T0, Api, minute_of
from tests.unit.serving_layer.events import Context, body_of, proxy_event

DAY = "/v2/aggs/ticker/SPY/range/1/minute/2013-10-08/2013-10-08"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v2",
        "/v1/../admin",
        "/v2/aggs/ticker/SPY",
        "/v2/aggs/ticker//range/1/minute/1/2",
        f"{DAY}/x",
    ],
)
def test_an_unknown_path_is_404_in_polygons_envelope(path: str) -> None:
    answer = Api().send(path)
    body = body_of(answer)
    assert answer["statusCode"] == 404
    assert body["status"] == "NOT_FOUND"
    assert body["error"] == body["message"] == "The requested resource was not found."


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", [DAY, "/v1/health"])
def test_another_method_is_405_and_says_which_is_allowed(path: str, method: str) -> None:
    answer = Api().send(path, method=method)
    assert answer["statusCode"] == 405
    assert answer["multiValueHeaders"]["Allow"] == ["GET"]


def test_events_without_headers_or_query_are_answered() -> None:
    event = proxy_event(DAY)
    for name in ("headers", "multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters"):
        event[name] = None
    api = Api()
    assert handler.build(lambda: api.services).resolve(event, Context())["statusCode"] == 200  # type: ignore[arg-type]  # a stand-in for the context


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The two tables on AWS as moto has it, and a cache that is not there."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "BARS_TABLE": "bars",
        "CONTROL_TABLE": "control",
        "TICKS_TABLE": "ticks",
        "SIGNALS_TABLE": "signals",
        "CACHE_ENDPOINT": f"{LOOPBACK}:{free_port()}",
        "LOCAL_KEY": "cv_0123456789ab_local",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        dynamodb = boto3.client("dynamodb")
        for table, keys in (
            ("bars", (("sym", "S"), ("t", "N"))),
            ("ticks", (("sym", "S"), ("chunk", "S"))),
            ("control", (("pk", "S"), ("sk", "S"))),
        ):
            dynamodb.create_table(
                TableName=table,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[
                    {"AttributeName": name, "KeyType": kind}
                    for (name, _), kind in zip(keys, ("HASH", "RANGE"), strict=True)
                ],
                AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind in keys],
            )
        client.cache_clear()
        wiring.wire.cache_clear()
        yield
        wiring.wire.cache_clear()
        client.cache_clear()


@pytest.mark.usefixtures("tables")
def test_the_function_answers_from_its_tables_when_the_cache_is_not_there() -> None:
    dynamodb = boto3.client("dynamodb")
    partial = minute_of(T0, first=16_742, last=16_750, high=16_800, low=16_700)
    BarStore(dynamodb, "bars").put_base("SPY", T0, partial, NOW_S + 10**9)
    ControlStore(dynamodb, "control").put_feed({"source": "trades/", "state": "running"})
    answer = handler.lambda_handler(proxy_event(DAY), Context())  # type: ignore[arg-type]  # a test's
    assert [bar["t"] for bar in body_of(answer)["results"]] == [T0]
    json.dumps(answer)  # as the runtime does
    health = body_of(handler.lambda_handler(proxy_event("/v1/health", authorizer=None), Context()))  # type: ignore[arg-type]  # a stand-in for the context
    assert health["feed"]["state"] == "running"
    assert health["components"]["cache"] == "unavailable"
    assert health["local_key"] == "cv_0123456789ab_local"


def test_importing_the_function_needs_neither_settings_nor_credentials_nor_pydantic() -> None:
    code = "import sys, serving_layer.api.handler, serving_layer.auth.handler; print('pydantic' in sys.modules)"
    run = subprocess.run(  # noqa: S603  (our own interpreter)
        [sys.executable, "-c", code], env={"PATH": "/nowhere"}, capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.strip() == "False"
