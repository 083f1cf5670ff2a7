"""Tables and a bucket in moto, behind the product's own clients, with hooks that make them fail."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws
from moto.core.models import botocore_stubber
from moto.dynamodb.models import dynamodb_backends
from moto.s3.models import s3_backends

from shared.clients.aws import client

TABLE = "table"
NOWHERE = "http://nowhere.invalid/"
BUCKET = "lake"


Client = Any
"""boto3 clients carry no types."""
_hooks: list[tuple[Client, str, Callable[..., object]]] = []


@pytest.fixture(scope="module")
def aws() -> Iterator[Callable[[str], Client]]:
    """Clients of an AWS account that a test module has for itself, by service: making one takes a while."""
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        environment.setenv("AWS_ACCESS_KEY_ID", "test")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "test")
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        client.cache_clear()
        yield client
    client.cache_clear()


@pytest.fixture
def unhooked(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hooks of a test end with it; pauses between the SDK's attempts are left out."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    yield
    while _hooks:
        client, event, hook = _hooks.pop()
        client.meta.events.unregister(event, hook)


@pytest.fixture
def s3(aws: Callable[[str], Client], unhooked: None) -> Iterator[Client]:
    """An empty bucket of its own."""
    s3 = aws("s3")
    s3.create_bucket(Bucket=BUCKET)
    yield s3
    s3_backends.reset()


@pytest.fixture
def dynamodb(aws: Callable[[str], Client], unhooked: None) -> Iterator[Client]:
    """DynamoDB without tables."""
    yield aws("dynamodb")
    dynamodb_backends.reset()


def create_table(dynamodb: Any, keys: dict[str, str], name: str = TABLE) -> Any:
    """`keys`: attribute to type, partition key first."""
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, kind in keys.items()],
        KeySchema=[{"AttributeName": key, "KeyType": role} for key, role in zip(keys, ("HASH", "RANGE"), strict=True)],
    )
    return dynamodb


def lose_answer(client: Client, operation: str, times: int = 1) -> list[str]:
    """The service takes the next calls of an operation, but their answers never arrive. Returns the attempts seen."""
    attempts: list[str] = []

    def hook(event_name: str, request: Any, **_: Any) -> Any:
        attempts.append(event_name)
        if len(attempts) <= times:
            botocore_stubber(event_name, request)
            raise ReadTimeoutError(endpoint_url=request.url)
        return None

    _register(client, f"before-send.{client.meta.service_model.service_name}.{operation}", hook)
    return attempts


def answer_with_error(client: Client, operation: str, status: int, body: bytes, times: int = 10**6) -> list[str]:
    """The next calls of an operation are answered with an error and have no effect. Returns the attempts seen."""
    attempts: list[str] = []

    def hook(event_name: str, request: Any, **_: Any) -> Any:
        attempts.append(event_name)
        if len(attempts) > times:
            return None
        answer = AWSResponse(request.url, status, {}, _Body(body))
        request.url = NOWHERE  # moto is asked as well, after us: it must not do what was refused
        return answer

    _register(client, f"before-send.{client.meta.service_model.service_name}.{operation}", hook)
    return attempts


class _Body:
    """A raw body as botocore reads one."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._body


def cut_pages(client: Client, operation: str, name: str, size: int) -> None:
    """Pages of `size` entries, as a large answer comes: `name` is the parameter that limits a page."""

    def hook(params: dict[str, Any], **_: Any) -> None:
        params[name] = size

    _register(client, f"before-parameter-build.{client.meta.service_model.service_name}.{operation}", hook)


def _register(client: Client, event: str, hook: Callable[..., object]) -> None:
    client.meta.events.register_first(event, hook)
    _hooks.append((client, event, hook))


THROTTLED = b'{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow"}'
