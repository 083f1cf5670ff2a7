"""Nine recorded symbol-days through the whole platform, against the reference: the main job of this system."""

from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.end_to_end.local_platform import running
from tests.end_to_end.observe import TIMEFRAMES, Run, day_targets, differences, observe
from tests.parity.reference import Reference

pytestmark = [pytest.mark.platform, pytest.mark.timeout(900)]

SYMBOLS = ("AIG", "BAC", "SPY")
PAGE = 400  # minutes in a page: several pages a day
DAYS = (date(2013, 10, 7), date(2013, 10, 8), date(2013, 10, 9))


class Replay(NamedTuple):
    run: Run
    through_client: dict[tuple[str, date, int, str], list[Any]]


@pytest.fixture(scope="module")
def reference(recorded_trades: list[Path]) -> Reference:
    return Reference(recorded_trades)


@pytest.fixture(scope="module")
def replay(recorded: Path, tmp_path_factory: pytest.TempPathFactory) -> Replay:
    """One replay of all files at full speed; every test of this file reads what it showed."""
    state = tmp_path_factory.mktemp("replay") / "state"
    with running(state, feed=recorded / "trades") as platform:
        platform.wait_until_ended(within_s=500)
        client = platform.client()
        listed = {
            (sym, day, *timeframe): list(client.list_aggs(sym, *timeframe, day, day, limit=PAGE))
            for sym in SYMBOLS
            for day in DAYS
            for timeframe in TIMEFRAMES
        }
        return Replay(observe(platform, day_targets(SYMBOLS, DAYS), within_s=10), listed)


def test_every_line_is_in_the_raw_log_or_counted_as_dropped(replay: Replay, reference: Reference) -> None:
    seen = replay.run
    assert seen.count("trades_in") == reference.lines()
    assert seen.raw.trades == seen.raw.identities == reference.trades()
    assert reference.lines() == seen.raw.trades + seen.count("duplicates") + seen.count("quarantined")
    assert (seen.count("lost"), seen.count("quarantined")) == (0, 0)


@pytest.mark.parametrize("day", DAYS, ids=str)
@pytest.mark.parametrize("sym", SYMBOLS)
def test_a_symbol_day_equals_the_reference(sym: str, day: date, replay: Replay, reference: Reference) -> None:
    targets = day_targets([sym], [day])
    assert [len(replay.run.bars(target)) > 10 for target in targets] == [True] * len(targets)
    assert differences(replay.run, reference, targets) == []


def test_the_official_client_pages_through_the_same_bars(replay: Replay, reference: Reference) -> None:
    for (sym, day, multiplier, timespan), listed in replay.through_client.items():
        got = [(b.timestamp, b.open, b.high, b.low, b.close, b.volume, b.vwap, b.transactions) for b in listed]
        want = [
            (bar["t"], *(float(bar[field]) for field in ("o", "h", "l", "c", "v", "vw")), bar["n"])
            for bar in reference.day(sym, multiplier, timespan, day)
        ]
        assert got == want, (sym, day, multiplier, timespan)


def test_volume_adds_up_to_that_of_the_files(replay: Replay, reference: Reference) -> None:
    assert replay.run.raw.volume == reference.volume()


def test_it_stops_cleanly_and_leaves_no_process(replay: Replay) -> None:
    assert (replay.run.exit_code, replay.run.left_behind) == (0, [])
