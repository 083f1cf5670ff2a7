"""What `condvest backfill` refuses, and what it says it would do."""

import gzip
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local_dev.cli.main import main

RANGE = ("--from", "2022-01-01", "--to", "2023-12-31")


def backfill(*arguments: str) -> int:
    return main(["backfill", *arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two symbols, one day of bars each."""
    (tmp_path / "daily").mkdir()
    for sym in ("AAPL", "SPY"):
        with gzip.open(tmp_path / "daily" / f"{sym}.csv.gz", "wt") as file:
            file.write("ticker,volume,open,close,high,low,window_start,transactions\n")
            file.write(f"{sym},100,1,2,2,1,1672722000000000000,0\n")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "2023-12-31", "--to", "2022-01-01"), "--from 2023-12-31 is after --to 2022-01-01"),
        (("--from", "yesterday", "--to", "2022-01-01"), "yesterday is no date"),
        ((*RANGE, "--source", "/nowhere"), "/nowhere is no folder with daily bars"),
        ((*RANGE, "--source", "flatfiles", "--plan", "paid", "--state", "unmade"), "FLAT_FILES_KEY"),
        ((*RANGE, "--source", "flatfiles"), "flat"),
        ((*RANGE, "--symbols", "A", "--state", "unmade"), "POLYGON_API_KEY"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    arguments: tuple[str, ...],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert backfill(*arguments) in {1, 2}
    told = capsys.readouterr()
    assert said in told.err
    assert told.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_symbol_that_the_files_do_not_have_is_named_with_those_they_have(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert backfill(*RANGE, "--source", str(folder), "--symbols", "SPY,IBM") == 2
    assert re.search(r"no IBM; it has AAPL, SPY\.", capsys.readouterr().err)


def test_a_dry_run_tells_calls_and_time_at_the_plans_quota_and_asks_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    """50 symbols for two years: 50 calls, 5 a minute, so the last begins 9 minutes after the first."""
    symbols = ",".join(f"S{number:02d}" for number in range(50))
    assert backfill(*RANGE, "--symbols", symbols, "--dry-run") == 0
    told = capsys.readouterr().out
    assert "50 calls" in told
    assert "about 9 min at 5 calls a minute" in told
    assert "one call a session for the whole market: 501 calls" in told


def test_a_dry_run_over_files_counts_their_symbols(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert backfill(*RANGE, "--source", str(folder), "--dry-run") == 0
    assert "2 calls" in capsys.readouterr().out


def test_the_simulated_market_is_a_source_that_trades_every_day(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Saturday and Sunday too: eight bars of each symbol, and its listing."""
    yesterday = datetime.now(UTC).date() - timedelta(days=2)
    days = ("--from", str(yesterday - timedelta(days=7)), "--to", str(yesterday))
    state = ("--state", str(tmp_path / "state"))
    assert backfill(*days, "--source", "sim", "--symbols", "KO,SPY", *state) == 0
    assert "added 18, corrected 0" in re.sub(" +", " ", capsys.readouterr().out)
    assert backfill(*days, "--source", "sim", "--symbols", "IBM", *state) == 2
    assert "sim has no IBM; it has AAPL, AMD" in capsys.readouterr().err
