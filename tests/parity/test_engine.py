"""The speed path in one process: intake, frames, Python engine and late parts, against the reference.

No servers: what the stream and the tables would carry is handed over directly. How events fall into frames, and when
the promise is decided, is drawn from a seed: no choice of them may change a bar.
"""

import gzip
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from shared.bars.algebra import merge
from shared.bars.sessions import new_york_sessions
from shared.bars.windows import STREAM_TIMEFRAMES, end_of_new_york_day_ms
from shared.models.bar import EMPTY, Partial
from speed_layer.engine.python import PythonEngine
from speed_layer.ingest.clock import AHEAD_MS, FeedClock
from speed_layer.ingest.framer import Framer
from speed_layer.ingest.intake import Candidate, Intake
from tests.parity import ours
from tests.parity.generate import generate
from tests.parity.reference import WIDTHS_MS, Reference
from tests.parity.rewrite import time_of

Windows = dict[tuple[str, str], dict[int, Partial]]
"""(symbol, timeframe) -> start of the window (Unix ms) -> partial."""


class SpeedPath:
    """One ingester with its engine, and what the table would hold: `base` from the engine, `late` beside it."""

    def __init__(self) -> None:
        self.base: Windows = defaultdict(dict)
        self.late: Windows = defaultdict(lambda: defaultdict(lambda: EMPTY))
        self.engine = PythonEngine()
        self.framer = Framer(1, 4, lambda lane, data, trades: None, self._part)
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
    draw, path, waiting = random.Random(seed), SpeedPath(), list(arrivals(files))
    at = 0
    while at < len(waiting):
        size = draw.randint(1, frame)
        path.intake.take(b"[" + b",".join(waiting[at : at + size]) + b"]")
        at += size
        if path.intake.clock.now_ms is not None and draw.random() < decisions:
            path.decide((path.intake.clock.now_ms - AHEAD_MS) // 1000)
    path.end()
    return path


@pytest.mark.parametrize(
    ("seed", "frame", "decisions"), [(1, 1, 1.0), (2, 40, 0.5), (3, 1_000, 1.0), (4, 5, 0.02)], ids=str
)
def test_engine_and_late_parts_give_the_references_bars(
    seed: int, frame: int, decisions: float, tmp_path: Path
) -> None:
    feed = generate(tmp_path, seed, bursts=6)
    reference, path = Reference(feed.files), replayed(feed.files, seed, frame=frame, decisions=decisions)
    intake = path.intake
    assert (intake.received, intake.accepted) == (feed.lines, reference.trades())
    assert (intake.duplicates, sum(intake.quarantined.values()), intake.waiting) == (feed.repeats, 0, 0)
    assert path.framer.counts["late"] > 0
    for sym in reference.symbols():
        for timeframe, width in WIDTHS_MS.items():
            assert ours.presented(path.windows(sym, timeframe)) == reference.bars(sym, width), (sym, timeframe)


def test_minutes_of_engine_and_late_parts_roll_up_to_every_timeframe(tmp_path: Path) -> None:
    feed = generate(tmp_path, 9, bursts=6)
    path = replayed(feed.files, 9, frame=20, decisions=0.3)
    for sym in ("NRM", "TINY"):
        minutes = path.windows(sym, "1m")
        for timeframe, width in WIDTHS_MS.items():
            assert ours.bars(minutes, width) == ours.presented(path.windows(sym, timeframe)), (sym, timeframe)
