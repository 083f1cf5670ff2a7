"""The Flink job against the Python engine, window for window, and with the late parts against the reference.

One JVM; `make test` runs one job, `make parity` all of them.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pytest

from local_dev.runtime.flink import FlinkJvm
from shared.bars.algebra import merge
from shared.bars.windows import STREAM_TIMEFRAMES
from shared.models.bar import EMPTY, Partial
from speed_layer.engine.flink.main import TIMEFRAMES
from tests.effort import at_most, everything
from tests.parity import ours
from tests.parity.flink_path import BeatingPath, Edit, beating, emitted, write_shard
from tests.parity.generate import DAYS, generate
from tests.parity.reference import WIDTHS_MS, Reference

pytestmark = pytest.mark.timeout(900)
CUT = (date(2013, 3, 11), date(2013, 11, 29))
"""The first session of daylight saving, and a half day."""
ONLY_WHOLE = pytest.mark.skipif(not everything(), reason="a job of Flink's more: make parity runs it")
Bars = dict[tuple[str, str, int], Partial]


@pytest.fixture(scope="module")
def jvm() -> Iterator[FlinkJvm]:
    with FlinkJvm() as jvm:
        yield jvm


class Run(NamedTuple):
    """What was sent, and the reference over the same files."""

    path: BeatingPath
    reference: Reference
    shard: Path


def sent(tmp_path: Path, seed: int, *, frame: int, decisions: float, bursts: int = 6) -> Run:
    feed = generate(tmp_path / "feed", seed, days=at_most(DAYS, CUT), bursts=bursts)
    path = beating(feed.files, seed, frame=frame, decisions=decisions)
    assert path.framer.counts["late"] > 0
    assert path.beats > 10
    assert write_shard(tmp_path / "shard", path.frames, seed) > 10
    return Run(path, Reference(feed.files), tmp_path / "shard")


def engines(path: BeatingPath) -> Bars:
    return {(sym, tf, t): partial for (sym, tf), windows in path.base.items() for t, partial in windows.items()}


def differing(a: Bars, b: Bars) -> list[tuple[str, str, int]]:
    return [key for key in {*a, *b} if a.get(key) != b.get(key)]


def against_reference(bars: Bars, run: Run, *, late: bool) -> int:
    """How many presented bars are the reference's, with the late parts beside them where they are not in them."""
    compared = 0
    for sym in run.reference.symbols():
        for timeframe, width in WIDTHS_MS.items():
            mine = {t: partial for (of, tf, t), partial in bars.items() if (of, tf) == (sym, timeframe)}
            beside = run.path.late[sym, timeframe] if late else {}
            whole = {t: merge(mine.get(t, EMPTY), beside.get(t, EMPTY)) for t in {*mine, *beside}}
            want = run.reference.bars(sym, width)
            assert ours.presented(whole) == want, (sym, timeframe)
            compared += len(want)
    return compared


class Drawn(NamedTuple):
    """How a feed is drawn and cut into frames."""

    seed: int
    frame: int
    decisions: float


@pytest.mark.parametrize(
    "drawn",
    at_most([Drawn(31, 40, 0.5), Drawn(32, 1, 1.0), Drawn(33, 1_000, 1.0), Drawn(34, 5, 0.02)], [Drawn(31, 40, 0.5)]),
    ids=str,
)
def test_a_stream_of_frames_gives_the_python_engines_windows_and_the_references_bars(
    jvm: FlinkJvm, drawn: Drawn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = sent(tmp_path, drawn.seed, frame=drawn.frame, decisions=drawn.decisions)
    made = emitted(jvm, run.shard, tmp_path / "out")
    assert differing(made.bars, engines(run.path)) == []
    assert made.records < len(made.bars), "windows that close together travel together"
    compared = against_reference(made.bars, run, late=True)
    with capsys.disabled():
        print(f"\nFlink: {len(made.bars):,} windows, {compared:,} bars of the reference: 0 differences")  # noqa: T201  # asked for
    assert compared > 500


@ONLY_WHOLE
def test_batch_mode_gives_the_references_bars_with_the_late_parts_in_them(
    jvm: FlinkJvm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = sent(tmp_path, 35, frame=40, decisions=0.5)
    made = emitted(jvm, run.shard, tmp_path / "out", batch=True)
    compared = against_reference(made.bars, run, late=False)
    with capsys.disabled():
        print(f"\nFlink in batch mode: {compared:,} bars of the reference: 0 differences")  # noqa: T201  # the same
    assert compared > 2_000


@ONLY_WHOLE
def test_recorded_days_give_the_python_engines_windows_and_the_references_bars(
    jvm: FlinkJvm, recorded_trades: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = beating(recorded_trades, 7, frame=6_000, decisions=0.5)
    write_shard(tmp_path / "shard", path.frames, 7, again=0.05)
    made = emitted(jvm, tmp_path / "shard", tmp_path / "out")
    assert differing(made.bars, engines(path)) == []
    compared = against_reference(made.bars, Run(path, Reference(recorded_trades), tmp_path / "shard"), late=True)
    with capsys.disabled():
        print(f"\nFlink: {path.intake.accepted:,} recorded trades, {compared:,} bars: 0 differences")  # noqa: T201  # the same
    assert compared > 5_467, "the published minutes alone"


FAULTS: dict[str, Edit] = {
    "an open that comes last": lambda sql: sql.replace("MIN(`first`) AS `first`", "MAX(`first`) AS `first`"),
    "repeats counted": lambda sql: sql.replace(
        "PARTITION BY window_start, window_end, f,", "PARTITION BY window_start, window_end, f, RAND(),"
    ),
    "late parts in windows they came too late for": lambda sql: sql.replace("closed < 1", "closed < 2"),
    "parts of another version": lambda sql: sql.replace("v = 1 AND", "v > 0 AND"),
    "a day's high that forgets the extended hours": lambda sql: sql.replace("MAX(day_high)", "MAX(high)"),
    "shares cut to hundreds": lambda sql: sql.replace("SUM(volume) AS", "SUM(TRUNCATE(volume, -2)) AS"),
}


@ONLY_WHOLE
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_planted_in_the_sql_is_found(jvm: FlinkJvm, fault: str, tmp_path: Path) -> None:
    run = sent(tmp_path, 36, frame=40, decisions=0.5, bursts=3)
    made = emitted(jvm, run.shard, tmp_path / "out", edit=FAULTS[fault])
    assert differing(made.bars, engines(run.path)) != []


def test_the_jobs_timeframes_are_the_streams() -> None:
    assert {timeframe: minutes * 60 for timeframe, minutes in TIMEFRAMES.items()} == STREAM_TIMEFRAMES
