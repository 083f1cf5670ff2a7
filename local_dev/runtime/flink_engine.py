"""The Flink job as a process of the platform: started beside the ingester, waited for when the feed has ended."""

import json
import os
import sys
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from local_dev.runtime.environment import process
from local_dev.runtime.platform import Platform, PlatformFailed
from local_dev.runtime.processes import Child, Command
from local_dev.runtime.servers import LOOPBACK, free_port
from local_dev.runtime.synth import ROOT
from shared.errors import CondvestError

LOCK_SECONDS = 330
ANSWER_S = 5.0
NAMED = "FLINK_CONNECTOR"
"""Environment variable: a connector's jar, for one that was built here."""
WRITER = "Writer"
"""What Flink calls the end of a job that puts records out."""


class ConnectorMissing(CondvestError):
    """The job's connector is not to be had; the message says why and what to do."""


def named_connector() -> Path | None:
    """The file that FLINK_CONNECTOR names."""
    named = os.environ.get(NAMED)
    return Path(named) if named else None


def connector(platform: Platform) -> Path:
    """The file that FLINK_CONNECTOR names, else the locked jar, which is fetched the first time.

    Raises ConnectorMissing.
    """
    if named := named_connector():
        return named
    command = Command("connector", (sys.executable, "-m", "stacks.constructs.connector", "path"), process({}), cwd=ROOT)
    child = platform.supervisor.run(command, LOCK_SECONDS)
    if child.returncode != 0:
        raise ConnectorMissing(child.last_words(1))
    return Path(child.last_words(1))


class FlinkEngine:
    """Belongs to one platform; reads the trades stream from its oldest record on after each start."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._port = free_port()
        self._connector: Path | None = None
        self._child: Child | None = None

    def prepare(self) -> None:
        """Whatever takes a network, before anything is started. Raises ConnectorMissing."""
        self._connector = connector(self._platform)

    def start(self, trades: str, bars: str) -> None:
        """Streams by name; once prepared."""
        url = self._platform.endpoints["AWS emulator"]
        argv = (sys.executable, "-m", "local_dev.runtime.flink_job", str(self._connector), url, trades, bars)
        command = Command("flink", (*argv, str(self._port)), process({}), cwd=ROOT, respawn=True)
        self._child = self._platform.supervisor.start(command)

    def check(self) -> None:
        """Raises PlatformFailed when the job has been given up."""
        if self._child is not None and self._child.down:
            raise PlatformFailed(f"the Flink job has ended; {self._child.log} ends:\n{self._child.last_words()}")

    def has_closed(self, promise: int) -> bool:
        """Whether every window that ends at the promise (Unix seconds) or before is on its way to the bars stream."""
        try:
            jobs = self._get("/jobs")["jobs"]
            vertices = self._get(f"/jobs/{jobs[0]['id']}")["vertices"] if jobs else []
            (last,) = [vertex["id"] for vertex in vertices if WRITER in vertex["name"]] or [None]
            marks = self._get(f"/jobs/{jobs[0]['id']}/vertices/{last}/watermarks") if last else []
        except (OSError, HTTPException, ValueError, KeyError):  # it is starting, or starting again
            return False
        return bool(marks) and all(int(mark["value"]) >= promise * 1000 - 1 for mark in marks)

    def stop(self) -> None:
        if self._child is not None:
            self._platform.supervisor.stop_child(self._child)

    def _get(self, path: str) -> Any:
        connection = HTTPConnection(LOOPBACK, self._port, timeout=ANSWER_S)
        try:
            connection.request("GET", path)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()
