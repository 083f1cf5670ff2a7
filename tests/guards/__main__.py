"""`python -m tests.guards [F05 ...]`: is each fault's guard missed by the fault's tests? Without names: all of them.

A guard is taken out in a copy of the tree, and the tests marked with its fault run there (those of the running platform
apart: they cost too much). Exit code 0 only if at least one of them fails for each guard, and that not for want of a
module. A line for each guard says how many of the tests saw it, and names those that none of a fault's guards concern.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from xml.etree import ElementTree  # our own pytest wrote it

from tests.check import PLATFORM_PLACES
from tests.fault_table import FAULTS, ROOT, marked
from tests.guards import GUARDS
from tests.guards.guard import Guard

APART = {"stacks/": "tests/infrastructure/", "local_dev/": "tests/unit/local_dev/"}
"""Where what is guarded is seen by the tests of one folder alone, and these see nothing else."""
LONGEST_TEST_S = 30
"""A test that hangs without its guard has seen that it is gone."""
LONGEST_RUN_S = 600
PYTEST = ["-q", "--tb=no", "-p", "tests.guards.hurried", "-p", "no:cacheprovider", f"--timeout={LONGEST_TEST_S}"]
TESTS_FAILED = 1
"""pytest's exit code when all could be read, and some failed."""


def nodes_of(fault: str) -> list[str]:
    """Node ids of the tests marked with a fault that need no running platform."""
    return [
        f"{path}::{name}"
        for one, path, name in _all_marked()
        if one == fault and not any(path.startswith(place) for place in PLATFORM_PLACES)
    ]


@lru_cache(maxsize=1)
def _all_marked() -> tuple[tuple[str, str, str], ...]:
    return tuple(marked())


def concerned(guard: Guard) -> list[str]:
    """Those of them that can see its guard."""
    own = next((tests for code, tests in APART.items() if guard.path.startswith(code)), "")
    return [
        node
        for node in nodes_of(guard.fault)
        if (node.startswith(own) if own else not node.startswith(tuple(APART.values())))
    ]


@contextmanager
def copy_of_the_tree() -> Iterator[Path]:
    """All that git would take, with bytecode and times, so that only what is changed is compiled anew; recorded data
    lies beside it as it does here."""
    with tempfile.TemporaryDirectory(prefix="guards-") as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".*"))
        for name in (".venv", ".build"):
            if (ROOT / name).exists():
                (tree / name).symlink_to((ROOT / name).resolve())
        if (ROOT.parent / "shared").exists():
            (Path(folder) / "shared").symlink_to(ROOT.parent / "shared")
        yield tree


@contextmanager
def without(guard: Guard, tree: Path) -> Iterator[None]:
    """The copy while the guard is gone."""
    path = tree / guard.path
    whole = path.read_text()
    if whole.count(guard.text) != 1:
        raise ValueError(f"{guard.fault}: {guard.text!r} must stand once in {guard.path}")
    kept = path.with_name(f"{path.name}.kept")
    path.rename(kept)
    try:
        path.write_text(whole.replace(guard.text, guard.instead))
        yield
    finally:
        kept.replace(path)  # with its time, which its bytecode was made of


def failures_in(tree: Path, tests: Sequence[str]) -> set[str] | None:
    """Node ids of those that fail there; None when they could not be run."""
    report = tree.parent / "report.xml"
    process = subprocess.Popen(  # noqa: S603 -- our own tests
        [sys.executable, "-m", "pytest", *PYTEST, f"--junitxml={report}", *tests],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        code = process.wait(LONGEST_RUN_S)
    except subprocess.TimeoutExpired:
        code = None
    finally:
        _end_all_of(process)
    if code == 0:
        return set()
    if code != TESTS_FAILED:
        return None
    cases = ElementTree.parse(report).iter("testcase")  # noqa: S314 -- written by pytest a moment ago
    return {
        f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name', '').partition('[')[0]}"
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    }


def _end_all_of(process: "subprocess.Popen[bytes]") -> None:
    """What a test that failed has left behind, too."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def main(faults: Sequence[str]) -> int:
    """Try the guards of these faults, or of all."""
    unknown = sorted(set(faults) - set(FAULTS))
    if unknown:
        sys.stderr.write(f"no such fault: {', '.join(unknown)}\n")
        return 2
    tried = [guard for guard in GUARDS if not faults or guard.fault in faults]
    seen: dict[str, set[str]] = defaultdict(set)
    missed = 0
    with copy_of_the_tree() as tree:
        for guard in tried:
            tests = concerned(guard)
            with without(guard, tree):
                failed = failures_in(tree, tests)
            missed += not failed
            seen[guard.fault] |= failed or set()
            verdict = "COULD NOT RUN" if failed is None else "red" if failed else "GREEN"
            _say(f"{guard.fault} {verdict} {len(failed or ())}/{len(tests)}: {guard.path}: {guard.text.strip()[:80]!r}")
    for fault, names in seen.items():
        for test in nodes_of(fault):
            if test not in names:
                _say(f"{fault}: no guard concerns {test}")
    _say(f"{len(tried) - missed} of {len(tried)} guards: tests fail without them")
    return 1 if missed else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
