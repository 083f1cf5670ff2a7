"""The Flink job beside the Python engine over the same frames of a recorded day: pace, first bar, latency, memory.

Pace is by processor time, without what it takes to start. First bar: from the start of the engine's process to the
first record in the stream of bars. Latency: from giving the heartbeat that lets windows close to their record in the
stream, on the local emulator. The live rows of Flink need the Kinesis connector (docs/flink.md).
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from local_dev.runtime import flink_job
from local_dev.runtime.deploy import clients
from local_dev.runtime.flink import FlinkJvm
from local_dev.runtime.flink_engine import named_connector
from local_dev.runtime.processes import Supervisor
from local_dev.runtime.servers import start_emulator
from shared.clients.kinesis import PutRecords
from shared.frames import decode_bars, decode_frame
from speed_layer.engine.flink.main import run as run_job
from tests.benchmarks.bench_ingest import recorded_lines
from tests.benchmarks.bench_platform import memory_mb
from tests.benchmarks.rows import Row
from tests.parity.flink_path import BeatingPath
from tests.parity.speed_path import arrivals, taken

RECORDED = Path(__file__).parents[3] / "shared/data/trades"
FRAME_TRADES, DECISIONS = 500, 0.3
SHARE = 10
"""Flink's pace is that of the frames beyond the first tenth, so that what each job costs by itself is in neither."""
STEPS, PACE_S = 60, 0.5
LONGEST_S = 240.0
LOOK_S = 0.02


