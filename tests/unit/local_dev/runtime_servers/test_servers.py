import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from local_dev.runtime import servers
from local_dev.runtime.processes import Command, Supervisor
from local_dev.runtime.servers import ServerNotReady, await_cache, start_cache, start_emulator


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    supervisor = Supervisor(tmp_path / "logs")
    yield supervisor
    supervisor.stop()


def addresses_of(pid: int) -> set[str]:
    """Local addresses (hexadecimal, as the kernel prints them) a process listens on."""
    inodes = {os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    rows = [row.split() for table in ("tcp", "tcp6") for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
    return {row[1].partition(":")[0] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in inodes}


LOOPBACK_HEX = "0100007F"


def test_the_cache_is_a_cluster_of_one_that_holds_every_slot(supervisor: Supervisor, tmp_path: Path) -> None:
    cache = start_cache(supervisor, tmp_path)
    await_cache(cache)
    host, _, port = cache.endpoint.partition(":")
    client = redis.RedisCluster(host=host, port=int(port))
    for number in range(50):
        client.set(f"key{number}", number)
    assert client.get("key7") == b"7"
    assert client.cluster_info()["cluster_slots_ok"] == "16384"


def test_a_killed_cache_comes_back_empty_on_the_same_port(supervisor: Supervisor, tmp_path: Path) -> None:
    cache = start_cache(supervisor, tmp_path)
    await_cache(cache)
    host, _, port = cache.endpoint.partition(":")
    redis.RedisCluster(host=host, port=int(port)).set("a", "b")
    os.kill(cache.child.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while cache.child.starts == 1:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    await_cache(cache)
    assert redis.RedisCluster(host=host, port=int(port)).get("a") is None


def test_both_servers_listen_on_loopback_alone(supervisor: Supervisor, tmp_path: Path) -> None:
    cache, emulator = start_cache(supervisor, tmp_path), start_emulator(supervisor, tmp_path)
    assert addresses_of(cache.child.pid) == {LOOPBACK_HEX}
    assert addresses_of(emulator.child.pid) == {LOOPBACK_HEX}


def test_a_server_that_does_not_come_up_is_named_with_the_end_of_its_log(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    code = "print('no such option'); raise SystemExit(1)"
    child = supervisor.start(Command("broken", (sys.executable, "-c", code), {}, cwd=tmp_path))
    with pytest.raises(ServerNotReady, match=r"(?s)the broken did not start.*no such option"):
        servers.await_ready(child, lambda: False)


def test_a_free_port_can_be_bound() -> None:
    with socket.create_server(("127.0.0.1", servers.free_port())):
        pass
