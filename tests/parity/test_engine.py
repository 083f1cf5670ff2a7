"""The speed path in one process, frames, Python engine and late parts, against the reference."""

from pathlib import Path

import pytest

from tests.parity import ours
from tests.parity.generate import generate
from tests.parity.reference import WIDTHS_MS, Reference
from tests.parity.speed_path import replayed


@pytest.mark.fault("F15")
@pytest.mark.parametrize(
    ("seed", "frame", "decisions"), [(1, 1, 1.0), (2, 40, 0.5), (3, 1_000, 1.0), (4, 5, 0.02)], ids=str
)
def test_engine_and_late_parts_give_the_references_bars(
    seed: int, frame: int, decisions: float, tmp_path: Path
) -> None:
    feed = generate(tmp_path, seed, bursts=6)
    reference, path = Reference(feed.files), replayed(feed.files, seed, frame=frame, decisions=decisions)
    intake = path.intake
    assert (intake.received, intake.accepted) == (feed.lines, reference.trades())
    assert (intake.duplicates, sum(intake.quarantined.values()), intake.waiting) == (feed.repeats, 0, 0)
    assert path.framer.counts["late"] > 0
    for sym in reference.symbols():
        for timeframe, width in WIDTHS_MS.items():
            assert ours.presented(path.windows(sym, timeframe)) == reference.bars(sym, width), (sym, timeframe)


@pytest.mark.fault("F70")
def test_minutes_of_engine_and_late_parts_roll_up_to_every_timeframe(tmp_path: Path) -> None:
    feed = generate(tmp_path, 9, bursts=6)
    path = replayed(feed.files, 9, frame=20, decisions=0.3)
    for sym in ("NRM", "TINY"):
        minutes = path.windows(sym, "1m")
        for timeframe, width in WIDTHS_MS.items():
            assert ours.bars(minutes, width) == ours.presented(path.windows(sym, timeframe)), (sym, timeframe)
