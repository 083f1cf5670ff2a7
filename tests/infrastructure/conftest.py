"""The assemblies of `assemblies.py`, made once for all tests of the templates and shared by the workers of one run."""

import fcntl
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from local_dev.cost.synthesis import PROFILES
from stacks.constructs.bundle import BUNDLES, build
from stacks.constructs.wheels import IndexUnreachableError
from stacks.settings import ROOT
from stacks.synth import use_packaged_node
from tests.infrastructure.templates import Templates

SYNTH_S = 390
"""On an idle machine all assemblies take half a minute; this is for one with four times as much to do as it can."""
FIRST_TEST_S = 400
NOWHERE = "http://127.0.0.1:9"
NO_NETWORK = {"UV_OFFLINE": "1", "HTTPS_PROXY": NOWHERE, "HTTP_PROXY": NOWHERE, "ALL_PROXY": NOWHERE}
CANARIES = {
    name: f"canary-{number}-0f7c1d9be2a64458"
    for number, name in enumerate(
        ("POLYGON_API_KEY", "MASSIVE_API_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "GITHUB_TOKEN")
    )
}
"""Secrets as they stand in the environment of who synthesises and deploys; `test_bundles.py` looks for them."""

use_packaged_node()  # before any test module imports aws_cdk, which starts it


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whichever test here comes first waits for the assemblies."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(FIRST_TEST_S))


@pytest.fixture(scope="session")
def assemblies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with one folder for each; the first worker makes them, the others wait for it.

    Synthesis is kept from the network: it needs none once the wheels are cached. Fails with its words when it refuses.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "assemblies"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            with suppress(IndexUnreachableError):  # tests of what is built say so
                for name in BUNDLES:
                    build(name)
            done = subprocess.run(  # noqa: S603 - our own module
                [sys.executable, "-m", "tests.infrastructure.assemblies", str(folder)],
                cwd=ROOT,
                env={**os.environ, **NO_NETWORK, **CANARIES},
                capture_output=True,
                text=True,
                timeout=SYNTH_S,
                check=False,
            )
            assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
            (folder / "complete").touch()
    return folder


@pytest.fixture(scope="session")
def profiles(assemblies: Path) -> dict[str, Path]:
    """The assembly of each profile, push included."""
    return {profile: assemblies / f"bill_{profile}" for profile in PROFILES}


@pytest.fixture(scope="session")
def assembly(assemblies: Path) -> Path:
    """Everything there is, push included."""
    return assemblies / "with_push"


@pytest.fixture(scope="session")
def templates(assembly: Path) -> Templates:
    return Templates.of(assembly)


@pytest.fixture(scope="session")
def without_push(assemblies: Path) -> Templates:
    """What is deployed unless push is asked for."""
    return Templates.of(assemblies / "without_push")
