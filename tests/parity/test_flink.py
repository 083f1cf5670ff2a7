"""The Flink job against the Python engine, window for window, and with the late parts against the reference.

One JVM; `make test` runs a small feed in streaming and in batch mode, `make parity` all of them.
"""

from datetime import date, time
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from local_dev.runtime.flink import FlinkJvm
from shared.bars.algebra import merge
from shared.bars.windows import STREAM_TIMEFRAMES
from shared.models.bar import EMPTY, Partial
from speed_layer.engine.flink.main import TIMEFRAMES
from tests.effort import at_most, everything
from tests.parity import hand_made, ours
from tests.parity.conftest import Fed, feed
from tests.parity.flink_path import BROKEN, BeatingPath, Emitted, beating, emitted, write_shard
from tests.parity.reference import HOUR_MS, MINUTE_MS, WIDTHS_MS, Reference, new_york_ms

pytestmark = pytest.mark.timeout(900)
ONLY_WHOLE = pytest.mark.skipif(not everything(), reason="a job of Flink's more: make parity runs it")
LEAST = at_most(2_000, 500)
HALF_DAY = date(2013, 11, 29)
Bars = dict[tuple[str, str, int], Partial]


def engines(path: BeatingPath) -> Bars:
    return {(sym, tf, t): partial for (sym, tf), windows in path.base.items() for t, partial in windows.items()}


def generated(bars: Bars) -> Bars:
    return {key: partial for key, partial in bars.items() if key[0] not in hand_made.SYMBOLS}


def differing(a: Bars, b: Bars) -> list[tuple[str, str, int]]:
    return [key for key in {*a, *b} if a.get(key) != b.get(key)]


def against_reference(bars: Bars, path: BeatingPath, reference: Reference, *, late: bool) -> int:
    """How many presented bars are the reference's, with the late parts beside them where they are not in them."""
    compared = 0
    for sym in reference.symbols():
        for timeframe, width in WIDTHS_MS.items():
            mine = {t: partial for (of, tf, t), partial in bars.items() if (of, tf) == (sym, timeframe)}
            beside = path.late[sym, timeframe] if late else {}
            whole = {t: merge(mine.get(t, EMPTY), beside.get(t, EMPTY)) for t in {*mine, *beside}}
            want = reference.bars(sym, width)
            assert ours.presented(whole) == want, (sym, timeframe)
            compared += len(want)
    return compared


def compared(made: Emitted, fed: Fed) -> int:
    """How many bars of a stream are the reference's, once its windows are those of the Python engine."""
    assert differing(generated(made.bars), engines(fed.path)) == []
    assert made.records < len(made.bars), "windows that close together travel together"
    return against_reference(made.bars, fed.path, fed.reference, late=True)


def test_a_stream_of_frames_gives_the_python_engines_windows_and_the_references_bars(
    made: Emitted, fed: Fed, capsys: pytest.CaptureFixture[str]
) -> None:
    bars = compared(made, fed)
    with capsys.disabled():
        print(f"\nFlink: {len(made.bars):,} windows, {bars:,} bars of the reference: 0 differences")  # noqa: T201  # asked for
    assert bars > LEAST


