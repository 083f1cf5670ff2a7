"""A job's command in a process that has its modules loaded, where a container would start anew for each step."""

from collections.abc import Mapping
from typing import Any

from batch_layer.nightly.__main__ import main

COMMAND = ["python", "-m", "batch_layer.nightly"]


def handler(event: Mapping[str, Any], context: object) -> int:
    """The command's exit code. ValueError for the command of another program."""
    command = list(event["Command"])
    if command[: len(COMMAND)] != COMMAND:
        raise ValueError(f"a job's command must begin with {' '.join(COMMAND)}, was {' '.join(command)}")
    return main(command[len(COMMAND) :])
