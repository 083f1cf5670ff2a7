"""`condvest import`: what it says of a file, and what it refuses."""

import argparse
from collections.abc import Callable
from pathlib import Path

import pytest

from local_dev.cli import import_file
from local_dev.cli.errors import WrongInput

LINES = (
    "Date,Open,High,Low,Close,Volume",
    "2024-01-02,10,12.5,9.75,11,500",
    "2024-01-03,10,9,12,11,500",
    "2024-01-04,10,12.5,9.75,11,500",
    "2024-01-06,10,12.5,9.75,11,500",
)
Run = Callable[..., int]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    file = tmp_path / "bars.csv"
    file.write_text("\n".join(LINES))

    def run(*arguments: str) -> int:
        parser = argparse.ArgumentParser()
        import_file.add_arguments(parser)
        state = ("--state", str(tmp_path / "state"))
        return import_file.run(parser.parse_args([str(file), "--kind", "daily", *arguments, *state]))

    return run


def test_a_dry_run_checks_everything_and_stores_nothing(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--map", "ts=Date", "--symbol", "A", "--dry-run") == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("read        2 bars of 1 symbol, 2024-01-02 to 2024-01-04 from ")
    assert told[1] == "quarantined 2 rows  no_session 1, price 1"
    assert told[2] == "  line 3: price: high must not be below low, was 9 below 12"
    assert told[3] == "  line 5: no_session: 2024-01-06 is no trade date"
    assert told[4] == "nothing was stored: --dry-run"
    assert not (tmp_path / "state").exists()


def test_a_file_is_stored_and_a_repeat_finds_everything_there(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--map", "ts=Date", "--symbol", "A") == 0
    assert "stored      added 2, corrected 0, there already 0; in " in capsys.readouterr().out
    assert run("--map", "ts=Date", "--symbol", "A") == 0
    assert "stored      added 0, corrected 0, there already 2; in " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "no column for ts, sym"),
        (("--symbol", "A"), "no column for ts: name it with --map"),
        (("--map", "ts=Date", "--symbol", "a b"), "--symbol: a b is no symbol."),
        (("--map", "ts=Date", "--symbol", "A", "--tz", "New York"), "--tz: New York is no zone"),
        (("--map", "ts=Date", "--symbol", "A", "--tz", "../x"), "--tz: ../x is no zone"),
        (("--map", "ts=Date=", "--symbol", "A"), "the file has no column 'Date='"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(run: Run, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(WrongInput) as refused:
        run(*arguments)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "state").exists()


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    parser = argparse.ArgumentParser()
    import_file.add_arguments(parser)
    with pytest.raises(WrongInput, match="there is no file"):
        import_file.run(parser.parse_args([str(tmp_path / "none.csv"), "--kind", "daily"]))


def test_a_file_of_which_no_row_can_be_used_is_a_failure(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bars.csv").write_text("\n".join((LINES[0], LINES[2])))
    assert run("--map", "ts=Date", "--symbol", "A", "--dry-run") == 1
