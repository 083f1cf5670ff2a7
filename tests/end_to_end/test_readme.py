"""The README's first screen, done as written: its command, then its Python."""

import json
import os
import re
import shlex
from pathlib import Path

import pytest

from tests.end_to_end.local_platform import ROOT, run_to_end, running

pytestmark = pytest.mark.platform

README = (ROOT / "README.md").read_text()
OPEN_MS = 1_381_239_000_000  # 2013-10-08 09:30 in New York
TRADES = [
    {
        "ev": "T",
        "sym": "SPY",
        "x": 11,
        "i": str(n),
        "z": 2,
        "p": 167 + n / 100,
        "s": 100,
        "t": OPEN_MS + n * 1000,
        "q": n,
    }
    for n in range(1, 4)
]


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    file = tmp_path / "trades.jsonl"
    file.write_text("".join(json.dumps(trade) + "\n" for trade in TRADES))
    return file


def test_the_command_that_replays_once_prints_every_count_and_succeeds(feed: Path, tmp_path: Path) -> None:
    (arguments,) = re.findall(r'make run ARGS="([^"]*--once[^"]*)"', README)
    words = [str(feed) if word == "../shared/data/trades" else word for word in shlex.split(arguments)]
    state = os.path.relpath(tmp_path / "state", ROOT)  # relative, as the default is
    done = run_to_end("up", *words, "--port", "0", "--state", state)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = dict(re.findall(r"^([a-z][a-z ]*?) +([\d,]+)$", done.stdout, re.MULTILINE))
    assert {"trades in", "frames", "parts", "bars", "late", "duplicates", "quarantined", "lost"} <= set(counts)
    assert (counts["trades in"], counts["lost"]) == ("3", "0")


def test_the_snippet_prints_the_bars_of_the_feed(
    feed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    with running(tmp_path / "state", feed=feed) as platform:
        health = platform.wait_until_ended(within_s=60)
        code = re.sub(r"<[^>]*>", health["local_key"], snippet).replace("http://127.0.0.1:8000", platform.base)
        exec(code, {})  # noqa: S102 -- the document's own example
    assert capsys.readouterr().out.split() == [
        str(OPEN_MS),
        "167.01",
        "167.03",
        "167.01",
        "167.03",
        "300",
        "167.02",
        "3",
    ]
