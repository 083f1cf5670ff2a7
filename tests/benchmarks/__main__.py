"""`make bench`: every measurement, with the machine it was made on. Ratios compare things measured in the same run."""

import os
import platform
import sys

from tests.benchmarks import (
    bench_api,
    bench_batch,
    bench_engines,
    bench_frames,
    bench_functions,
    bench_ingest,
    bench_latency,
    bench_multi_session,
    bench_platform,
    bench_push,
)
from tests.benchmarks.rows import render

BENCHES = {
    "ingest": bench_ingest.run,
    "frames": bench_frames.run,
    "engines": bench_engines.run,
    "push": bench_push.run,
    "api": bench_api.run,
    "multi_session": bench_multi_session.run,
    "batch": bench_batch.run,
    "functions": bench_functions.run,
    "platform": bench_platform.run,
    "latency": bench_latency.run,
}


def main() -> int:
    """All benches, or those named; exit code 2 for a name that is none."""
    names = sys.argv[1:] or list(BENCHES)
    if unknown := [name for name in names if name not in BENCHES]:
        print(f"no bench is called {unknown[0]}; there are: {', '.join(BENCHES)}")
        return 2
    load = os.getloadavg()[0]
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, load {load:.1f}")
    for name in names:
        print(f"\n{name}")
        for row in BENCHES[name]():
            print(render(row), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
