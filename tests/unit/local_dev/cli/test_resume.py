"""One feed in three runs on one state folder: stopped cleanly, then killed outright, then to its end."""

import gzip
import json
import os
import signal
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest

from local_dev.cli.running import address
from local_dev.keys.places import here
from tests.end_to_end.local_platform import READY_S, LocalPlatform, alive, descendants, running
from tests.end_to_end.observe import raw_log
from tests.end_to_end.rest import Rest
from tests.parity.reference import Bar

pytestmark = [pytest.mark.platform, pytest.mark.timeout(180)]

OPEN_MS = 1_381_152_600_000  # 2013-10-07 09:30 in New York
SECONDS, SYMBOLS = 1_800, ("AIG", "BAC", "SPY")
TRADES = SECONDS * len(SYMBOLS)
SPEED = "150"
NOW = "2026-11-26T15:00:00+00:00"


class Story(NamedTuple):
    """Trades of the raw log and keys after each run, processes left by the kill, health at the end, and in each run
    the status of answers to the keys that were made and revoked in the first."""

    stopped_exit: int
    keys: set[str]
    left_by_kill: list[int]
    trades: list[tuple[str, int, str]]
    volume: Decimal
    health: dict[str, object]
    bars: list[Bar]
    key_statuses: list[tuple[int, ...]]


def write_feed(folder: Path) -> Path:
    """One trade of each symbol a second, 10 shares each, at a price that rises by a cent a second."""
    folder.mkdir()
    for number, sym in enumerate(SYMBOLS):
        with gzip.open(folder / f"{sym}.jsonl.gz", "wt") as file:
            for second in range(SECONDS):
                t = OPEN_MS + second * 1000 + number
                trade = {"ev": "T", "sym": sym, "x": 4, "i": str(second), "z": 1, "p": round(10 + second / 100, 2)}
                file.write(json.dumps({**trade, "s": 10, "c": [0], "t": t, "q": second + 1}) + "\n")
    return folder


def key_made_at_the_start(state: Path, push_log: Path) -> str:
    """After the starting platform has looked at the keys, which is before push, and before it says where it is."""
    deadline = time.monotonic() + READY_S
    while not push_log.exists():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    _, key = here(state).create("at the start", ["bars:read"], "live", NOW)
    assert address(state) is None, "that was too late to show anything"
    return key


def trades_in(platform: LocalPlatform) -> int:
    return int(platform.health()["feed"]["trades_in"])


def statuses(platform: LocalPlatform, keys: Iterable[str]) -> tuple[int, ...]:
    """Of an answer to each key."""
    asked = (Rest(platform.base, key) for key in keys)
    return tuple(rest.get("/v1/marketstatus/now")[0] for rest in asked)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("resume")
    feed, state, keys = write_feed(folder / "trades"), folder / "state", set()
    with running(state, feed=feed, speed=SPEED) as platform:
        platform.wait_for(lambda: trades_in(platform) > TRADES / 4, 60, "to take a quarter")
        keys.add(platform.health()["local_key"])
        book = here(state)
        made = [book.create(client, ["bars:read"], "live", NOW)[1] for client in ("kept", "revoked")]
        book.revoke(made[1].split("_")[1], NOW)
        key_statuses = [statuses(platform, made)]
        stopped_exit = platform.stop()
    made.append(here(state).create("between", ["bars:read"], "live", NOW)[1])
    (push_log := state / "logs" / "push.log").unlink()
    early = ThreadPoolExecutor(1).submit(key_made_at_the_start, state, push_log)
    with running(state, feed=feed, speed=SPEED, fresh=False) as platform:
        made.append(early.result(1))
        platform.wait_for(lambda: trades_in(platform) > TRADES / 2, 60, "to take half")
        keys.add(platform.health()["local_key"])
        key_statuses.append(statuses(platform, made))
        started = descendants(platform.process.pid)
        os.kill(platform.process.pid, signal.SIGKILL)
        platform.process.wait(10)
        left = _after_a_moment(started)
    with running(state, feed=feed, speed=SPEED, fresh=False) as platform:
        health = platform.wait_until_ended(within_s=60)
        keys.add(health["local_key"])
        key_statuses.append(statuses(platform, made))
        bars = platform.rest.bars("SPY", 1, "minute", "2013-10-07", "2013-10-07", limit=50_000)
        platform.stop()
    parts = raw_log(state)
    return Story(
        stopped_exit=stopped_exit,
        keys=keys,
        left_by_kill=left,
        trades=[(part["sym"], trade[0], trade[4]) for part in parts for trade in part["trades"]],
        volume=sum((Decimal(part["bar"]["volume"]) for part in parts), Decimal()),
        health=health,
        bars=bars,
        key_statuses=key_statuses,
    )


def _after_a_moment(started: dict[int, str]) -> list[int]:
    """Processes that are still there a second later."""
    for _ in range(100):
        if not alive(started):
            return []
        time.sleep(0.01)
    return alive(started)


def test_a_clean_stop_in_the_middle_of_a_feed_is_exit_code_0(story: Story) -> None:
    assert story.stopped_exit == 0


def test_a_killed_platform_leaves_no_process(story: Story) -> None:
    assert story.left_by_kill == []


def test_the_raw_log_holds_every_trade_of_the_feed_once(story: Story) -> None:
    assert len(set(story.trades)) == TRADES
    assert len(story.trades) == TRADES
    assert story.volume == 10 * TRADES


def test_bars_are_those_of_an_undisturbed_run(story: Story) -> None:
    minutes = SECONDS // 60
    assert [bar["t"] for bar in story.bars] == [OPEN_MS + minute * 60_000 for minute in range(minutes)]
    assert [(bar["v"], bar["n"]) for bar in story.bars] == [(600, 60)] * minutes
    first = story.bars[0]
    assert (first["o"], first["c"]) == (Decimal(10), Decimal("10.59"))


def test_nothing_is_lost(story: Story) -> None:
    counts = story.health["counts"]
    assert isinstance(counts, dict)
    assert counts["lost"] == 0


def test_the_local_key_stays_the_same(story: Story) -> None:
    assert len(story.keys) == 1


def test_keys_open_and_stay_revoked_whatever_becomes_of_the_platform(story: Story) -> None:
    assert story.key_statuses == [(200, 401), (200, 401, 200, 200), (200, 401, 200, 200)]
