"""`python -m local_dev.vendor`."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from local_dev.vendor.__main__ import main
from tests.unit.local_dev.vendor.support import OPEN_MS, record, trade

ROOT = Path(__file__).parents[4]
PATIENCE_S = 30


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "local_dev.vendor", *map(str, arguments)]


@contextmanager
def running(*arguments: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and the URL it printed."""
    process = subprocess.Popen(  # noqa: S603 -- our own module
        command(*arguments), cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        words = process.stdout.readline().split()
        assert words[0] == "ready"
        yield process, words[1]
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE_S)


def test_it_says_where_it_listens_and_stops_in_order_when_told_to(tmp_path: Path) -> None:
    path = record(tmp_path / "a.jsonl", [trade(number) for number in range(100)])
    with running("--data", path, "--hold", "--from-ms", OPEN_MS + 500, "--speed", "max") as (process, url):
        with urlopen(f"{url}/__feed", timeout=PATIENCE_S) as response:  # noqa: S310  # the URL it just printed
            state = json.load(response)
        assert (state["held"], state["sent"], state["total"]) == (True, 50, 100)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "gone"], "does not exist"),
        (["--speed", "fast"], "speed must be max or a number"),
        (["--speed", "1001"], "speed must be max or a number"),
        (["--speed", "nan"], "speed must be max or a number"),
        (["--faults", "boom@1"], "unknown fault"),
        (["--port", "TAKEN"], "cannot be used"),
        (["--port", "65536"], "cannot be used"),
    ],
    ids=str,
)
def test_wrong_input_is_one_sentence_and_exit_status_2(
    tmp_path: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = record(tmp_path / "a.jsonl", [trade(0)])
    with socket.create_server(("127.0.0.1", 0)) as taken:
        chosen = [str(taken.getsockname()[1]) if argument == "TAKEN" else argument for argument in arguments]
        assert main(["--data", str(path), *chosen]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert words in said.err
    assert said.err.count("\n") == 1


def test_the_process_exits_with_that_status(tmp_path: Path) -> None:
    gone = command("--data", tmp_path / "gone")
    result = subprocess.run(gone, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)  # noqa: S603 -- our own module
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
