"""The push process under its supervisor, from a container of a task definition."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_dev.runtime.deployment import Container
from local_dev.runtime.processes import Supervisor
from local_dev.runtime.push import Push
from local_dev.runtime.servers import ServerNotReady

FAKE = "tests.unit.local_dev.runtime_servers.fake_push"


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    supervisor = Supervisor(tmp_path / "logs")
    yield supervisor
    supervisor.stop()


def container(*command: str) -> Container:
    return Container("Push", command, {"HOST": "0.0.0.0", "PORT": "8080"})  # noqa: S104  (what AWS runs it with)


def test_it_runs_as_its_task_definition_says_on_an_address_of_this_machine(supervisor: Supervisor) -> None:
    push = Push(supervisor)
    push.start(container("python", "-m", FAKE), {"HOST": "0.0.0.0", "PORT": "8080", "SUBSCRIBED": "2"})  # noqa: S104  (replaced)
    push.wait_ready()
    assert push.subscribed == 2
    assert push.url.startswith("http://127.0.0.1:")


def test_a_killed_one_comes_back_at_the_same_address(supervisor: Supervisor) -> None:
    push = Push(supervisor)
    push.start(container("python", "-m", FAKE), {"SUBSCRIBED": "1"})
    push.wait_ready()
    (child,) = supervisor.children
    before = child.pid
    os.kill(before, signal.SIGKILL)
    while child.pid == before:
        time.sleep(0.01)
    push.wait_ready()
    assert push.subscribed == 1


def test_while_it_is_away_nobody_is_subscribed(supervisor: Supervisor) -> None:
    push = Push(supervisor)
    assert push.subscribed == 0
    with pytest.raises(ServerNotReady, match="has not been started"):
        push.wait_ready()


def test_one_that_cannot_start_is_told_with_its_last_words(supervisor: Supervisor) -> None:
    push = Push(supervisor)
    push.start(container("python", "-c", "raise SystemExit('SESSIONS must be one of XNYS')"), {})
    with pytest.raises(ServerNotReady, match="SESSIONS must be"):
        push.wait_ready()


def test_a_container_that_does_not_run_python_is_refused(supervisor: Supervisor) -> None:
    with pytest.raises(LookupError, match="must start with python"):
        Push(supervisor).start(container("java", "-jar"), {})
