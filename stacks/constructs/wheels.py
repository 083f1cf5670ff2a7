"""Third-party wheels for Lambda's Linux on arm64, installed by uv from a hashed lock, and their bytecode."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from stacks.settings import ROOT

BUILD = ROOT / ".build"
PLATFORM = "aarch64-manylinux_2_28"
"""Lambda's Amazon Linux 2023 is newer; with manylinux2014 some wheels cannot be resolved."""
PYTHON = "3.13"
_TIMEOUT_S = 300
_NETWORK_WORDS = ("error sending request", "Could not connect", "dns error", "Network connectivity is disabled")


class IndexUnreachableError(RuntimeError):
    """The wheel cache lacks something and the package index does not answer."""


def wheels(lock: str, compiler: str | None) -> Path:
    """The installed wheels of `locks/<lock>.txt`, with bytecode if there is a `compiler`; offline after the first time.

    Raises IndexUnreachableError, and RuntimeError with uv's words when a hash or a wheel does not fit.
    """
    folder = BUILD / "wheels" / f"{lock}-{lock_digest(lock)}{'-compiled' if compiler else ''}"
    if not folder.exists():
        with appearing_whole(folder) as work:
            _install(ROOT / "locks" / f"{lock}.txt", work)
            shutil.rmtree(work / "bin", ignore_errors=True)
            (work / ".lock").unlink(missing_ok=True)
            if compiler:
                compile_bytecode(compiler, work)
    return folder


def lock_digest(lock: str) -> str:
    """Changes with the lock and with the platform its wheels are chosen for."""
    return hashlib.sha256((ROOT / "locks" / f"{lock}.txt").read_bytes() + PLATFORM.encode()).hexdigest()[:16]


@cache
def python_for_bytecode() -> str | None:
    """A Python of the runtime's minor version on this machine: Lambda ignores the bytecode of any other."""
    found = _run(
        [_uv(), "python", "find", "--no-python-downloads", "--no-project", PYTHON],
        timeout_s=30,
        PYENV_VERSION=PYTHON,  # else pyenv's stand-ins refuse to run any version but the chosen one
    )
    return found.stdout.strip() if found.returncode == 0 else None


def compile_bytecode(python: str, root: Path, *folders: str) -> None:
    """Bytecode of `folders` below `root` (default: all of it).

    It is never checked against its source: /var/task is read-only, and times in a zip mean nothing.
    Raises RuntimeError when a file does not compile.
    """
    flags = ["-q", "--invalidation-mode", "unchecked-hash", "-s", str(root), "-p", "/var/task"]
    done = _run(
        [python, "-m", "compileall", *flags, *map(str, [root / f for f in folders] or [root])], timeout_s=_TIMEOUT_S
    )
    if done.returncode:
        raise RuntimeError(f"bytecode of {root.name}: {(done.stdout + done.stderr).strip()}")


def forget_older(folder: Path) -> None:
    """Keep `folder` and the two before it of the same kind: sources go back and forth."""
    kind = folder.name.rpartition("-")[0]
    others = [path for path in folder.parent.glob(f"{kind}-*") if path != folder]
    for path in sorted(others, key=lambda path: path.stat().st_mtime, reverse=True)[2:]:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def appearing_whole(folder: Path) -> Iterator[Path]:
    """A place to fill that becomes `folder` at the end; of two builders at once, the second one's work is dropped."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        work.chmod(0o755)
        yield work
        try:
            work.rename(folder)
        except OSError:
            if not folder.exists():
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _install(lock: Path, target: Path) -> None:
    command = [_uv(), "pip", "install", "--quiet", "--no-config", "--require-hashes", "--no-deps", "-r", str(lock)]
    command += ["--python-platform", PLATFORM, "--python-version", PYTHON, "--only-binary", ":all:"]
    done = _run([*command, "--link-mode", "copy", "--target", str(target)], timeout_s=_TIMEOUT_S)
    if done.returncode:
        unreachable = any(words in done.stderr for words in _NETWORK_WORDS)
        raise (IndexUnreachableError if unreachable else RuntimeError)(f"{lock.name}: {done.stderr.strip()}")


def _uv() -> str:
    beside = (ROOT / ".tools" / "bin" / "uv", Path(sys.executable).parent / "uv")
    found = shutil.which("uv") or next((str(path) for path in beside if path.is_file()), None)
    if found is None:
        raise RuntimeError("uv is not installed: run `make synth`, which sets it up")
    return found


def _run(command: list[str], *, timeout_s: float, **more: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    return subprocess.run(  # noqa: S603 - fixed words and paths of our own, no shell
        command, capture_output=True, text=True, timeout=timeout_s, check=False, env=inherited | more
    )
