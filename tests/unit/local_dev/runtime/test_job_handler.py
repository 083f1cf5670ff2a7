"""A job's command reaches the same program that a container runs."""

import pytest

from local_dev.runtime import job_handler
from local_dev.runtime.job_handler import handler


def test_the_command_of_a_container_runs_the_same_program(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []

    def main(arguments: list[str]) -> int:
        ran.append(arguments)
        return 1

    monkeypatch.setattr(job_handler, "main", main)
    assert handler({"Command": ["python", "-m", "batch_layer.nightly", "land", "2013-10-08"]}, None) == 1
    assert ran == [["land", "2013-10-08"]]


def test_a_command_that_is_wrong_is_refused_by_the_program_itself() -> None:
    assert handler({"Command": ["python", "-m", "batch_layer.nightly", "dance", "2013-10-08"]}, None) == 2


@pytest.mark.parametrize("command", [["python", "-m", "batch_layer.migrate"], ["sh", "-c", "true"], []])
def test_another_program_is_not_run(command: list[str]) -> None:
    with pytest.raises(ValueError, match=r"must begin with python -m batch_layer\.nightly"):
        handler({"Command": command}, None)
