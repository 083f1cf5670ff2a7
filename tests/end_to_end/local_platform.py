"""Starts `condvest up` as a user would, in a process of its own, and follows it to its end.

Everything a run needs is its own: state folder, port, process group. Whatever happens in a test, the group is gone
when the block is left.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from polygon import RESTClient  # type: ignore[import-untyped]  # the vendor ships no types

from tests.end_to_end.rest import Rest

ROOT = Path(__file__).parents[2]
READY_S = 120
"""Two busy cores start the platform in a few seconds; a cold cache of templates and bundles takes longer."""


class RunFailed(AssertionError):
    """The platform did not do what was waited for; the message ends with what it printed."""


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command(subcommand: str, *arguments: str) -> list[str]:
    """The command line of a subcommand, with this repository's code and this interpreter."""
    return [sys.executable, "-m", "local_dev.cli", subcommand, *arguments]


def environment() -> dict[str, str]:
    """The caller's, less every key that could reach the real vendor or AWS."""
    secret = re.compile(r"POLYGON|MASSIVE|AWS_")
    return {
        **{name: value for name, value in os.environ.items() if not secret.search(name)},
        "PYTHONPATH": str(ROOT),
    }


def run_to_end(subcommand: str, *arguments: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a command that ends by itself, with its output as text."""
    return subprocess.run(  # noqa: S603 -- our own interpreter and command line
        command(subcommand, *arguments),
        env=environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


class LocalPlatform:
    """A running `condvest up`."""

    def __init__(self, process: subprocess.Popen[bytes], state: Path, port: int, log: Path) -> None:
        self.process, self.state, self.log = process, state, log
        self.base = f"http://127.0.0.1:{port}"
        self.rest = Rest(self.base)

    def wait_until_ready(self) -> None:
        """Until it answers, and takes its own key."""
        self.wait_for(lambda: self.rest.health() is not None, READY_S, "to answer /v1/health")
        self.rest.key = self.health()["local_key"]

    def wait_until_ended(self, within_s: float) -> dict[str, Any]:
        """Until the feed has ended and all of it can be read; the health then."""
        self.wait_for(lambda: self.health()["feed"]["state"] == "ended", within_s, "to have ended")
        return self.health()

    def wait_for(self, true: Callable[[], bool], within_s: float, what: str) -> None:
        """Poll a condition. Raises RunFailed when the process has gone, or the time is over."""
        deadline = time.monotonic() + within_s
        while not true():
            if self.process.poll() is not None:
                raise RunFailed(f"exit {self.process.returncode} while waiting {what}:\n{self.printed()[-4000:]}")
            if time.monotonic() > deadline:
                raise RunFailed(f"waited {within_s} s for it {what}: {self.rest.health()}\n{self.printed()[-4000:]}")
            time.sleep(0.1)

    def health(self) -> dict[str, Any]:
        health = self.rest.health()
        if health is None:
            raise RunFailed(f"no answer from /v1/health:\n{self.printed()[-4000:]}")
        return health

    def client(self) -> RESTClient:
        """The vendor's own client, unmodified."""
        return RESTClient(api_key=self.health()["local_key"], base=self.base)

    def pids(self) -> dict[str, int]:
        """Role -> process id, as the supervisor has written it last."""
        pids: dict[str, int] = json.loads((self.state / "pids.json").read_text())
        return pids

    def printed(self) -> str:
        return self.log.read_text(errors="replace")

    def stop(self, within_s: float = 30) -> int:
        """Ctrl-C, once; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(within_s)


@contextmanager
def running(
    state: Path, *arguments: str, feed: Path | str, speed: str = "max", fresh: bool = True, nightly: bool = False
) -> Iterator[LocalPlatform]:
    """A platform over a feed, ready to be read. Its process group is killed when the block is left.

    Whatever the test was about: the key that it was asked with then stands in no log. `nightly`: trade dates are
    settled once the feed has come past them, as for a user.
    """
    port, log = free_port(), state.with_suffix(f".{time.monotonic_ns()}.log")
    options = ["--feed", str(feed), "--speed", speed, "--state", str(state), "--port", str(port), *arguments]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 -- our own interpreter and command line
            command("up", *options, *(["--fresh"] if fresh else []), *([] if nightly else ["--no-nightly"])),
            env=environment(),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    platform = LocalPlatform(process, state, port, log)
    try:
        platform.wait_until_ready()
        yield platform
    finally:
        _end(process)
    if platform.rest.key:
        assert logs_with(platform.rest.key, state / "logs") == []


def logs_with(secret: str, folder: Path) -> list[str]:
    """Names of the logs that hold it."""
    return [log.name for log in sorted(folder.rglob("*.log")) if secret.encode() in log.read_bytes()]


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask it to stop; what is left of its processes after that is killed."""
    started = descendants(process.pid)
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait(10)
    for pid in alive(started):
        os.kill(pid, signal.SIGKILL)


Started = dict[int, str]
"""Process id -> start time as the kernel gives it: a number that is used again later is another process."""


def descendants(root: int) -> Started:
    """The live processes below one, however deep."""
    parents, starts = {}, {}
    for pid in (int(folder.name) for folder in Path("/proc").glob("[0-9]*")):
        if (fields := _stat(pid)) is not None:
            parents[pid], starts[pid] = int(fields[1]), fields[19]
    found: Started = {}
    wave = {root}
    while wave := {pid for pid, parent in parents.items() if parent in wave}:
        found |= {pid: starts[pid] for pid in wave}
    return found


def alive(started: Started) -> list[int]:
    """Which of these processes still run."""
    return [pid for pid, start in started.items() if (fields := _stat(pid)) is not None and fields[19] == start]


def _stat(pid: int) -> list[str] | None:
    """Fields of /proc/PID/stat from the state on (proc(5) counts from 3); None when it is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields
