"""The Python engine over frames in a file, in a process of its own, as bench_engines measures it.

`python -m tests.benchmarks.engine_python FRAMES URL STREAM STEPS BEGUN` prints JSON. `BEGUN`: its start, Unix s.
"""

import json
import resource
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from local_dev.runtime.deploy import clients
from shared.clients.kinesis import PutRecords
from shared.frames import VERSION, BarRecord, decode_frame, encode, partial_from_wire, partial_to_wire
from speed_layer.engine.python import NAME, PythonEngine

RECORD_BARS = 500
"""How many closed windows travel in a record here."""


def closed(engine: PythonEngine, frames: Iterable[bytes]) -> Iterator[tuple[float, list[bytes]]]:
    """Records of bars, each time a promise closes some; with the time at which that heartbeat was read."""
    for frame in frames:
        at = time.time()
        for part in decode_frame(frame):
            if part.bar is not None and part.sym:
                engine.add(part.sym, part.sec, part.late, partial_from_wire(part.bar))
            elif not part.sym and (windows := engine.close(part.sec)):
                bars = [
                    BarRecord(VERSION, w.sym, w.tf, w.start * 1000, partial_to_wire(w.partial), 0, NAME, part.sec)
                    for w in windows
                ]
                yield at, [encode(bars[n : n + RECORD_BARS]) for n in range(0, len(bars), RECORD_BARS)]


def main(file: str, url: str, stream: str, steps: str, begun: str) -> None:
    """A whole run without a stream for the pace, then some steps with one for the rest."""
    frames = Path(file).read_bytes().splitlines()
    put = PutRecords(clients(url)("kinesis"), stream, 1)
    latencies: list[float] = []
    first_s = 0.0
    for at, records in closed(PythonEngine(), frames):
        if not all(put([(0, record) for record in records])):
            raise RuntimeError("the stream refused a record")
        latencies.append((time.time() - at) * 1000)
        first_s = first_s or time.time() - float(begun)
        if len(latencies) > int(steps):
            break
    begin = time.process_time()
    windows = sum(len(records) for _, records in closed(PythonEngine(), frames))
    seconds = time.process_time() - begin
    if not windows:
        raise RuntimeError("nothing was closed")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    measured = {"seconds": seconds, "first_s": first_s, "latencies": latencies[1:], "memory": memory}
    sys.stdout.write(json.dumps(measured))


if __name__ == "__main__":
    main(*sys.argv[1:])
