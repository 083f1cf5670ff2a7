"""The CDK's command line, in the version of locks/cdk/package-lock.json, run by the Node that came as a wheel.

Installed once (29 MB, no install scripts) by `npm ci`, which checks the lock's SHA-512. It sends nothing anywhere but
to AWS: its telemetry, version check, notices and the metadata resource are off.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from stacks.constructs.wheels import BUILD, appearing_whole
from stacks.settings import ROOT
from stacks.synth import packaged_node

LOCK = ROOT / "locks" / "cdk"
QUIET = {
    "CDK_DISABLE_CLI_TELEMETRY": "true",
    "CDK_DISABLE_VERSION_CHECK": "true",
    "NPM_CONFIG_UPDATE_NOTIFIER": "false",
}
SILENT = ("--no-version-reporting", "--no-notices")
"""Options of every command."""
INSTALL_S = 300


class CdkUnavailableError(RuntimeError):
    """The command line could not be installed; the message is npm's."""


def install() -> Path:
    """The entry of the command line, installed if it is not there yet. Raises CdkUnavailableError."""
    digest = hashlib.sha256((LOCK / "package-lock.json").read_bytes()).hexdigest()[:16]
    folder = BUILD / "cdk-cli" / digest
    if not folder.exists():
        with appearing_whole(folder) as work:
            for name in ("package.json", "package-lock.json"):
                shutil.copyfile(LOCK / name, work / name)
            _npm_ci(work)
    return folder / "node_modules" / "aws-cdk" / "bin" / "cdk"


def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run `cdk` in the foreground, where it may ask; its exit code. Raises CdkUnavailableError."""
    folder = LOCK if "bootstrap" in arguments[:1] else ROOT  # it would synthesise whatever a cdk.json names
    done = subprocess.run(command(*arguments), env={**environment, **QUIET}, cwd=folder, check=False)  # noqa: S603
    return done.returncode


def command(*arguments: str) -> list[str]:
    """What to execute for `cdk` with these arguments; installs it if need be. Raises CdkUnavailableError."""
    return [str(packaged_node()), str(install()), *arguments, *SILENT]


def _npm_ci(folder: Path) -> None:
    node = packaged_node()
    npm = node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    done = subprocess.run(  # noqa: S603 - tools of this environment
        [str(node), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev"],
        cwd=folder,
        env={**os.environ, **QUIET, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"},
        capture_output=True,
        text=True,
        timeout=INSTALL_S,
        check=False,
    )
    if done.returncode:
        raise CdkUnavailableError(f"the CDK's command line could not be installed: {done.stderr.strip()}")


if __name__ == "__main__":
    try:
        sys.exit(run(sys.argv[1:], os.environ))
    except CdkUnavailableError as error:
        sys.exit(str(error))