def run() -> Iterator[Row]:
    """About five minutes."""
    path = BeatingPath()
    lines = list(arrivals(sorted(RECORDED.glob("*_2013-10-08.jsonl.gz")))) or recorded_lines()
    taken(path, lines, 7, frame=FRAME_TRADES, decisions=DECISIONS)
    frames = path.frames
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        file = shard(folder / "whole", frames)
        with emulator(folder) as url:
            python = _python(file, url)
            pace = {"Python engine": parts_in(frames) / python["seconds"]}
            yield Row("parts", parts_in(frames), "parts")
            yield Row("Python engine", pace["Python engine"], "parts/s")
            with FlinkJvm() as jvm:
                seconds = [_job_s(jvm, shard(folder / part, some), folder) for part, some in _runs(frames)]
            pace["Flink"] = (parts_in(frames) - parts_in(frames[: len(frames) // SHARE])) / (seconds[2] - seconds[1])
            yield Row("Flink", pace["Flink"], "parts/s")
            yield Row("Flink / Python engine, of one core", pace["Flink"] / pace["Python engine"], "x")
            yield Row("Python engine, process started to first bar", python["first_s"], "s")
            yield from _latency("Python engine", python["latencies"])
            yield Row("Python engine, memory", python["memory"], "MB")
            if jar := named_connector():
                yield from _live(jar, url, frames)


def _runs(frames: Sequence[bytes]) -> Iterator[tuple[str, Sequence[bytes]]]:
    """The first makes the JVM warm."""
    tenth = frames[: len(frames) // SHARE]
    yield from (("warm", tenth), ("tenth", tenth), ("all", frames))


def parts_in(frames: Sequence[bytes]) -> int:
    return sum(bool(part.sym) for frame in frames for part in decode_frame(frame))


def shard(folder: Path, frames: Sequence[bytes]) -> Path:
    folder.mkdir()
    (folder / "shard").write_bytes(b"\n".join(frames) + b"\n")
    return folder / "shard"


@contextmanager
def emulator(folder: Path) -> Iterator[str]:
    """With one shard each for frames and both engines' bars."""
    supervisor = Supervisor(folder / "logs")
    try:
        url = start_emulator(supervisor, folder).url
        for stream in ("trades", "python", "flink"):
            clients(url)("kinesis").create_stream(StreamName=stream, ShardCount=1)
        yield url
    finally:
        supervisor.stop()


def _python(file: Path, url: str) -> dict[str, Any]:
    module = "tests.benchmarks.engine_python"
    command = [sys.executable, "-m", module, str(file), url, "python", str(STEPS), str(time.time())]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LONGEST_S)  # noqa: S603 -- our own
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def _job_s(jvm: FlinkJvm, file: Path, folder: Path) -> float:
    """Processor seconds of the job over a file."""
    out = folder / f"{file.parent.name}_bars"
    begin = jvm.processor_seconds
    job = run_job(jvm.session(), "files", {"path": f"file://{file}"}, {"path": f"file://{out}"})
    job.wait()  # type: ignore[attr-defined]  # the session's own kind of job
    return jvm.processor_seconds - begin


def _latency(name: str, ms: Sequence[float]) -> Iterator[Row]:
    cuts = statistics.quantiles(ms, n=100, method="inclusive")
    for at in (50, 95, 99):
        yield Row(f"{name}, promise to record, p{at}", cuts[at - 1], "ms")


def _live(jar: Path, url: str, frames: Sequence[bytes]) -> Iterator[Row]:
    """The job on streams, as `condvest up` runs it, but for its own process."""
    kinesis = clients(url)("kinesis")
    put = PutRecords(kinesis, "trades", 1)
    steps = _steps(frames)
    bars = _Arrivals(kinesis, "flink")
    begin = time.time()
    with flink_job.jvm(jar) as jvm:
        job = flink_job.start(jvm, kinesis, url, trades="trades", bars="flink")
        _put_all(put, next(steps)[1])
        _wait(lambda: bool(bars.look()))
        yield Row("Flink, process started to first bar", min(bars.at.values()) - begin, "s")
        given: dict[int, float] = {}
        for promise, step in islice(steps, STEPS):
            _put_all(put, step)
            given[promise] = time.time()
            time.sleep(PACE_S)
        last = max(given)
        _wait(lambda: max(bars.look()) >= last - last % 60)
        yield from _latency("Flink", [_after(bars.at, promise, at) for promise, at in given.items()])
        yield Row("Flink, memory", memory_mb(jvm.pid), "MB")
        job.cancel()


def _steps(frames: Sequence[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """Frames up to each promise that closes a minute with a trade in it, and that promise (Unix s)."""
    step: list[bytes] = []
    waiting: set[int] = set()
    for frame in frames:
        step.append(frame)
        for part in decode_frame(frame):
            if part.sym:
                waiting.add(part.sec - part.sec % 60 + 60)
            elif any(end <= part.sec for end in waiting):
                waiting = {end for end in waiting if end > part.sec}
                yield part.sec, step
                step = []


def _put_all(put: PutRecords, frames: Sequence[bytes]) -> None:
    for start in range(0, len(frames), 100):
        if not all(put([(0, frame) for frame in frames[start : start + 100]])):
            raise RuntimeError("the stream refused a frame")


class _Arrivals:
    """End of windows (Unix s) -> when the last record that tells of one came to the stream (Unix s)."""

    def __init__(self, kinesis: Any, stream: str) -> None:
        self._kinesis = kinesis
        where = {"StreamName": stream, "ShardId": kinesis.list_shards(StreamName=stream)["Shards"][0]["ShardId"]}
        self._next = kinesis.get_shard_iterator(**where, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        self.at: dict[int, float] = {}

    def look(self) -> dict[int, float]:
        page = self._kinesis.get_records(ShardIterator=self._next, Limit=1_000)
        self._next = page["NextShardIterator"]
        for record in page["Records"]:
            at = record["ApproximateArrivalTimestamp"].timestamp()
            self.at.update((bar.s, at) for bar in decode_bars(record["Data"]))
        return self.at


def _after(at: dict[int, float], promise: int, given: float) -> float:
    """ms from a promise to the newest window that it let close."""
    return (at[max(end for end in at if end <= promise)] - given) * 1000


def _wait(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONGEST_S
    while not what():
        if time.monotonic() > deadline:
            raise RuntimeError("the job has told nothing")
        time.sleep(LOOK_S)
