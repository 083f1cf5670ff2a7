"""Where a backfill on this machine asks for history: the vendor, or a server of ours over a folder of files."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from local_dev.runtime.environment import process
from local_dev.runtime.processes import Command, Supervisor
from local_dev.runtime.servers import LOOPBACK, ServerNotReady, free_port
from local_dev.runtime.sources import LOCAL_KEY
from local_dev.runtime.synth import ROOT

READY_SECONDS = 30.0
_COMMAND = (sys.executable, "-m", "local_dev.vendor", "--no-trades")


class HistorySource(NamedTuple):
    """`name`: how it is known from other sources. `key` is never shown."""

    name: str
    base: str
    key: str


@contextmanager
def served(folder: Path, supervisor: Supervisor) -> Iterator[HistorySource]:
    """A folder's bars and corporate actions in Polygon's protocol, for as long as the block takes."""
    port = free_port()
    argv = (*_COMMAND, "--data", str(folder), "--port", str(port))
    child = supervisor.start(Command("history", argv, process({}), cwd=ROOT))
    deadline = time.monotonic() + READY_SECONDS
    try:
        while f"ready http://{LOOPBACK}:{port}" not in child.log.read_text(errors="replace"):
            if child.down or not child.alive or time.monotonic() > deadline:
                raise ServerNotReady(f"{folder} cannot be served: {child.last_words(1)}")
            time.sleep(0.02)
        yield HistorySource(str(folder), f"http://{LOOPBACK}:{port}", LOCAL_KEY)
    finally:
        supervisor.stop_child(child)
