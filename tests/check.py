"""The whole check, as `make test` runs it: format, lint, import rules, types, tests; stops at the first failure.

Tests that start the platform run after the others, at most two files at a time: each holds several processes.
Everything printed here is for people; the exit code is 0 only if every step succeeded and some test passed.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree  # our own pytest wrote it

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
WORKERS = "2"

STATIC = {
    "format": ["ruff", "format", "--check", "--quiet", "."],
    "lint": ["ruff", "check", "--quiet", "."],
    "import rules": ["lint-imports"],
    "types": ["mypy"],
}
TESTS = {
    "tests": ["-n", WORKERS, "--dist", "loadfile", "-m", "not platform and not bench"],
    "tests of the running platform": ["-n", WORKERS, "--dist", "loadfile", "-m", "platform and not bench"],
}


class Tally(NamedTuple):
    """Tests by outcome, and reasons of those skipped."""

    passed: int = 0
    failed: int = 0
    skipped: tuple[str, ...] = ()

    def plus(self, other: "Tally") -> "Tally":
        return Tally(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def run_step(name: str, tool: str, arguments: list[str]) -> bool:
    """Run a tool of this environment, its output shown, and say how it went and how long it took."""
    start = time.monotonic()
    say(f"--- {name}")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([str(BIN / tool), *arguments], cwd=ROOT, env=environment, check=False)  # noqa: S603 -- our own tools
    verdict = "ok" if done.returncode == 0 else f"FAILED (exit {done.returncode})"
    say(f"--- {name}: {verdict}, {time.monotonic() - start:.1f} s")
    return done.returncode == 0


def tally_of(report: Path) -> Tally:
    """Count the outcomes in a JUnit report; a test with an error in its set-up or tear-down has failed."""
    if not report.is_file():
        return Tally(failed=1)
    passed, failed, skipped = 0, 0, []
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 -- written by pytest a moment ago
        reason = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif reason is not None:
            skipped.append(reason.get("message", "no reason given"))
        else:
            passed += 1
    return Tally(passed, failed, tuple(skipped))


def closing_lines(tally: Tally) -> Iterable[str]:
    """How many tests were skipped for each reason, then the totals."""
    for reason, count in Counter(tally.skipped).most_common():
        yield f"skipped {count}: {reason}"
    yield f"{tally.passed} passed, {tally.failed} failed, {len(tally.skipped)} skipped"


def main() -> int:
    start = time.monotonic()
    for name, (tool, *arguments) in STATIC.items():
        if not run_step(name, tool, arguments):
            return 1
    tally, ok = Tally(), True
    with tempfile.TemporaryDirectory() as folder:
        for name, arguments in TESTS.items():
            report = Path(folder) / f"{name}.xml"
            ok = run_step(name, "pytest", ["-q", f"--junitxml={report}", *arguments])
            tally = tally.plus(tally_of(report))
            if not ok:
                break
    say(f"--- all steps: {'ok' if ok else 'FAILED'}, {time.monotonic() - start:.1f} s")
    for line in closing_lines(tally):
        say(line)
    return 0 if ok and tally.passed and not tally.failed else 1


if __name__ == "__main__":
    sys.exit(main())
