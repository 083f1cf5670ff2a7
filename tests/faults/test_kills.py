"""Half an hour around the open, or half of that. Once as it was, once with trades repeated up to 20 minutes later and
out of order within 2 s while every process is killed several times: what is read afterwards must be the same bytes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, time
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

import pytest

from tests.effort import at_most
from tests.end_to_end.local_platform import LocalPlatform, running
from tests.end_to_end.observe import Run, day_targets, differences, observe, run
from tests.faults.kills import ROLES, Kill, carry_out, plan
from tests.parity import rewrite
from tests.parity.reference import Reference, new_york_ms

pytestmark = [pytest.mark.platform, pytest.mark.timeout(900)]

SEED = 20131008
DAY = date(2013, 10, 8)
SINCE, UNTIL = new_york_ms(DAY, time(9, 22)), new_york_ms(DAY, time(9, at_most(52, 37)))
SPEED = 40
KILLS = at_most(24, 12)
RUN_S = (UNTIL - SINCE) / 1000 / SPEED
TARGETS = day_targets(("AIG", "BAC", "SPY"), [DAY])


class Chaos(NamedTuple):
    quiet: Run
    killed: Run
    kills: list[Kill]
    statuses: set[int]
    reference: Reference


@pytest.fixture(scope="module")
def chaos(recorded_trades: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Chaos:
    folder = tmp_path_factory.mktemp("kills")
    cut = rewrite.cut([file for file in recorded_trades if str(DAY) in file.name], folder / "cut", SINCE, UNTIL)
    files = rewrite.disturbed(cut, folder / "trades", SEED)
    quiet = run(folder / "quiet", folder / "cut", TARGETS)
    with running(folder / "killed", feed=folder / "trades", speed=str(SPEED)) as platform, reading(platform) as seen:
        kills = carry_out(platform, plan(SEED, KILLS, 1.0, RUN_S - 3))
        killed = observe(platform, TARGETS, within_s=500)
    return Chaos(quiet, killed, kills, seen, Reference(files))


@contextmanager
def reading(platform: LocalPlatform) -> Iterator[set[int]]:
    """Somebody reads all the while: the functions behind the API live only when they are asked. Yields the statuses."""
    statuses: set[int] = set()
    done = Event()

    def read() -> None:
        while not done.wait(0.25):
            status = platform.rest.status_of(TARGETS[0])
            if status is not None:
                statuses.add(status)

    reader = Thread(target=read, daemon=True)
    reader.start()
    try:
        yield statuses
    finally:
        done.set()
        reader.join(30)


def test_every_kill_hit_a_live_process_while_the_feed_ran(chaos: Chaos) -> None:
    assert len(chaos.kills) == KILLS
    assert len({kill.pid for kill in chaos.kills}) == KILLS
    assert {kill.role for kill in chaos.kills} == set(ROLES)
    assert sum(kill.feed == "running" for kill in chaos.kills) >= KILLS * 5 // 6, chaos.kills


def test_the_feed_repeats_trades_and_is_out_of_order(chaos: Chaos) -> None:
    repeats = chaos.reference.lines() - chaos.reference.trades()
    assert chaos.reference.trades() == chaos.quiet.raw.trades > at_most(40_000, 12_000)
    assert 0.04 < repeats / chaos.reference.trades() < 0.06


def test_answers_after_the_kills_are_the_same_bytes(chaos: Chaos) -> None:
    assert chaos.killed.answers == chaos.quiet.answers, chaos.kills


def test_answers_after_the_kills_equal_the_reference(chaos: Chaos) -> None:
    assert differences(chaos.killed, chaos.reference, TARGETS) == []
    assert any(chaos.killed.bars(target) for target in TARGETS)


def test_the_raw_log_holds_every_trade_once(chaos: Chaos) -> None:
    assert chaos.killed.raw.trades == chaos.killed.raw.identities == chaos.reference.trades()
    assert chaos.killed.raw.volume == chaos.quiet.raw.volume == chaos.reference.volume()
    assert chaos.killed.count("lost") == 0


def test_readers_got_an_answer_or_an_honest_error(chaos: Chaos) -> None:
    assert 200 in chaos.statuses
    assert chaos.statuses <= {200, 500, 502, 503, 504}, chaos.statuses


def test_the_platform_stops_cleanly_after_the_kills(chaos: Chaos) -> None:
    assert (chaos.killed.exit_code, chaos.killed.left_behind) == (0, [])
