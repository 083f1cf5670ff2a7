"""Where history is asked for on this machine: the vendor, or a server of ours, over files or the simulated market."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from local_dev.runtime.environment import process
from local_dev.runtime.processes import Command, Supervisor
from local_dev.runtime.servers import LOOPBACK, await_ready, free_port
from local_dev.runtime.sources import LOCAL_KEY, Simulated, streamed
from local_dev.runtime.state import Spans
from local_dev.runtime.synth import ROOT

_PYTHON = (sys.executable, "-m")


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
    options = ("local_dev.vendor", "--no-trades", "--data", str(folder))
    with _server(options, supervisor) as base:
        yield HistorySource(str(folder), base, LOCAL_KEY, metered=False)


@contextmanager
def simulated(supervisor: Supervisor, source: Simulated, past: Spans, from_ms: int | None) -> Iterator[HistorySource]:
    """The simulated market of a state folder that does not run: `past` was loaded as history, the rest streamed up to
    `from_ms` (Unix ms), None if nothing was. Raises ServerNotReady."""
    start = () if from_ms is None or source.live else ("--from-ms", str(from_ms))
    options = ("local_dev.simulator", "--seed", str(source.seed), "--speed", source.speed, *start, *streamed(past))
    with _server(options, supervisor) as base:
        yield HistorySource("sim", base, LOCAL_KEY, metered=False)


@contextmanager
def _server(options: tuple[str, ...], supervisor: Supervisor) -> Iterator[str]:
    """Its address."""
    port = free_port()
    argv = (*_PYTHON, *options, "--port", str(port))
    child = supervisor.start(Command("history", argv, process({}), cwd=ROOT))
    base = f"http://{LOOPBACK}:{port}"
    try:
        await_ready(child, lambda: f"ready {base}" in child.log.read_text(errors="replace"))
        yield base
    finally:
        supervisor.stop_child(child)
