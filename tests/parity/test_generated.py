"""The bar algebra against the reference, on generated trades and, where they are at hand, on recorded ones."""

from pathlib import Path

import pytest

from tests.parity import ours
from tests.parity.generate import generate
from tests.parity.reference import WIDTHS_MS, Reference


@pytest.mark.parametrize("seed", [1, 20131129])
def test_generated_trades_give_the_references_bars_at_every_width(seed: int, tmp_path: Path) -> None:
    feed = generate(tmp_path, seed, bursts=15)
    reference, minutes = Reference(feed.files), ours.minutes_of(feed.files)
    assert feed.repeats > 300
    assert feed.late > 100
    assert reference.lines() - reference.trades() == feed.repeats
    for sym in reference.symbols():
        for width in WIDTHS_MS.values():
            assert ours.bars(minutes[sym], width) == reference.bars(sym, width), (seed, sym, width)


def test_the_generator_is_seeded(tmp_path: Path) -> None:
    first, again, other = (generate(tmp_path / name, seed, bursts=2) for name, seed in (("a", 5), ("b", 5), ("c", 6)))
    assert [file.read_bytes() for file in first.files] == [file.read_bytes() for file in again.files]
    assert [file.read_bytes() for file in first.files] != [file.read_bytes() for file in other.files]


def test_a_recorded_symbol_day_gives_the_references_bars(recorded: Path) -> None:
    file = recorded / "trades/AIG_2013-10-07.jsonl.gz"
    reference, minutes = Reference([file]), ours.minutes_of([file])
    for width in WIDTHS_MS.values():
        assert ours.bars(minutes["AIG"], width) == reference.bars("AIG", width)
