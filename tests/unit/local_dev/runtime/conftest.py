"""Real runtime processes and a real emulator for the tests of this folder."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local_dev.runtime.deploy import clients
from local_dev.runtime.destinations import Clients
from local_dev.runtime.functions import FunctionPool, FunctionSpec
from local_dev.runtime.processes import Supervisor
from local_dev.runtime.servers import start_emulator

HANDLERS = "tests/unit/local_dev/runtime/handlers"

StartFunction = Callable[..., FunctionPool]


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    """boto3 clients of an emulator that lives as long as the test session."""
    home = tmp_path_factory.mktemp("emulator")
    supervisor = Supervisor(home / "logs")
    try:
        yield clients(start_emulator(supervisor, home).url)
    finally:
        supervisor.stop()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[StartFunction]:
    """Start functions of `handlers.py`; keyword arguments are FunctionSpec's."""
    if sys.platform != "linux":
        pytest.skip("AWS's runtime client (awslambdaric) is for Linux")
    pools = []

    def begin(*handlers: str, **options: object) -> FunctionPool:
        pool = FunctionPool(tmp_path / "logs")
        pools.append(pool)
        pool.start(FunctionSpec(handler, f"{HANDLERS}.{handler}", **options) for handler in handlers)  # type: ignore[arg-type]  # the options differ in type
        return pool

    yield begin
    for pool in pools:
        pool.stop()
