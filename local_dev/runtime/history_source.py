"""Where a backfill on this machine asks for history: the vendor, or a server of ours over a folder of files."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from local_dev.runtime.environment import process
from local_dev.runtime.processes import Command, Supervisor
from local_dev.runtime.servers import LOOPBACK, await_ready, free_port
from local_dev.runtime.sources import LOCAL_KEY
from local_dev.runtime.synth import ROOT

_COMMAND = (sys.executable, "-m", "local_dev.vendor", "--no-trades")


class HistorySource(NamedTuple):
    """`name`: how it is known from other sources. `key` is never shown. `metered`: whether a quota is to be kept."""

    name: str
    base: str
    key: str
    metered: bool


@contextmanager
def served(folder: Path, supervisor: Supervisor) -> Iterator[HistorySource]:
    """A folder's bars and corporate actions in Polygon's protocol, for as long as the block takes. Raises
    ServerNotReady."""
    port = free_port()
    argv = (*_COMMAND, "--data", str(folder), "--port", str(port))
    child = supervisor.start(Command("history", argv, process({}), cwd=ROOT))
    ready = f"ready http://{LOOPBACK}:{port}"
    try:
        await_ready(child, lambda: ready in child.log.read_text(errors="replace"))
        yield HistorySource(str(folder), f"http://{LOOPBACK}:{port}", LOCAL_KEY, metered=False)
    finally:
        supervisor.stop_child(child)
