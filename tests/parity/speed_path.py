"""The speed path in one process: intake, frames, Python engine and late parts, without servers.

What the stream and the tables would carry is handed over directly. How events fall into frames, and when the promise is
decided, is drawn from a seed: no choice of them may change a bar.
"""

import gzip
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from shared.bars.algebra import merge
from shared.bars.sessions import new_york_sessions
from shared.bars.windows import STREAM_TIMEFRAMES, end_of_new_york_day_ms
from shared.models.bar import EMPTY, Partial
from speed_layer.engine.python import PythonEngine
from speed_layer.ingest.clock import AHEAD_MS, FeedClock
from speed_layer.ingest.framer import Framer
from speed_layer.ingest.intake import Candidate, Intake
from tests.parity.rewrite import time_of

LANES = 4
Windows = dict[tuple[str, str], dict[int, Partial]]
"""(symbol, timeframe) -> start of the window (Unix ms) -> partial."""


class SpeedPath:
    """One ingester with its engine, and what the table would hold: `base` from the engine, `late` beside it."""

    def __init__(self, epoch: int = 1, promise: int = 0) -> None:
        self.base: Windows = defaultdict(dict)
        self.late: Windows = defaultdict(lambda: defaultdict(lambda: EMPTY))
        self.engine = PythonEngine()
        self.frames: list[bytes] = []
        """What went to the stream, in order."""
        self.framer = Framer(epoch, LANES, lambda lane, data, trades: self.frames.append(data), self._part, promise)
        self.intake = Intake(new_york_sessions(), self.framer, FeedClock[Candidate]())

    def _part(self, sym: str, sec: int, late: int, partial: Partial) -> None:
        self.engine.add(sym, sec, late, partial)
        for timeframe in list(STREAM_TIMEFRAMES)[:late]:
            width = STREAM_TIMEFRAMES[timeframe]
            window = self.late[sym, timeframe]
            window[(sec - sec % width) * 1000] = merge(window[(sec - sec % width) * 1000], partial)

    def decide(self, promise: int) -> None:
        """Frame all that is open under the old promise, then make the new one and close what it closes."""
        self.framer.flush()
        self.framer.promise = max(self.framer.promise, promise)
        for sym, timeframe, start, partial in self.engine.close(self.framer.promise):
            assert start * 1000 not in self.base[sym, timeframe], "a window closes once"
            self.base[sym, timeframe][start * 1000] = partial

    def end(self) -> None:
        self.intake.end()
        assert self.intake.clock.now_ms is not None
        self.decide(end_of_new_york_day_ms(self.intake.clock.now_ms) // 1000)

    def windows(self, sym: str, timeframe: str) -> dict[int, Partial]:
        """base + late."""
        base, late = self.base[sym, timeframe], self.late[sym, timeframe]
        return {start: merge(base.get(start, EMPTY), late.get(start, EMPTY)) for start in {*base, *late}}


def arrivals(files: Sequence[Path]) -> Iterator[bytes]:
    """All lines as a feed sends them: each file in its order, the files merged by the time they have reached."""
    due: list[tuple[int, int, bytes]] = []
    for number, file in enumerate(files):
        reached = 0
        for line in gzip.decompress(file.read_bytes()).splitlines():
            reached = max(reached, time_of(line.decode()))
            due.append((reached, number, line))
    due.sort(key=lambda entry: entry[:2])
    yield from (line for _, _, line in due)


def replayed(files: Sequence[Path], seed: int, *, frame: int, decisions: float) -> SpeedPath:
    """Frames of up to `frame` events; after each frame the promise is decided with the probability `decisions`."""
    return taken(SpeedPath(), list(arrivals(files)), seed, frame=frame, decisions=decisions)


def taken(path: SpeedPath, waiting: Sequence[bytes], seed: int, *, frame: int, decisions: float) -> SpeedPath:
    """The same of events that wait, by an ingester that may have begun already."""
    draw, at = random.Random(seed), 0
    while at < len(waiting):
        size = draw.randint(1, frame)
        path.intake.take(b"[" + b",".join(waiting[at : at + size]) + b"]")
        at += size
        if path.intake.clock.now_ms is not None and draw.random() < decisions:
            path.decide((path.intake.clock.now_ms - AHEAD_MS) // 1000)
    path.end()
    return path
