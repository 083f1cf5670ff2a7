"""Trades that come minutes after their windows have closed, while what counts them is killed again and again.

Needs no recorded data. The ingester is left alive: what comes late while nobody listens is older than what it asks for
when it is back, and is settled by the nightly batch.
"""

from datetime import date

import pytest

from tests.end_to_end.local_platform import running
from tests.end_to_end.observe import Run, day_targets, differences, observe
from tests.faults.kills import Kill, carry_out, plan
from tests.parity.generate import Feed, generate
from tests.parity.reference import Reference

pytestmark = [pytest.mark.platform, pytest.mark.timeout(900)]

DAY = date(2013, 11, 29)
SPEED = 250
"""Two hours of the feed in half a minute: the promise, decided once a second, moves by four minutes a step."""
RUN_S = 2 * 3600 / SPEED
KILLS = 12
CONSUMERS = ("archive", "live", "persist", "valkey")


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, list[Kill], Feed, Reference]:
    folder = tmp_path_factory.mktemp("late")
    feed = generate(folder / "trades", 77, days=[DAY], bursts=120, hours=(9, 11))
    reference = Reference(feed.files)
    with running(folder / "state", feed=folder / "trades", speed=str(SPEED)) as platform:
        kills = carry_out(platform, plan(77, KILLS, 2.0, RUN_S - 3, CONSUMERS))
        seen = observe(platform, day_targets(reference.symbols(), [DAY]), within_s=500)
    return seen, kills, feed, reference


@pytest.mark.fault("F16")
def test_late_trades_are_in_the_bars_they_belong_to(late: tuple[Run, list[Kill], Feed, Reference]) -> None:
    seen, kills, feed, reference = late
    assert feed.late > 50
    assert seen.count("late") > 20  # some come in time where the machine was slow to close their window
    assert differences(seen, reference, seen.answers) == [], kills


def test_late_trades_are_counted_once(late: tuple[Run, list[Kill], Feed, Reference]) -> None:
    seen, _, feed, reference = late
    assert seen.raw.trades == seen.raw.identities == reference.trades()
    assert (seen.count("duplicates"), seen.count("quarantined"), seen.count("lost")) == (feed.repeats, 0, 0)


def test_each_kill_hit_a_live_process_while_the_feed_ran(late: tuple[Run, list[Kill], Feed, Reference]) -> None:
    _, kills, _, _ = late
    assert len({kill.pid for kill in kills}) == KILLS
    assert {kill.role for kill in kills} == set(CONSUMERS)
    assert {kill.feed for kill in kills} == {"running"}
