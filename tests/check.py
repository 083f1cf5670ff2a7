"""The whole check, as `make test` runs it: format, lint, import rules, types, tests; stops at the first failure.

Types are checked beside the first tests. Tests that start the platform run after the others, at most two files at a
time: each holds several processes.
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
QUICK_WORKERS = "3"  # many of the quick tests wait for something, so two cores take three of them at a time
PLATFORM_WORKERS = "2"

STATIC = {
    "format": ["ruff", "format", "--check", "--quiet", "."],
    "lint": ["ruff", "check", "--quiet", "."],
    "import rules": ["lint-imports"],
}
TYPES = ["mypy"]
QUICK, PLATFORM = "tests", "tests of the running platform"
PLATFORM_PLACES = (
    "tests/end_to_end",
    *(f"tests/faults/test_{kind}.py" for kind in ("cache", "kills", "late", "signals")),
    "tests/browser/test_platform.py",
    "tests/unit/local_dev/cli/test_resume.py",
)
"""Where tests marked `platform` are, and no others: reading a test module takes a while, in each worker."""
TESTS = {
    QUICK: [
        *("-n", QUICK_WORKERS, "--dist", "loadfile", "-m", "not platform and not bench"),
        *(f"--ignore={place}" for place in PLATFORM_PLACES),
    ],
    PLATFORM: ["-n", PLATFORM_WORKERS, "--dist", "loadfile", "-m", "platform and not bench", *PLATFORM_PLACES],
}
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": ""}
"""Bytecode is kept: tests start many processes of our own modules, and each would compile them anew."""


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


class Step:
    """A tool of this environment at work; `beside`: its output is kept until it is asked how it went."""

    def __init__(self, name: str, tool: str, *arguments: str, beside: bool = False) -> None:
        self.name, self._start = name, time.monotonic()
        self._kept = tempfile.TemporaryFile("w+") if beside else None  # noqa: SIM115 -- closed with the verdict
        say(f"--- {name}{' (beside what follows)' if beside else ''}")
        self._process = subprocess.Popen(  # noqa: S603 -- our own tools
            [str(BIN / tool), *arguments],
            cwd=ROOT,
            env={**os.environ, **ENVIRONMENT},
            stdout=self._kept,
            stderr=subprocess.STDOUT if beside else None,
        )

    def went_well(self) -> bool:
        """Wait for the end, show what was kept, say how it went and how long it took."""
        code = self._process.wait()
        if self._kept is not None:
            self._kept.seek(0)
            say(self._kept.read().rstrip())
            self._kept.close()
        took = f"{time.monotonic() - self._start:.1f} s"
        say(f"--- {self.name}: {'ok' if code == 0 else f'FAILED (exit {code})'}, {took}")
        return code == 0

    def give_up(self) -> None:
        """End it without a verdict."""
        self._process.kill()
        self._process.wait()
        if self._kept is not None:
            self._kept.close()


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
    start, tally = time.monotonic(), Tally()
    with tempfile.TemporaryDirectory() as folder:
        ok = all(Step(name, *command).went_well() for name, command in STATIC.items())
        if ok:
            types = Step("types", *TYPES, beside=True)
            ok, tally = run_tests(QUICK, Path(folder))
            if ok:
                ok = types.went_well()
            else:
                types.give_up()
        if ok:
            ok, others = run_tests(PLATFORM, Path(folder))
            tally = tally.plus(others)
    say(f"--- all steps: {'ok' if ok else 'FAILED'}, {time.monotonic() - start:.1f} s")
    for line in closing_lines(tally):
        say(line)
    return 0 if ok and tally.passed and not tally.failed else 1


def run_tests(name: str, folder: Path) -> tuple[bool, Tally]:
    """Whether pytest was content with one of the groups of tests, and what it counted."""
    report = folder / f"{name}.xml"
    ok = Step(name, "pytest", "-q", f"--junitxml={report}", *TESTS[name]).went_well()
    return ok, tally_of(report)


if __name__ == "__main__":
    sys.exit(main())
