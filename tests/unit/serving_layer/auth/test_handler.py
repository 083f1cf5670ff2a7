"""The authoriser as API Gateway calls it."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.dynamodb.models import dynamodb_backends

from serving_layer.auth import handler
from serving_layer.auth.keys import hash_key, mint, record_of
from shared.clients.aws import client
from shared.errors import StoreUnavailable
from shared.stores.control import ControlStore

ARN = "arn:aws:execute-api:us-east-1:123456789012:1234567890/live/GET/v2/aggs/ticker/SPY/range/1/minute/1/2"


def event(headers: dict[str, str] | None = None, query: dict[str, str] | None = None) -> dict[str, Any]:
    """A REQUEST authoriser's event."""
    return {
        "type": "REQUEST",
        "methodArn": ARN,
        "resource": "/v2/aggs/ticker/{ticker}/range/{multiplier}/{timespan}/{from}/{to}",
        "path": "/v2/aggs/ticker/SPY/range/1/minute/1/2",
        "httpMethod": "GET",
        "headers": headers,
        "multiValueHeaders": None if headers is None else {name: [value] for name, value in headers.items()},
        "queryStringParameters": query,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"ticker": "SPY"},
        "stageVariables": None,
        "requestContext": {"apiId": "1234567890", "stage": "live", "requestId": "r", "httpMethod": "GET"},
    }


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[Any]:
    """A client of an AWS account that this module has for itself: making one takes a while."""
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        environment.setenv("AWS_ACCESS_KEY_ID", "testing")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        client.cache_clear()
        yield boto3.client("dynamodb")
    client.cache_clear()


@pytest.fixture
def control(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[ControlStore]:
    monkeypatch.setenv("CONTROL_TABLE", "control")
    dynamodb.create_table(
        TableName="control",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
    )
    handler.wire.cache_clear()
    yield ControlStore(dynamodb, "control")
    handler.wire.cache_clear()
    dynamodb_backends.reset()


@pytest.fixture
def key(control: ControlStore) -> str:
    key_id, key = mint(["bars:read", "live:read"])
    control.put_key(key_id, record_of(key, ["bars:read", "live:read"]))
    return key


def test_a_key_gives_leave_for_every_method_of_its_stage_and_no_other(key: str) -> None:
    answer = handler.lambda_handler(event({"Authorization": f"Bearer {key}"}), None)
    [statement] = answer["policyDocument"]["Statement"]
    assert statement == {
        "Action": "execute-api:Invoke",
        "Effect": "Allow",
        "Resource": "arn:aws:execute-api:us-east-1:123456789012:1234567890/live/*",
    }
    assert answer["principalId"] == key.split("_")[1]
    assert answer["context"] == {"key_id": key.split("_")[1], "scopes": "bars:read live:read", "plan": "live"}
    assert key.split("_", 2)[2] not in str(answer)


@pytest.mark.parametrize("header", ["Authorization", "authorization", "AUTHORIZATION"])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_header_and_its_scheme_may_be_written_in_any_case(key: str, header: str, scheme: str) -> None:
    assert handler.lambda_handler(event({header: f"{scheme} {key}"}), None)["principalId"]


def test_the_key_may_come_in_the_query_as_the_generated_clients_send_it(key: str) -> None:
    assert handler.lambda_handler(event({"Host": "x"}, {"apiKey": key}), None)["principalId"]
    assert handler.lambda_handler(event(None, {"apiKey": key}), None)["principalId"]


def test_the_header_wins_over_the_query(key: str) -> None:
    with pytest.raises(handler.Unauthorized):
        handler.lambda_handler(event({"Authorization": "Bearer wrong"}, {"apiKey": key}), None)


@pytest.mark.usefixtures("control")
@pytest.mark.parametrize(
    ("headers", "query"),
    [
        (None, None),
        ({}, {}),
        ({"Authorization": "Bearer "}, None),
        ({"Authorization": "Bearer"}, None),
        ({"Authorization": "Basic YTpi"}, None),
        ({"Authorization": "Bearer null"}, None),
        ({"Authorization": f"Bearer {'x' * 10_000}"}, None),
        ({"Authorization": f"Bearer {mint(['bars:read'])[1]}"}, None),
        (None, {"apiKey": ""}),
        (None, {"api_key": "x"}),
    ],
)
def test_without_a_good_key_the_answer_is_the_one_word_that_becomes_401(
    headers: dict[str, str] | None, query: dict[str, str] | None
) -> None:
    with pytest.raises(handler.Unauthorized) as info:
        handler.lambda_handler(event(headers, query), None)
    assert str(info.value) == "Unauthorized"


def test_the_edges_secret_is_read_from_its_place(
    control: ControlStore, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = boto3.client("secretsmanager")
    arn = secrets.create_secret(Name="origin", SecretString="first")["ARN"]
    secrets.put_secret_value(SecretId=arn, SecretString="second")
    monkeypatch.setenv("ORIGIN_SECRET", arn)
    handler.wire.cache_clear()
    vouched = {"x-cv-key": f"{key.split('_')[1]}.{hash_key(key)}", "x-cv-plan": "live", "x-cv-scopes": "bars:read"}
    for secret, effect in (("first", "Allow"), ("second", "Allow"), ("third", "Deny"), ("", "Deny")):
        answer = handler.lambda_handler(event({**vouched, "X-CV-Origin": secret}), None)
        assert [s["Effect"] for s in answer["policyDocument"]["Statement"]] == [effect], secret
    with pytest.raises(handler.Unauthorized):
        handler.lambda_handler(event({"x-cv-origin": "first", "Authorization": f"Bearer {key}"}), None)


def test_a_secret_that_cannot_be_read_denies_nobody(
    control: ControlStore, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORIGIN_SECRET", "arn:aws:secretsmanager:us-east-1:123456789012:secret:nothing-abcdef")
    handler.wire.cache_clear()
    with pytest.raises(StoreUnavailable):
        handler.lambda_handler(event({"x-cv-origin": "first"}), None)


def test_a_revoked_key_is_refused(control: ControlStore) -> None:
    key_id, key = mint(["bars:read"])
    control.put_key(key_id, {**record_of(key, ["bars:read"]), "revoked": True})
    with pytest.raises(handler.Unauthorized):
        handler.lambda_handler(event({"Authorization": f"Bearer {key}"}), None)


def test_a_table_that_does_not_answer_is_not_a_wrong_key(
    control: ControlStore, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTROL_TABLE", "another")
    handler.wire.cache_clear()
    with pytest.raises(StoreUnavailable):
        handler.lambda_handler(event({"Authorization": f"Bearer {key}"}), None)