@ONLY_WHOLE
def test_batch_mode_gives_the_references_bars_with_the_late_parts_in_them(
    jvm: FlinkJvm, fed: Fed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = emitted(jvm, fed.shard, tmp_path / "out", batch=True)
    bars = against_reference(made.bars, fed.path, fed.reference, late=False)
    with capsys.disabled():
        print(f"\nFlink in batch mode: {bars:,} bars of the reference: 0 differences")  # noqa: T201  # the same
    assert bars > LEAST


def test_the_feed_holds_a_halt(fed: Fed) -> None:
    """Half an hour of the session in which a symbol stands still, and goes on, while another trades."""
    minutes = {sym: [int(bar["t"]) for bar in fed.reference.bars(sym, MINUTE_MS)] for sym in fed.reference.symbols()}
    noon = new_york_ms(HALF_DAY, time(12))
    session = [[t for t in of if noon - 150 * MINUTE_MS <= t < noon + HOUR_MS] for of in minutes.values()]
    halts = [(a, b) for of in session for a, b in pairwise(of) if b - a > 30 * MINUTE_MS]
    assert any(a < t < b for a, b in halts for of in session for t in of)


class Drawn(NamedTuple):
    """How a feed is drawn and cut into frames; large frames need many trades to be more than a few."""

    seed: int
    frame: int
    decisions: float
    bursts: int = 6


@ONLY_WHOLE
@pytest.mark.parametrize("drawn", [Drawn(32, 1, 1.0), Drawn(33, 1_000, 1.0, 30), Drawn(34, 5, 0.02)], ids=str)
def test_no_cut_into_frames_changes_a_bar(
    jvm: FlinkJvm, drawn: Drawn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fed = feed(tmp_path, drawn.seed, frame=drawn.frame, decisions=drawn.decisions, bursts=drawn.bursts)
    bars = compared(emitted(jvm, fed.shard, tmp_path / "out"), fed)
    with capsys.disabled():
        print(f"\nFlink, {drawn}: {bars:,} bars of the reference: 0 differences")  # noqa: T201  # the same
    assert bars > LEAST


@ONLY_WHOLE
def test_recorded_days_give_the_python_engines_windows_and_the_references_bars(
    jvm: FlinkJvm, recorded_trades: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, reference = beating(recorded_trades, 7, frame=6_000, decisions=0.5), Reference(recorded_trades)
    write_shard(tmp_path / "shard", path.frames, 7, again=0.05)
    stream = emitted(jvm, tmp_path / "shard", tmp_path / "stream")
    assert differing(stream.bars, engines(path)) == []
    batch = emitted(jvm, tmp_path / "shard", tmp_path / "batch", batch=True)
    bars = [against_reference(made.bars, path, reference, late=made is stream) for made in (stream, batch)]
    with capsys.disabled():
        print(f"\nFlink: {path.intake.accepted:,} recorded trades, {bars[0]:,} bars, twice: 0 differences")  # noqa: T201  # the same
    assert bars[0] == bars[1] > 5_467, "the published minutes alone"


def by_hand(made: Emitted, fed: Fed, *symbols: str) -> hand_made.Windows:
    """The job's windows of some hand-made symbols."""
    return {
        (sym, tf, t // 1000 - fed.hand_made): hand_made.powers_in(partial.volume)
        for (sym, tf, t), partial in made.bars.items()
        if sym in symbols
    }


def expected(*symbols: str) -> hand_made.Windows:
    return {key: powers for key, powers in hand_made.windows().items() if key[0] in symbols}


@pytest.mark.fault("F67")
def test_the_job_leaves_out_what_nobody_can_read_and_goes_on(made: Emitted, fed: Fed) -> None:
    """Archive keeps the bytes of such records and counts them."""
    lines = (fed.shard / "shard").read_bytes().splitlines()
    assert all(lines.count(broken) >= 2 for broken in BROKEN)
    assert differing(generated(made.bars), engines(fed.path)) == []


@pytest.mark.fault("F68")
def test_the_job_leaves_out_parts_with_nan_for_a_number_and_counts_their_neighbours(made: Emitted, fed: Fed) -> None:
    assert (fed.shard / "shard").read_bytes().count(b'"NaN"') > 5
    assert by_hand(made, fed, hand_made.NOT_A_NUMBER) == expected(hand_made.NOT_A_NUMBER)


@pytest.mark.fault("F69")
def test_each_part_of_a_record_stands_at_its_own_second(made: Emitted, fed: Fed) -> None:
    assert by_hand(made, fed, *hand_made.PACKED) == expected(*hand_made.PACKED)


@pytest.mark.fault("F70")
def test_the_seconds_beside_a_boundary_fall_on_either_side_of_it(made: Emitted, fed: Fed) -> None:
    symbols = hand_made.BOUNDARIES, hand_made.TOO_LATE
    assert by_hand(made, fed, *symbols) == expected(*symbols)


def test_the_jobs_timeframes_are_the_streams() -> None:
    assert {timeframe: minutes * 60 for timeframe, minutes in TIMEFRAMES.items()} == STREAM_TIMEFRAMES
