"""The connector is fetched by Maven, here a stand-in for it, and is the one that was locked or none."""

import json
import os
import stat
from pathlib import Path

import pytest

from stacks.constructs import bundle
from stacks.constructs.connector import ConnectorError, Locked, connector, digest, locked, write_lock

JAR = b"PK a connector"
SHA256 = "b7ef7b7c6d7c4a3bc8f8e5ae1a8ffb8d4ad1d3ccb8b4a31ea5e4a5d8a6a3d2f1"
ARTIFACT = "org.example:connector:1.0"


def maven(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An `mvn` on the PATH that notes its calls and then does what `script` says; OUT is where the jar belongs."""
    folder.mkdir()
    out = 'for word in "$@"; do case "$word" in -DoutputDirectory=*) OUT="${word#*=}";; esac; done'
    (folder / "mvn").write_text(f'#!/bin/sh\necho "$@" >> "{folder}/calls"\n{out}\n{script}\n')
    (folder / "mvn").chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


GIVES = f"printf '{JAR.decode()}' > \"$OUT/connector-1.0.jar\""


def test_the_locked_jar_is_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maven(tmp_path / "bin", GIVES, monkeypatch)
    (tmp_path / "jar").write_bytes(JAR)
    wanted = Locked(ARTIFACT, digest(tmp_path / "jar"))
    jars = [connector(wanted, tmp_path / "cache") for _ in range(2)]
    assert [jar.read_bytes() for jar in jars] == [JAR, JAR]
    (call,) = (tmp_path / "bin/calls").read_text().splitlines()
    assert f"-Dartifact={ARTIFACT}" in call


def test_another_jar_than_the_locked_one_is_refused_and_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maven(tmp_path / "bin", GIVES, monkeypatch)
    for _ in range(2):
        with pytest.raises(ConnectorError, match=f"connector-1.0.jar: locked with SHA-256 {SHA256}, fetched one with"):
            connector(Locked(ARTIFACT, SHA256), tmp_path / "cache")
    assert len((tmp_path / "bin/calls").read_text().splitlines()) == 2
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_repository_that_cannot_be_reached_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maven(tmp_path / "bin", "echo '[ERROR] repo: Unknown host'; exit 1", monkeypatch)
    with pytest.raises(ConnectorError, match="Maven's repository cannot be reached"):
        connector(Locked(ARTIFACT, SHA256), tmp_path / "cache")


def test_an_artifact_that_is_not_there_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maven(tmp_path / "bin", "echo '[ERROR] Could not find artifact'; exit 1", monkeypatch)
    with pytest.raises(ConnectorError, match=f"Maven refuses {ARTIFACT}: .*Could not find artifact"):
        connector(Locked(ARTIFACT, SHA256), tmp_path / "cache")


def test_without_maven_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConnectorError, match="there is no mvn on the PATH"):
        connector(Locked(ARTIFACT, SHA256), tmp_path / "cache")


def test_what_was_never_locked_is_not_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maven(tmp_path / "bin", GIVES, monkeypatch)
    with pytest.raises(ConnectorError, match="is not locked: run `make lock`"):
        connector(Locked(ARTIFACT, ""), tmp_path / "cache")
    assert not (tmp_path / "bin/calls").exists()


def test_locking_writes_the_hash_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maven(tmp_path / "bin", GIVES, monkeypatch)
    lock = tmp_path / "connector.json"
    lock.write_text(json.dumps({"artifact": ARTIFACT, "sha256": ""}))
    write_lock(lock)
    assert connector(locked(lock), tmp_path / "cache").read_bytes() == JAR


def test_the_zip_holds_entry_point_sql_and_connector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maven(tmp_path / "bin", GIVES, monkeypatch)
    jar = tmp_path / "connector-1.0.jar"
    jar.write_bytes(JAR)
    monkeypatch.setattr(bundle, "BUILD", tmp_path / "build")
    monkeypatch.setattr(bundle, "connector", lambda _: jar)
    folder = bundle.flink_application()
    held = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert held == {
        *("main.py", "schema.sql", "kinesis.sql", "files.sql", "batch.sql", "bars.sql"),
        "lib/connector.jar",
    }
    assert (folder / "lib/connector.jar").read_bytes() == JAR


def test_the_lock_names_a_connector_of_the_services_flink() -> None:
    group, name, version = locked().artifact.split(":")
    assert (group, name) == ("org.apache.flink", "flink-sql-connector-aws-kinesis-streams")
    assert version.endswith("-2.0"), "built for Flink 2"
