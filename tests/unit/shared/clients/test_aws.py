"""Every AWS client has a time budget."""

import socket
import time
from collections.abc import Iterator

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from shared.clients.aws import CONNECT_TIMEOUT_S, client


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client.cache_clear()
    yield
    client.cache_clear()


@pytest.mark.parametrize("service", ["dynamodb", "kinesis", "s3"])
def test_a_client_gives_up_after_seconds_not_after_botocores_minutes(service: str) -> None:
    config = client(service).meta.config
    assert config.connect_timeout == CONNECT_TIMEOUT_S == 1.0
    assert config.read_timeout == 3.0
    assert config.retries == {"total_max_attempts": 3, "mode": "standard"}
    assert config.tcp_keepalive is True


def test_budget_attempts_and_pool_are_the_callers_to_choose() -> None:
    config = client("kinesis", read_timeout_s=2.5, attempts=1, pool=4).meta.config
    assert (config.read_timeout, config.max_pool_connections) == (2.5, 4)
    assert config.retries["total_max_attempts"] == 1


def test_a_process_has_one_client_for_each_budget() -> None:
    assert client("s3", read_timeout_s=9.0) is client("s3", read_timeout_s=9.0)
    assert client("s3", read_timeout_s=9.0) is not client("s3", read_timeout_s=8.0)


def test_a_service_that_takes_the_call_and_never_answers_costs_the_budget_once_per_attempt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        started = time.monotonic()
        with pytest.raises((ReadTimeoutError, ConnectTimeoutError)):
            client("dynamodb", read_timeout_s=0.1, attempts=1).list_tables()
        assert time.monotonic() - started < 30, "botocore alone would have waited a minute"
