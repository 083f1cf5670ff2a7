"""`python -m local_dev.simulator`."""

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest

from local_dev.simulator.__main__ import main

ROOT = Path(__file__).parents[4]
PATIENCE_S = 60


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "local_dev.simulator", *arguments]


def test_it_says_where_it_listens_serves_the_present_and_stops_in_order_when_told_to() -> None:
    process = subprocess.Popen(  # noqa: S603 -- our own module
        command("--hold", "--seed", "5"), cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        word, url = process.stdout.readline().split()
        assert word == "ready"
        with urlopen(f"{url}/__feed", timeout=PATIENCE_S) as response:  # noqa: S310  # the URL it just printed
            state = json.load(response)
        assert abs(state.pop("clock_ms") - time.time() * 1000) < PATIENCE_S * 1000
        assert state == {"simulated": True, "sent": 0, "ended": False, "held": True, "clients": 0}
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE_S)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--speed", "fast"], "speed must be max or a number"),
        (["--activity", "0"], "activity must be more than 0"),
        (["--activity", "nan"], "activity must be more than 0"),
        (["--activity", "101"], "activity must be more than 0"),
        (["--port", "TAKEN"], "cannot be used"),
    ],
    ids=str,
)
def test_wrong_input_is_one_sentence_and_exit_status_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        chosen = [str(taken.getsockname()[1]) if argument == "TAKEN" else argument for argument in arguments]
        assert main(chosen) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert words in said.err
    assert len(said.err.splitlines()) == 1


def test_the_process_exits_with_that_status() -> None:
    fast = command("--speed", "fast")
    result = subprocess.run(fast, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)  # noqa: S603 -- our own module
    assert (result.returncode, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
