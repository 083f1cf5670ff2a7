"""The long run of `make soak`: recorded days replayed with a fault every 20 s, for two hours or as long as told.

    python -m tests.soak [--minutes 120] [--speed 5] [--every 20] [--seed 1]

Every process of the speed path is killed or stalled in turn. At the end the bars must be those of the independent
reference, nothing lost, and memory must not have grown. Exit code 0 only then.
"""

import argparse
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from datetime import date
from datetime import time as time_of_day
from pathlib import Path

from tests.conftest import RECORDED
from tests.end_to_end.local_platform import LocalPlatform, descendants, running
from tests.end_to_end.observe import day_targets, differences, observe
from tests.faults.kills import carry_out
from tests.parity import rewrite
from tests.parity.reference import Reference, new_york_ms

SYMBOLS = ("AIG", "BAC", "SPY")
DAYS = (date(2013, 10, 7), date(2013, 10, 8), date(2013, 10, 9))
KILLED = ("ingest", "archive", "live", "persist", "valkey")
STALLED = ("ingest", "valkey")
STALL_S = 3.0
GROWTH = 1.3
"""Median memory of the last third of the run over that of the middle one, at most."""
ENOUGH = 30
"""Samples of memory from which a growth can be told from a start."""
PAGE = os.sysconf("SC_PAGE_SIZE")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def memory_mb(platform: LocalPlatform) -> float:
    """Resident memory of the platform with all its processes."""
    pages = 0
    for pid in (platform.process.pid, *descendants(platform.process.pid)):
        try:
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except OSError:  # it has just been killed
            continue
    return pages * PAGE / 1e6


def hurt(platform: LocalPlatform, draw: random.Random) -> str:
    """One fault, proved by what it hit; "" where the process is not there: an ingester leaves when its feed is over."""
    stalls = draw.random() < 0.3
    role = draw.choice(STALLED if stalls else KILLED)
    pid = platform.pids().get(role)
    if pid is None:
        return ""
    if stalls:
        os.kill(pid, signal.SIGSTOP)
        time.sleep(STALL_S)
        os.kill(pid, signal.SIGCONT)
        return f"{role} {pid} stalled for {STALL_S} s"
    (kill,) = carry_out(platform, [(0.0, role)])
    return f"{kill.role} {kill.pid} killed{' at work' if kill.at_work else ''}"


def replay(files: list[Path], folder: Path, options: argparse.Namespace) -> bool:
    """Whether the run ended as it should."""
    draw, memory, faults = random.Random(options.seed), [], 0
    targets = day_targets(SYMBOLS, DAYS)
    with running(folder / "state", feed=folder / "trades", speed=str(options.speed)) as platform:
        due = time.monotonic() + options.every
        while (platform.rest.health() or {"feed": {"state": "unknown"}})["feed"]["state"] != "ended":
            time.sleep(0.5)
            if time.monotonic() >= due:
                due += options.every
                memory.append(memory_mb(platform))
                if told := hurt(platform, draw):
                    say(f"{told}; {memory[-1]:.0f} MB")
                    faults += 1
        run = observe(platform, targets, within_s=600)
    wrong = differences(run, Reference(files), targets)
    lost = run.count("lost")
    growth = 1.0
    if len(memory) >= ENOUGH:
        third = len(memory) // 3
        growth = statistics.median(memory[-third:]) / statistics.median(memory[third : 2 * third])
    say(f"{faults} faults, {len(wrong)} bars differ, {lost} trades lost, memory x {growth:.2f}, seed {options.seed}")
    for line in wrong[:20]:
        say(line)
    return bool(faults) and not wrong and not lost and growth <= GROWTH


def main() -> int:
    """0 when nothing was lost and no bar differs."""
    parser = argparse.ArgumentParser(description="a replay with a fault every few seconds")
    parser.add_argument("--minutes", type=float, default=120.0, help="how long, at most as long as the recorded days")
    parser.add_argument("--speed", type=float, default=5.0, help="feed seconds a second")
    parser.add_argument("--every", type=float, default=20.0, help="seconds between faults")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    recorded = sorted((RECORDED / "trades").glob("*.jsonl.gz"))
    if not recorded:
        say(f"recorded market data is needed: {RECORDED / 'trades'}")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        since = new_york_ms(DAYS[0], time_of_day(9, 20))
        until = since + int(options.minutes * 60_000 * options.speed)
        files = rewrite.cut(recorded, Path(folder) / "cut", since, until)
        files = rewrite.disturbed(files, Path(folder) / "trades", options.seed)
        return 0 if replay(files, Path(folder), options) else 1


if __name__ == "__main__":
    sys.exit(main())
