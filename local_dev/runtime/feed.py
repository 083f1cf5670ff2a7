"""A recorded feed: the vendor server and the ingester, each a process, the ingester started again when it dies."""

import socket
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local_dev.runtime.environment import process
from local_dev.runtime.platform import Platform, PlatformFailed
from local_dev.runtime.processes import Child, Command
from local_dev.runtime.servers import LOOPBACK, free_port
from local_dev.runtime.synth import ROOT
from shared.errors import PermanentError
from speed_layer.ingest.recovery import read_tail

VENDOR_SECONDS = 120.0  # to read the recording; millions of lines take seconds
OVERLAP_MS = 5_000  # a resumed feed starts this long before the last trade that was accepted
KEY = "local"  # what the ingester tells the vendor server; any key will do


class FeedRefused(PermanentError):
    """The vendor server cannot serve what it was given; the message is its own sentence."""


@dataclass(frozen=True)
class FeedOptions:
    path: Path
    speed: str
    symbols: str  # `*` or a comma list


class Feed:
    """Belongs to one platform; `stop` before the platform's."""

    def __init__(self, platform: Platform, options: FeedOptions) -> None:
        self._platform, self._options = platform, options
        self._port = free_port()
        self._vendor: Child | None = None
        self._ingester: Child | None = None

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._port}"

    def start_vendor(self, from_ms: int | None = None) -> None:
        """Start to read the recording; its clock waits for the ingester."""
        options = self._options
        argv = [sys.executable, "-m", "local_dev.vendor", "--data", str(options.path), "--port", str(self._port)]
        argv += ["--speed", options.speed, "--hold", *(["--from-ms", str(from_ms)] if from_ms else [])]
        command = Command("vendor", tuple(argv), process({}), cwd=ROOT)
        self._vendor = self._platform.supervisor.start(command)

    def last_accepted_ms(self) -> int:
        """Event time (Unix ms) of the last trade in the stream, 0 when there is none."""
        stream = self._container.environment["TRADES_STREAM"]
        tail = read_tail(self._platform.client("kinesis"), stream, live=False, now=datetime.now(UTC))
        return int(tail.last_t)

    def start_ingester(self) -> None:
        """Once the vendor server listens. Raises FeedRefused, PlatformFailed."""
        self._await_vendor()
        changed = {
            "SOCKET_URL": f"ws://{LOOPBACK}:{self._port}/stocks",
            "REST_URL": self.url,
            "POLYGON_API_KEY": KEY,
            "SYMBOLS": self._options.symbols,
            "LIVE": "0",
            "LEASE_OWNER": "local",  # a predecessor is dead for certain: nobody need wait out its lease
        }
        python, *arguments = self._container.command
        if python != "python":
            raise PlatformFailed(f"the ingester's command must start with python, was {python}")
        environment = process(self._platform.environment_of(self._container.environment) | changed)
        command = Command("ingest", (sys.executable, *arguments), environment, cwd=ROOT, respawn=True)
        self._ingester = self._platform.supervisor.start(command)

    def check(self) -> None:
        """Raises PlatformFailed when a process has ended that is still needed."""
        for child in (self._vendor, self._ingester):
            if child is not None and child.down and child.returncode != 0:
                what = f"the {child.command.name} has ended with code {child.returncode}"
                raise PlatformFailed(f"{what}; {child.log} ends:\n{child.last_words()}")

    def ended(self, latest_epoch: dict[str, Any]) -> bool:
        """Whether the ingester has taken everything, and said so with its last word."""
        done = self._ingester is not None and self._ingester.down and self._ingester.returncode == 0
        return done and latest_epoch.get("state") == "ended"

    def stop(self) -> None:
        for child in (self._ingester, self._vendor):
            if child is not None:
                self._platform.supervisor.stop_child(child)

    @property
    def _container(self) -> Any:
        return self._platform.deployment.container_of("speed_layer.ingest")

    def _await_vendor(self) -> None:
        vendor, deadline = self._vendor, time.monotonic() + VENDOR_SECONDS
        if vendor is None:
            raise PlatformFailed("the vendor server has not been started")
        while not _listens(self._port):
            if vendor.down and vendor.returncode == 2:
                raise FeedRefused(vendor.last_words(1))
            if vendor.down or time.monotonic() > deadline:
                raise PlatformFailed(f"the vendor server did not start; {vendor.log} ends:\n{vendor.last_words()}")
            time.sleep(0.05)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((LOOPBACK, port)) == 0
