"""A feed: the ingester, started again when it dies, and the server of its source if that is ours."""

import socket
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from local_dev.runtime.environment import process
from local_dev.runtime.flink_engine import FlinkEngine
from local_dev.runtime.platform import Platform, PlatformFailed
from local_dev.runtime.processes import Child, Command
from local_dev.runtime.servers import LOOPBACK, free_port
from local_dev.runtime.sources import FeedSource
from local_dev.runtime.synth import ROOT
from shared.errors import PermanentError
from speed_layer.ingest.recovery import Tail, read_tail

SERVER_SECONDS = 120.0  # to read a recording; millions of lines take seconds
ENGINE_SECONDS = 300.0  # for the Flink job to take what the stream holds
LOOK_SECONDS = 0.25
FLUSH_SECONDS = 1.0  # the job's records are put 100 ms after the first of them
OVERLAP_MS = 5_000  # a resumed feed starts this long before the last trade that was accepted

LEASE_SECONDS = "60"  # nobody waits for it to end, and a machine that is busy with other things may be slow to renew it


class FeedRefused(PermanentError):
    """The source cannot be served; the message is its server's own sentence."""


class Feed:
    """Belongs to one platform; `stop` before the platform's. `symbols`: `*` or a comma list. `engine`: what makes the
    bars, where that is not the ingester."""

    def __init__(self, platform: Platform, source: FeedSource, symbols: str, engine: FlinkEngine | None = None) -> None:
        self.source, self.symbols, self._engine = source, symbols, engine
        self._platform = platform
        self._port = free_port()
        self._server: Child | None = None
        self._ingester: Child | None = None

    @property
    def url(self) -> str:
        """Where the source's REST side is."""
        return self.source.endpoints(self._port).rest_url

    @property
    def is_served(self) -> bool:
        """Whether the source's server has been started."""
        return self._server is not None

    def start_server(self, from_ms: int | None = None, more: Sequence[str] = ()) -> None:
        """Start what serves the source, if anything of ours does; its clock waits for the ingester. `more`: options."""
        argv = self.source.server(self._port, from_ms)
        if argv is not None:
            self._server = self._platform.supervisor.start(Command("vendor", (*argv, *more), process({}), cwd=ROOT))

    def last_accepted_ms(self) -> int:
        """Event time (Unix ms) of the last trade in the stream, 0 when there is none."""
        return int(self._tail().last_t)

    def await_engine(self) -> None:
        """Once the feed has ended: until its last windows are on their way. Raises PlatformFailed."""
        if self._engine is None:
            return
        promise, deadline = self._tail().promise, time.monotonic() + ENGINE_SECONDS
        while not self._engine.has_closed(promise):
            self._engine.check()
            if time.monotonic() > deadline:
                raise PlatformFailed(f"the Flink job has not closed its windows after {ENGINE_SECONDS:.0f} s")
            time.sleep(LOOK_SECONDS)
        time.sleep(FLUSH_SECONDS)

    def _tail(self) -> Tail:
        stream = self._container.environment["TRADES_STREAM"]
        return read_tail(self._platform.client("kinesis"), stream, live=self.source.live, now=datetime.now(UTC))

    def start_ingester(self) -> None:
        """Once the source is served. Raises FeedRefused, PlatformFailed."""
        if self._server is not None:
            self._await(self._server)
        endpoints = self.source.endpoints(self._port)
        changed = {
            "SOCKET_URL": endpoints.socket_url,
            "REST_URL": endpoints.rest_url,
            "POLYGON_API_KEY": endpoints.key,
            "SYMBOLS": self.symbols,
            "LIVE": "1" if self.source.live else "0",
            "LEASE_OWNER": "local",  # a predecessor is dead for certain: nobody need wait out its lease
            "LEASE_SECONDS": LEASE_SECONDS,
        }
        if self._engine is not None:
            changed["BAR_ENGINE"] = "flink"
            given = self._container.environment
            self._engine.start(given["TRADES_STREAM"], given["BARS_STREAM"])
        argv = (sys.executable, *self._container.python_arguments)
        environment = process(self._platform.environment_of(self._container.environment) | changed)
        command = Command("ingest", argv, environment, cwd=ROOT, respawn=True)
        self._ingester = self._platform.supervisor.start(command)

    def check(self) -> None:
        """Raises PlatformFailed when a process has ended that is still needed."""
        for child in (self._server, self._ingester):
            if child is not None and child.down and child.returncode != 0:
                what = f"the {child.command.name} has ended with code {child.returncode}"
                raise PlatformFailed(f"{what}; {child.log} ends:\n{child.last_words()}")
        if self._engine is not None:
            self._engine.check()

    def ended(self, latest_epoch: dict[str, Any]) -> bool:
        """Whether the ingester has taken everything, and said so with its last word."""
        done = self._ingester is not None and self._ingester.down and self._ingester.returncode == 0
        return done and latest_epoch.get("state") == "ended"

    def stop(self) -> None:
        for child in (self._ingester, self._server):
            if child is not None:
                self._platform.supervisor.stop_child(child)
        if self._engine is not None:
            self._engine.stop()

    @property
    def _container(self) -> Any:
        return self._platform.deployment.container_of("speed_layer.ingest")

    def _await(self, server: Child) -> None:
        deadline = time.monotonic() + SERVER_SECONDS
        while not _listens(self._port):
            if server.down and server.returncode == 2:
                raise FeedRefused(server.last_words(1))
            if server.down or time.monotonic() > deadline:
                raise PlatformFailed(f"the vendor server did not start; {server.log} ends:\n{server.last_words()}")
            time.sleep(0.05)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((LOOPBACK, port)) == 0
