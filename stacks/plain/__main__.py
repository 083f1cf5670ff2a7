"""`make templates`: the stacks as plain CloudFormation, with what they upload, in a folder of its own.

--out DIR       where it goes (default: templates.out), made anew
-c KEY=VALUE    a setting (stacks/settings.py), may be repeated
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from stacks.deploy.synthesis import NothingToDeploy, settings_of, synthesise_real
from stacks.plain.write import write
from stacks.settings import ROOT


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit 1 when synthesis refuses, 2 for wrong input."""
    parser = argparse.ArgumentParser(prog="make templates", description="Write plain CloudFormation templates.")
    parser.add_argument("--out", type=Path, default=ROOT / "templates.out", help="folder to make anew")
    parser.add_argument("-c", "--context", action="append", default=[], metavar="KEY=VALUE", help="a setting")
    options = parser.parse_args(arguments)
    try:
        context, settings = settings_of(options.context)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    with tempfile.TemporaryDirectory() as work:
        try:
            synthesise_real(Path(work) / "cdk.out", context)
        except NothingToDeploy as error:
            sys.stderr.write(f"{error}\n")
            return 1
        manifest = write(Path(work) / "cdk.out", options.out, settings)
    for stack in manifest["stacks"]:
        sys.stdout.write(f"{stack['bytes']:>12,}  {stack['template']}\n")
    for file in manifest["files"]:
        sys.stdout.write(f"{file['bytes']:>12,}  {file['holds']}\n")
    sys.stdout.write(f"{len(manifest['images'])} images to build; all in {options.out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
