"""Two syntheses for all tests of the templates, with push and without, shared by the workers of one run."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stacks.settings import ROOT
from stacks.synth import use_packaged_node
from tests.infrastructure.templates import Templates

SYNTH_S = 150

use_packaged_node()  # before any test module imports aws_cdk, which starts it


def synth(out: Path, *arguments: str, **environment: str) -> str:
    """Run the command; its output. Fails the test with its words when it refuses."""
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "stacks.synth", "--out", str(out), *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=SYNTH_S,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def _checked(tmp_path_factory: pytest.TempPathFactory, name: str, *arguments: str) -> Path:
    """A checked assembly with stub assets; the first worker makes it, the others wait for it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / name
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            synth(folder, "--stub-assets", *arguments)
            (folder / "complete").touch()
    return folder


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything there is, push included."""
    return _checked(tmp_path_factory, "assembly", "-c", "push=on")


@pytest.fixture(scope="session")
def templates(assembly: Path) -> Templates:
    return Templates.of(assembly)


@pytest.fixture(scope="session")
def without_push(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """What is deployed unless push is asked for."""
    return Templates.of(_checked(tmp_path_factory, "assembly-without-push"))
