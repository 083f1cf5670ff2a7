"""The whole platform as a user starts it: seconds to the end of a replay, seconds to ready, memory of all processes."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.rows import Row

ROOT = Path(__file__).parents[2]
RECORDED = ROOT.parent / "shared/data/trades"
LOOK_S = 0.2
LONGEST_S = 600.0
LIMIT_READY_S = 10
LIMIT_MB = 1_500


def run() -> list[Row]:
    """The simulated market twice, a replay of the recorded trades, a second start on what it left: some minutes."""
    return [*_simulated(), *_recorded()]


def _simulated() -> list[Row]:
    """First start with its history, a minute of the market, and a second start on what it left."""
    with tempfile.TemporaryDirectory() as folder:
        command = ("up", "--feed", "sim", "--port", "0", "--state", str(Path(folder) / "state"))
        first, memory = _start(*command, watched_s=60.0)
        second, _ = _start(*command, watched_s=0.0)
    return [
        Row("simulated market, first start to the page", first, "s"),
        Row("simulated market, second start to the page", second, "s", LIMIT_READY_S),
        Row("simulated market, memory of all processes, greatest", memory, "MB", LIMIT_MB),
    ]


def _start(*command: str, watched_s: float) -> tuple[float, float]:
    """Seconds until the page's address is told, and the most memory within so many seconds after."""
    begin, peak = time.monotonic(), 0.0
    with _condvest(*command) as process:
        for line in process.stdout or ():
            if line.startswith("dashboard"):
                break
        else:
            raise RuntimeError("the platform did not come up")
        seconds = time.monotonic() - begin
        while time.monotonic() < begin + seconds + watched_s:
            peak = max(peak, memory_mb(process.pid))
            time.sleep(LOOK_S)
        process.terminate()
        process.communicate(timeout=60)
    return seconds, peak


def _recorded() -> list[Row]:
    if not RECORDED.is_dir():
        print(f"no recorded trades at {RECORDED}: the replay is left out")
        return []
    with tempfile.TemporaryDirectory() as folder:
        seconds, peak, trades = _replay(Path(folder) / "state")
        ready = _second_start(Path(folder) / "state")
    return [
        Row("replay of the recorded trades, start to end", seconds, "s"),
        Row("replay of the recorded trades, whole path", trades / seconds, "trades/s"),
        Row("memory of all processes, greatest", peak, "MB", LIMIT_MB),
        Row("second start, to the first answer", ready, "s", LIMIT_READY_S),
    ]


def _replay(state: Path) -> tuple[float, float, int]:
    begin, peak = time.monotonic(), 0.0
    command = ["up", "--feed", str(RECORDED), "--speed", "max", "--once", "--fresh", "--port", "0"]
    with _condvest(*command, "--state", str(state)) as process:
        while process.poll() is None and time.monotonic() - begin < LONGEST_S:
            peak = max(peak, memory_mb(process.pid))
            time.sleep(LOOK_S)
        output = process.stdout.read() if process.stdout else ""
    if process.returncode != 0:
        raise RuntimeError(f"the replay ended with {process.returncode}:\n{output}")
    trades = next(line for line in output.splitlines() if line.startswith("trades in"))
    return time.monotonic() - begin, peak, int(trades.split()[-1].replace(",", ""))


def _second_start(state: Path) -> float:
    begin = time.monotonic()
    with _condvest("up", "--feed", "none", "--port", "0", "--state", str(state)) as process:
        for line in process.stdout or ():
            if "serving" in line:
                seconds = time.monotonic() - begin
                process.terminate()
                break
        else:
            raise RuntimeError("the second start did not come up")
        process.wait(timeout=60)
    return seconds


def _condvest(*arguments: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(  # noqa: S603 -- our own interpreter
        [sys.executable, "-m", "local_dev.cli", *arguments], stdout=subprocess.PIPE, text=True, env=environment
    )


def memory_mb(root: int) -> float:
    """Memory of a process and everything it started: pages that several share are divided among them (Linux)."""
    parents = dict(map(_parent_of, _pids()))
    family = {root}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(map(_proportional_mb, family))


def _pids() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def _parent_of(pid: int) -> tuple[int, int]:
    try:
        return pid, int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:  # it has ended since
        return pid, 0


def _proportional_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended since
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024 / 1e6


if __name__ == "__main__":
    print(json.dumps([row._asdict() for row in run()], indent=1))
