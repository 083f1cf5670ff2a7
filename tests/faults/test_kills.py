"""A quarter of an hour around the open, or an hour of it. Once as it was, once with trades repeated up to 20 minutes
later and out of order within 2 s while processes are killed again and again: what is read afterwards must be the same
bytes. `make parity` kills each process fifty times, with either engine.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, time
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple

import pytest

from stacks.constructs.connector import locked
from tests.effort import at_most
from tests.end_to_end.local_platform import LocalPlatform, running
from tests.end_to_end.observe import Run, day_targets, differences, observe, run
from tests.faults.crossings import FIRED, impossible, told, watch, watched
from tests.faults.kills import ROLES, Kill, carry_out, plan
from tests.parity import rewrite
from tests.parity.reference import Reference, new_york_ms

pytestmark = [pytest.mark.platform, pytest.mark.timeout(1800)]

SEED = 20131008
DAY = date(2013, 10, 8)
SINCE, UNTIL = new_york_ms(DAY, time(9, 22)), new_york_ms(DAY, at_most(time(10, 22), time(9, 37)))
TARGETS = day_targets(("AIG", "BAC", "SPY"), [DAY])
TELLERS = ("signals", "notify", "announce", "push", "alerts")
HAS_CONNECTOR = bool(os.environ.get("FLINK_CONNECTOR") or locked().sha256)


class Play(NamedTuple):
    """What is killed how often, at a pace in feed seconds a second."""

    engine: str
    roles: tuple[str, ...]
    kills: int
    speed: int

    @property
    def seconds(self) -> float:
        return (UNTIL - SINCE) / 1000 / self.speed

    def __str__(self) -> str:
        return f"{self.engine}: {' '.join(self.roles)}"


EVERY = [
    *(Play("python", (role,), 50, 20) for role in (*ROLES, *TELLERS)),
    *(Play("flink", (role,), 50, 20) for role in (*ROLES, *TELLERS)),
    Play("flink", ("flink",), 50, 5),  # it takes half a minute to start
]


class Chaos(NamedTuple):
    play: Play
    killed: Run
    kills: list[Kill]
    statuses: set[int]
    crossings: list[dict[str, Any]]


@pytest.fixture(scope="module")
def feed(recorded_trades: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder: `cut` as it was, `trades` disturbed."""
    folder = tmp_path_factory.mktemp("kills")
    cut = rewrite.cut([file for file in recorded_trades if str(DAY) in file.name], folder / "cut", SINCE, UNTIL)
    rewrite.disturbed(cut, folder / "trades", SEED)
    return folder


@pytest.fixture(scope="module")
def reference(feed: Path) -> Reference:
    return Reference(sorted((feed / "trades").iterdir()))


@pytest.fixture(scope="module")
def quiet(feed: Path) -> Run:
    return run(feed / "quiet", feed / "cut", TARGETS)


@pytest.fixture(scope="module", params=at_most(EVERY, [Play("python", ROLES, 12, 40)]), ids=str)
def chaos(request: pytest.FixtureRequest, feed: Path, quiet: Run) -> Chaos:
    play: Play = request.param
    if play.engine == "flink" and not HAS_CONNECTOR:
        pytest.skip("the Kinesis connector is not locked, and FLINK_CONNECTOR names none")
    levels, options = watched(sorted((feed / "cut").iterdir())).levels, ("--bar-engine", play.engine)
    state = feed / f"{play.engine} {len(play.roles)} {play.roles[0]}"
    with running(state, *options, feed=feed / "trades", speed=str(play.speed)) as platform:
        watch(platform, levels)
        with reading(platform) as statuses:
            kills = carry_out(platform, plan(SEED, play.kills, 1.0, play.seconds - 3, play.roles))
            platform.wait_until_ended(within_s=500)
        crossings = told(platform)
        killed = observe(platform, TARGETS, within_s=500)
    return Chaos(play, killed, kills, statuses, crossings)


@contextmanager
def reading(platform: LocalPlatform) -> Iterator[set[int]]:
    """Somebody reads all the while: the functions behind the API live only when they are asked. Yields the statuses."""
    statuses: set[int] = set()
    done = Event()

    def read() -> None:
        while not done.wait(0.25):
            for target in (TARGETS[0], FIRED):
                status = platform.rest.status_of(target)
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
    assert len({kill.pid for kill in chaos.kills}) == len(chaos.kills) == chaos.play.kills
    assert {kill.role for kill in chaos.kills} == set(chaos.play.roles)
    assert sum(kill.feed == "running" for kill in chaos.kills) >= chaos.play.kills * 5 // 6, chaos.kills


def test_the_feed_repeats_trades_and_is_out_of_order(quiet: Run, reference: Reference) -> None:
    repeats = reference.lines() - reference.trades()
    assert reference.trades() == quiet.raw.trades > at_most(60_000, 12_000)
    assert 0.04 < repeats / reference.trades() < 0.06


def test_answers_after_the_kills_are_the_same_bytes(chaos: Chaos, quiet: Run) -> None:
    assert chaos.killed.answers == quiet.answers, chaos.kills


def test_answers_after_the_kills_equal_the_reference(chaos: Chaos, reference: Reference) -> None:
    assert differences(chaos.killed, reference, TARGETS) == []
    assert any(chaos.killed.bars(target) for target in TARGETS)


def test_the_raw_log_holds_every_trade_once(chaos: Chaos, quiet: Run, reference: Reference) -> None:
    assert chaos.killed.raw.trades == chaos.killed.raw.identities == reference.trades()
    assert chaos.killed.raw.volume == quiet.raw.volume == reference.volume()
    assert chaos.killed.count("lost") == 0


def test_each_crossing_of_an_alert_was_told_once(chaos: Chaos, feed: Path) -> None:
    """Each at a trade of the feed, and a fall between two of a symbol: an independent check. How many depends on the
    kills, since what is refilled behind later trades fires nothing; a handful shows that rules were looked at."""
    assert len({one["id"] for one in chaos.crossings}) == len(chaos.crossings) >= at_most(30, 5)
    assert impossible(chaos.crossings, watched(sorted((feed / "cut").iterdir()))) == []


def test_readers_got_an_answer_or_an_honest_error(chaos: Chaos) -> None:
    assert 200 in chaos.statuses
    assert chaos.statuses <= {200, 500, 502, 503, 504}, chaos.statuses


def test_the_platform_stops_cleanly_after_the_kills(chaos: Chaos) -> None:
    assert (chaos.killed.exit_code, chaos.killed.left_behind) == (0, [])
