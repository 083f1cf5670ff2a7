"""`condvest clean`: what is on disk, and away with it."""

import argparse
import shutil
from pathlib import Path

from local_dev.cli.options import add_state
from local_dev.runtime.state import claimed
from local_dev.runtime.synth import CACHE, ROOT

HELP = "Show what is on disk and remove it."
BUILD = CACHE.parent


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="synthesised templates and bundles too")
    add_state(parser)


def run(options: argparse.Namespace) -> int:
    folders = [options.state] if options.state.exists() else []
    if options.all:
        folders += [folder for folder in (BUILD, ROOT / "cdk.out") if folder.exists()]
    if not folders:
        print("nothing to remove")
    for folder in folders:
        for part in sorted(folder.iterdir()):
            print(f"{_size(part) / 1e6:>10,.1f} MB  {part}")
    if options.state.exists():
        with claimed(options.state):
            shutil.rmtree(options.state)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=folder == options.state)
        print(f"removed {folder}")
    return 0


def _size(path: Path) -> int:
    if not path.is_dir():
        return path.lstat().st_size
    return sum(file.lstat().st_size for file in path.rglob("*") if not file.is_dir())
