"""Trades that come minutes after their windows have closed, at a speed at which windows do close on the way."""

from datetime import date

import pytest

from tests.end_to_end.observe import Run, day_targets, differences, run
from tests.parity.generate import Feed, generate
from tests.parity.reference import Reference

pytestmark = [pytest.mark.platform, pytest.mark.timeout(300)]

DAY = date(2013, 11, 29)
SPEED = 1_000
"""Two hours of the feed in seven seconds: the promise, decided once a second, moves by a quarter of an hour a step."""


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Feed, Reference]:
    folder = tmp_path_factory.mktemp("late")
    feed = generate(folder / "trades", 77, days=[DAY], bursts=120, hours=(9, 11))
    reference = Reference(feed.files)
    targets = day_targets(reference.symbols(), [DAY])
    return run(folder / "state", folder / "trades", targets, speed=str(SPEED)), feed, reference


def test_late_trades_are_in_the_bars_they_belong_to(late: tuple[Run, Feed, Reference]) -> None:
    seen, feed, reference = late
    assert feed.late > 50
    assert seen.count("late") > 20
    assert differences(seen, reference, seen.answers) == []


def test_late_trades_are_counted_once(late: tuple[Run, Feed, Reference]) -> None:
    seen, feed, reference = late
    assert seen.raw.trades == seen.raw.identities == reference.trades()
    assert (seen.count("duplicates"), seen.count("quarantined"), seen.count("lost")) == (feed.repeats, 0, 0)
