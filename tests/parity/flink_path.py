"""Frames as a shard would carry them, and the Flink job over a file of them."""

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from local_dev.runtime.flink import FlinkJvm
from shared.frames import decode_bars, partial_from_wire
from shared.models.bar import Partial
from speed_layer.engine.flink.main import run, statements
from tests.effort import at_most
from tests.parity.speed_path import SpeedPath, arrivals, taken

BROKEN = (
    b"",
    b'{"v":1,',
    b"[1,2]",
    b'[{"v":2,"f":"1-0-1","sym":"NRM","sec":1363000000,"bar":{"volume":"1","notional":"1","count":1}}]',
    b'[{"v":1,"f":"1-0-2","sym":"NRM","sec":1363000000}]',
)
"""Records that no bar may come of: no JSON, half of it, no parts, another version, a part without a bar."""
Edit = Callable[[str], str]
PLAN = at_most({}, {"table.optimizer.agg-phase-strategy": "ONE_PHASE"})
"""Settings of Flink: all sums in two phases, as the service plans them, or in one, which takes less planning."""


class BeatingPath(SpeedPath):
    """A speed path that tells its promise, as the ingester does: Flink closes windows by nothing else."""

    beats = 0

    def decide(self, promise: int) -> None:
        super().decide(promise)
        self.framer.heartbeat()
        self.beats += 1


class Emitted(NamedTuple):
    """What the job wrote: (symbol, timeframe, start in Unix ms) -> partial, and how many records held it."""

    bars: dict[tuple[str, str, int], Partial]
    records: int


def beating(files: Sequence[Path], seed: int, *, frame: int, decisions: float) -> BeatingPath:
    """As `replayed`, with heartbeats among the frames."""
    path = BeatingPath()
    taken(path, list(arrivals(files)), seed, frame=frame, decisions=decisions)
    return path


def write_shard(
    folder: Path, frames: Sequence[bytes], seed: int, *, again: float = 0.2, before: Sequence[bytes] = ()
) -> int:
    """One file of frames in order, some once more a few frames later, and broken records between; how many repeats.

    `before`: records that stand in front of all.
    """
    draw, due = random.Random(seed), defaultdict(list)
    for number, frame in enumerate(frames):
        due[number].append(frame)
        if draw.random() < again:
            due[number + draw.randint(0, 5)].append(frame)
    lines = [frame for number in sorted(due) for frame in due[number]]
    repeats = len(lines) - len(frames)
    for broken in BROKEN:
        lines.insert(draw.randrange(len(lines)), broken)
    lines[:0] = [*BROKEN, *before]  # where nothing is late yet
    folder.mkdir(parents=True)
    (folder / "shard").write_bytes(b"\n".join(lines) + b"\n")
    return repeats


def emitted(jvm: FlinkJvm, shard: Path, out: Path, *, batch: bool = False, edit: Edit | None = None) -> Emitted:
    """What the job makes of a shard's file; `edit` changes its statements."""
    source, sink = {"path": f"file://{shard}"}, {"path": f"file://{out}"}
    session, tables = jvm.session(batch=batch, more=PLAN), "batch" if batch else "files"
    if edit is None:
        job = run(session, tables, source, sink)
    else:
        texts = list(statements(tables, source, sink))
        job = [session.execute_sql(text) for text in edited(texts, edit)][-1]
    job.wait()  # type: ignore[attr-defined]  # the session's own kind of job
    return read(out)


def edited(texts: Sequence[str], edit: Edit) -> list[str]:
    """Statements with a fault planted in them."""
    changed = [edit(text) for text in texts]
    assert changed != list(texts), "the planted fault is nowhere"
    return changed


def read(out: Path) -> Emitted:
    """All records that files of finished runs hold."""
    bars, records = {}, 0
    for file in out.rglob("part-*"):
        for line in file.read_bytes().splitlines():
            records += 1
            for bar in decode_bars(line):
                assert bar.engine == "flink"
                key = bar.sym, bar.tf, bar.t
                assert key not in bars, f"{key} came twice"
                bars[key] = partial_from_wire(bar.partial)
    return Emitted(bars, records)
