"""The one jar beside the Flink job: the Kinesis connector, by the hash in locks/connector.json.

`python -m stacks.constructs.connector` (part of `make lock`) fetches it with Maven and writes its hash down; every
later build takes the jar of that hash and no other. With the word `path` it prints where that jar is.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from stacks.constructs.wheels import BUILD, appearing_whole
from stacks.settings import ROOT

LOCK = ROOT / "locks" / "connector.json"
FETCH_S = 300
_NOT_REACHED = (
    "Unknown host",
    "Connection refused",
    "Connect timed out",
    "connect timed out",
    "Network is unreachable",
)


class ConnectorError(RuntimeError):
    """The connector is not to be had, or is not the one that was locked; the message says what to do."""


class Locked(NamedTuple):
    """A Maven artifact as group:name:version, and its SHA-256; empty before it was locked."""

    artifact: str
    sha256: str

    @property
    def file(self) -> str:
        _, name, version = self.artifact.split(":")
        return f"{name}-{version}.jar"


def locked(lock: Path = LOCK) -> Locked:
    """What the lock says."""
    return Locked(**json.loads(lock.read_text(encoding="utf-8")))


def connector(wanted: Locked, cache: Path = BUILD / "jars") -> Path:
    """The jar; offline after the first time. Raises ConnectorError."""
    if not wanted.sha256:
        raise ConnectorError(
            f"{wanted.artifact} is not locked: run `make lock` where Maven and its repository can be reached, and "
            "commit locks/connector.json"
        )
    folder = cache / wanted.sha256[:16]
    if not folder.exists():
        with appearing_whole(folder) as work:
            found = digest(fetch(wanted, work))
            if found != wanted.sha256:
                raise ConnectorError(f"{wanted.file}: locked with SHA-256 {wanted.sha256}, fetched one with {found}")
    return folder / wanted.file


def fetch(wanted: Locked, folder: Path) -> Path:
    """The jar by Maven, into `folder`. Raises ConnectorError."""
    maven = shutil.which("mvn")
    if maven is None:
        raise ConnectorError(f"{wanted.file} is fetched with Maven, and there is no mvn on the PATH: install Maven")
    goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
    command = [maven, "-B", "-q", goal, f"-Dartifact={wanted.artifact}", f"-DoutputDirectory={folder}"]
    try:
        done = subprocess.run(  # noqa: S603 - fixed words, no shell
            command, capture_output=True, text=True, timeout=FETCH_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ConnectorError(f"{wanted.file}: Maven has not answered for {FETCH_S} s") from error
    if done.returncode or not (folder / wanted.file).is_file():
        said = (done.stdout + done.stderr).strip()
        unreachable = any(words in said for words in _NOT_REACHED)
        what = "Maven's repository cannot be reached" if unreachable else f"Maven refuses {wanted.artifact}"
        raise ConnectorError(f"{wanted.file}: {what}: {said.splitlines()[0] if said else 'it said nothing'}")
    return folder / wanted.file


def digest(file: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def write_lock(lock: Path = LOCK) -> None:
    """Fetch what the lock names and write its hash into it. Raises ConnectorError."""
    wanted = locked(lock)
    with tempfile.TemporaryDirectory() as folder:
        found = wanted._replace(sha256=digest(fetch(wanted, Path(folder))))
    lock.write_text(f"{json.dumps(found._asdict(), indent=2)}\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        if sys.argv[1:] == ["path"]:
            sys.stdout.write(f"{connector(locked())}\n")
        else:
            write_lock()
    except ConnectorError as error:
        sys.exit(str(error))
