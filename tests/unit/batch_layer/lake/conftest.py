"""A bucket in moto behind the product's own client, and hooks on its requests that end with their test."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from moto import mock_aws
from moto.s3.models import s3_backends

from batch_layer.lake.daily import DailyLake
from shared.clients.aws import client

BUCKET = "lake"
_hooks: list[tuple[Any, str, Callable[..., object]]] = []


def before_send(s3: Any, operation: str, hook: Callable[..., object]) -> None:
    """`hook` sees a request, and may answer it."""
    event = f"before-send.s3.{operation}"
    s3.meta.events.register_first(event, hook)
    _hooks.append((s3, event, hook))


@pytest.fixture(scope="module")
def account() -> Iterator[Any]:
    """A client of S3 that a test module has for itself: making one takes a while."""
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environment.setenv(name, "test")
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        client.cache_clear()
        yield client("s3")
    client.cache_clear()


@pytest.fixture
def s3(account: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty bucket; pauses between the SDK's attempts are left out."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    account.create_bucket(Bucket=BUCKET)
    yield account
    while _hooks:
        s3, event, hook = _hooks.pop()
        s3.meta.events.unregister(event, hook)
    s3_backends.reset()


@pytest.fixture
def lake(s3: Any) -> DailyLake:
    return DailyLake(s3, BUCKET, "0.1.0")
