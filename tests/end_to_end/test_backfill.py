"""Recorded history loaded by `condvest backfill`, killed at seeded moments, then read by the official client.

What is expected comes from the files themselves and from the published factors.
"""

import csv
import gzip
import os
import random
import signal
import subprocess
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from polygon import RESTClient  # type: ignore[import-untyped]  # the vendor ships no types

from local_dev.runtime.history_source import served
from local_dev.runtime.processes import Supervisor
from tests.effort import at_most
from tests.end_to_end.counting import Counting, counting
from tests.end_to_end.local_platform import ROOT, alive, command, descendants, environment, run_to_end, running

pytestmark = [pytest.mark.platform, pytest.mark.timeout(900)]

SEED, KILLS = 41, at_most(10, 4)
FIRST, LAST = "1998-01-01", "2021-03-31"
SYMBOLS = ("AAPL", "AIG", "BAC", "BNO", "FB", "IWM", "SPY")


class Bar(NamedTuple):
    """Start in Unix ms."""

    start: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class Story(NamedTuple):
    """`killed`: exit codes of the runs that were killed; `left`: processes that outlived theirs."""

    killed: list[int]
    left: list[int]
    asked: dict[str, int]
    again: str
    raw: dict[str, list[Bar]]
    adjusted: dict[str, list[Bar]]


@pytest.fixture(scope="module")
def story(recorded: Path, tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("backfill")
    state = folder / "state"
    supervisor = Supervisor(folder / "logs")
    with served(recorded, supervisor) as source, counting(source.base) as front:
        draw = random.Random(SEED)
        killed, left = [], []
        for _ in range(KILLS):
            with started(front, state) as process:
                calls = front.asked.total() + draw.randint(1, 2)
                wait_for(front, calls, process)
                time.sleep(draw.random() * 0.05)
                family = descendants(process.pid)
                process.send_signal(signal.SIGKILL)
                killed.append(process.wait())
                time.sleep(0.5)
                left += alive(family)
        with started(front, state) as process:
            assert process.wait(120) == 0
        asked = dict(front.asked)
        again = run_to_end("backfill", *arguments(state), "--source", str(recorded)).stdout
    supervisor.stop()
    with running(state, feed="none", fresh=False) as platform:
        client = platform.client()
        raw = {sym: rows(client, sym, adjusted=False) for sym in SYMBOLS}
        adjusted = {sym: rows(client, sym, adjusted=True) for sym in SYMBOLS}
    return Story(killed, left, asked, again, raw, adjusted)


def arguments(state: Path) -> list[str]:
    return ["--from", FIRST, "--to", LAST, "--symbols", ",".join(SYMBOLS), "--plan", "paid", "--state", str(state)]


@contextmanager
def started(front: Counting, state: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A backfill from the vendor, which is the counting server."""
    vendor = {"POLYGON_REST_URL": front.url, "POLYGON_API_KEY": "any"}
    process = subprocess.Popen(  # noqa: S603 -- our own interpreter and command line
        command("backfill", *arguments(state)),
        env=environment() | vendor,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for(front: Counting, calls: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 90
    while front.asked.total() < calls:
        assert process.poll() is None, f"ended before it was killed: {process.stderr and process.stderr.read()!r}"
        assert time.monotonic() < deadline, f"{front.asked.total()} calls, not {calls}"
        time.sleep(0.01)


def rows(client: RESTClient, sym: str, *, adjusted: bool) -> list[Bar]:
    bars = client.list_aggs(sym, 1, "day", FIRST, LAST, adjusted=adjusted, limit=50_000)
    return [Bar(bar.timestamp, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars]


def filed(recorded: Path, sym: str) -> list[Bar]:
    with gzip.open(recorded / "daily" / f"{sym}.csv.gz", "rt") as file:
        return [_row(row) for row in csv.DictReader(file)]


def _row(row: dict[str, str]) -> Bar:
    start, numbers = int(row["window_start"]) // 1_000_000, [float(row[name]) for name in Bar._fields[1:]]
    return Bar(start, *numbers)


def split_factors(recorded: Path, sym: str) -> list[tuple[str, float]]:
    """(last date, factor) in order; the first row that a date does not exceed holds for it."""
    with (recorded / "factors.csv").open() as file:
        return [(row["date"], float(row["split_factor"])) for row in csv.DictReader(file) if row["ticker"] == sym]


def test_each_kill_hit_a_run_and_left_no_process(story: Story) -> None:
    assert story.killed == [-signal.SIGKILL] * KILLS
    assert story.left == []


def test_a_kill_repeats_one_call_at_the_most(story: Story) -> None:
    assert len(story.asked) >= 3 * len(SYMBOLS)
    assert sum(story.asked.values()) - len(story.asked) <= KILLS


@pytest.mark.parametrize("sym", SYMBOLS)
def test_raw_bars_are_those_of_the_files(story: Story, recorded: Path, sym: str) -> None:
    assert story.raw[sym] == filed(recorded, sym)


@pytest.mark.parametrize("sym", SYMBOLS)
def test_adjusted_bars_follow_the_published_factors(story: Story, recorded: Path, sym: str) -> None:
    factors = split_factors(recorded, sym) or [("9999-12-31", 1.0)]
    last_dates = [date for date, _ in factors]
    assert len(story.adjusted[sym]) == len(filed(recorded, sym))
    for got, raw in zip(story.adjusted[sym], filed(recorded, sym), strict=True):
        day = time.strftime(
            "%Y-%m-%d", time.gmtime(raw[0] / 1000 - 4 * 3600)
        )  # New York's date: midnight at -4 or -5 h
        factor = factors[bisect_left(last_dates, day)][1]
        assert got.close == pytest.approx(raw.close * factor, rel=1e-5), day
        assert got.volume == pytest.approx(raw.volume / factor, rel=1e-5), day


def test_another_source_is_another_job_and_changes_nothing(story: Story) -> None:
    """The same rows from the files themselves: nothing is added, nothing corrected."""
    assert "added 0, corrected 0" in story.again
    assert "quarantined          0" in story.again
