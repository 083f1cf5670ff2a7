"""Nine recorded symbol-days through the whole platform, against the reference: the main job of this system.

`make test` takes two days of the two symbols that have a third of the trades, `make parity` all.

Each trade date is settled as soon as the feed has come past it: what is compared is read from the batch view.
"""

import csv
import gzip
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from batch_layer.reconcile.report import Report, decode
from tests.effort import at_most
from tests.end_to_end.local_platform import running
from tests.end_to_end.observe import TIMEFRAMES, Run, day_targets, differences, observe
from tests.parity.reference import Bar, Reference

pytestmark = [pytest.mark.platform, pytest.mark.timeout(900)]

SYMBOLS = at_most(("AIG", "BAC", "SPY"), ("AIG", "BAC"))
PAGE = 400  # minutes in a page: several pages a day
DAYS = (date(2013, 10, 7), date(2013, 10, 8), *at_most((date(2013, 10, 9),), ()))


class Replay(NamedTuple):
    """`days` as the API's daily bars; `reports` of the nightly by date, `pages` the folder of the same for people."""

    run: Run
    completeness: list[dict[str, Any]]
    days: dict[str, list[Bar]]
    reports: dict[date, Report]
    pages: Path
    through_client: dict[tuple[str, date, int, str], list[Any]]


@pytest.fixture(scope="module")
def files(recorded_trades: list[Path]) -> list[Path]:
    wanted = {f"{sym}_{day}.jsonl.gz" for sym in SYMBOLS for day in DAYS}
    return [file for file in recorded_trades if file.name in wanted]


@pytest.fixture(scope="module")
def reference(files: list[Path]) -> Reference:
    return Reference(files)


def source(recorded: Path, files: list[Path], folder: Path) -> Path:
    """The recorded data with these files of trades alone."""
    (folder / "trades").mkdir(parents=True)
    kept = [*files, *(each for each in recorded.iterdir() if each.name != "trades")]
    for each in kept:
        (folder / each.relative_to(recorded)).symlink_to(each)
    return folder


@pytest.fixture(scope="module")
def replay(recorded: Path, files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Replay:
    """One replay of the files at full speed; every test of this file reads what it showed."""
    folder = tmp_path_factory.mktemp("replay")
    state = folder / "state"
    with running(state, feed=source(recorded, files, folder / "source"), nightly=True) as platform:
        platform.wait_until_ended(within_s=750)
        client = platform.client()
        listed = {
            (sym, day, *timeframe): list(client.list_aggs(sym, *timeframe, day, day, limit=PAGE))
            for sym in SYMBOLS
            for day in DAYS
            for timeframe in TIMEFRAMES
        }
        (page,) = platform.rest.pages(f"/v1/completeness?from={DAYS[0]}&to={DAYS[-1]}")
        days = {sym: platform.rest.bars(sym, 1, "day", DAYS[0], DAYS[-1], adjusted="false") for sym in SYMBOLS}
        seen = observe(platform, day_targets(SYMBOLS, DAYS), within_s=10)
    reports = {day: report_of(state, day) for day in DAYS}
    return Replay(seen, page["results"], days, reports, state / "reports", listed)


def report_of(state: Path, day: date) -> Report:
    """As it lies in the lake."""
    (file,) = state.glob(f"emulator/s3/*/*/reports/reconciliation/date={day}/report.json")
    return decode(file.read_bytes())


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


def test_every_date_is_settled_and_complete(replay: Replay) -> None:
    found = [(row["date"], row["complete"], row["run"]["state"], "settled" in row) for row in replay.completeness]
    assert found == [(str(day), True, "finished", True) for day in DAYS]


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_the_views_are_equal_and_every_difference_from_the_vendor_has_its_reason(day: date, replay: Replay) -> None:
    report = replay.reports[day]
    speed, minutes, days = report.comparisons
    assert speed.differing == 0
    assert speed.bars > 300 * len(SYMBOLS)
    assert (minutes.bars > 300 * len(SYMBOLS), days.bars) == (True, len(SYMBOLS))
    assert report.unexplained == sum(comparison.kinds.get("ours", 0) for comparison in report.comparisons) == 0
    assert (replay.pages / f"{day}.html").stat().st_size > 10_000


def test_a_settled_day_is_the_vendors(replay: Replay, recorded: Path) -> None:
    for sym in SYMBOLS:
        with gzip.open(recorded / f"daily/{sym}.csv.gz", "rt") as file:
            rows = {int(row["window_start"]) // 10**6: row for row in csv.DictReader(file)}
        for bar in replay.days[sym]:
            told = [float(rows[int(bar["t"])][name]) for name in ("open", "high", "low", "close", "volume")]
            assert [float(bar[name]) for name in ("o", "h", "l", "c", "v")] == told, (sym, bar["t"])
        assert len(replay.days[sym]) == len(DAYS)


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
