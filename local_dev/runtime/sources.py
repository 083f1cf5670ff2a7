"""Where a feed's trades come from: recorded files, the simulator, or the vendor itself."""

import sys
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Protocol

from local_dev.runtime.servers import LOOPBACK
from local_dev.runtime.state import Spans

LOCAL_KEY = "local"  # what the ingester tells a server of ours; any key will do
SEED = 1
"""Of the simulated market: the same for everybody, so that what one sees another can look at."""


@dataclass(frozen=True)
class Endpoints:
    """What the ingester is told to read from."""

    socket_url: str
    rest_url: str
    key: str


class FeedSource(Protocol):
    @property
    def live(self) -> bool:
        """Whether the time of its trades is the host's."""
        ...

    @property
    def endless(self) -> bool:
        """Whether it never says that it has ended."""
        ...

    def server(self, port: int, from_ms: int | None) -> tuple[str, ...] | None:
        """The command that serves it on `port`, its clock waiting for the ingester; None: nothing of ours serves it.
        `from_ms`: event time (Unix ms) to begin at, None for its own beginning."""
        ...

    def endpoints(self, port: int) -> Endpoints: ...


@dataclass(frozen=True)
class Recorded:
    """Files of trades, at `speed` times real time, or `max`."""

    path: Path
    speed: str

    live = False
    endless = False

    def server(self, port: int, from_ms: int | None) -> tuple[str, ...]:
        return (*_module("local_dev.vendor", port, self.speed, from_ms), "--data", str(self.path))

    def endpoints(self, port: int) -> Endpoints:
        return _ours(port)


@dataclass(frozen=True)
class Simulated:
    """The made-up market, now; at another speed than 1 its time runs away from the host's."""

    speed: str
    seed: int = SEED

    endless = True

    @property
    def live(self) -> bool:
        return is_real_time(self.speed)

    def server(self, port: int, from_ms: int | None) -> tuple[str, ...]:
        return (*_module("local_dev.simulator", port, self.speed, from_ms), "--seed", str(self.seed))

    def endpoints(self, port: int) -> Endpoints:
        return _ours(port)


@dataclass(frozen=True)
class Vendor:
    """The real service, with the caller's key."""

    given: Endpoints

    live = True
    endless = True

    def server(self, port: int, from_ms: int | None) -> None:
        return None

    def endpoints(self, port: int) -> Endpoints:
        return self.given


def streamed(past: Spans, hole: Spans = ()) -> tuple[str, ...]:
    """What the simulator is told of earlier feeds: they sent what lies between spans of history, and after the last of
    them up to the `hole` that is filled with history now, or until the feed goes on.

    >>> streamed(((0, 1763960400000), (1763964000000, 1763967600000)))
    ('--streamed', '1763960400000-1763964000000,1763967600000-')
    """
    begins = [until for _, until in past]
    ends = [since for since, _ in past[1:]] + [since for since, _ in hole[:1]]
    spans = [f"{begin}-{end}" for begin, end in zip_longest(begins, ends, fillvalue="") if begin != end]
    return ("--streamed", ",".join(spans)) if past else ()


def is_real_time(speed: str) -> bool:
    return speed != "max" and float(speed) == 1.0


def _ours(port: int) -> Endpoints:
    return Endpoints(f"ws://{LOOPBACK}:{port}/stocks", f"http://{LOOPBACK}:{port}", LOCAL_KEY)


def _module(name: str, port: int, speed: str, from_ms: int | None) -> tuple[str, ...]:
    start = ("--from-ms", str(from_ms)) if from_ms else ()
    return (sys.executable, "-m", name, "--port", str(port), "--speed", speed, "--hold", *start)
