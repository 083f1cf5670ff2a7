"""Kills processes of a running platform at seeded moments, and proves that each kill hit a live one."""

import os
import random
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain, islice, repeat
from pathlib import Path
from typing import NamedTuple

from tests.end_to_end.local_platform import LocalPlatform, alive, descendants

ROLES = ("ingest", "valkey", "archive", "live", "persist", "api", "auth")
BACK_WITHIN_S = 10
GONE_WITHIN_S = 2
AT_WORK_WITHIN_S = 0.4
"""How long a kill waits for its process to be seen at work: half-done work is what a kill must not harm."""


class Kill(NamedTuple):
    """A process that was there, was ours, and is gone. `at_s` counts from the first moment; `feed` is its state as
    health told it just before; `at_work`: the process was running, not waiting, when it was hit.
    """

    at_s: float
    role: str
    pid: int
    feed: str
    at_work: bool


def plan(seed: int, count: int, first_s: float, last_s: float, roles: Sequence[str] = ROLES) -> list[tuple[float, str]]:
    """Moments and roles: each role as often as the others, in an order of the seed's."""
    draw = random.Random(seed)
    killed = list(islice(chain.from_iterable(repeat(roles)), count))
    draw.shuffle(killed)
    return list(zip(sorted(draw.uniform(first_s, last_s) for _ in killed), killed, strict=True))


def carry_out(platform: LocalPlatform, planned: Sequence[tuple[float, str]]) -> list[Kill]:
    """Kill as planned, counted from now. A role that is still coming back is waited for.

    Raises AssertionError when a role does not come back, or when a process outlives its SIGKILL.
    """
    start = time.monotonic()
    done: list[Kill] = []
    for at_s, role in planned:
        time.sleep(max(0.0, start + at_s - time.monotonic()))
        feed = platform.rest.health()
        pid = _live_pid(platform, role, {kill.pid for kill in done})
        found = {pid: descendants(platform.process.pid)[pid]}
        at_work = _seen_at_work(pid)
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + GONE_WITHIN_S
        while alive(found):
            assert time.monotonic() < deadline, f"{role} {pid} outlived SIGKILL"
            time.sleep(0.01)
        state = feed["feed"]["state"] if feed else "unknown"
        done.append(Kill(round(time.monotonic() - start, 2), role, pid, state, at_work))
    return done


def _seen_at_work(pid: int) -> bool:
    """Wait a little for any thread of a process to be on a processor, or in line for one."""
    deadline = time.monotonic() + AT_WORK_WITHIN_S
    while time.monotonic() < deadline:
        for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
            with suppress(OSError):  # a thread may end while we look
                if stat.read_text().rpartition(")")[2].split()[0] == "R":
                    return True
        time.sleep(0.001)
    return False


def _live_pid(platform: LocalPlatform, role: str, killed: set[int]) -> int:
    """The process that fills a role now: one of the platform's own, and none that we have killed."""
    deadline = time.monotonic() + BACK_WITHIN_S
    while True:
        pid = platform.pids().get(role)
        if pid is not None and pid not in killed and pid in descendants(platform.process.pid):
            return pid
        assert time.monotonic() < deadline, f"{role} is not back after {BACK_WITHIN_S} s: {platform.pids()}"
        time.sleep(0.05)
