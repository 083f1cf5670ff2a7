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
    state: Path = options.state
    more = [folder for folder in (BUILD, ROOT / "cdk.out") if options.all and folder.exists()]
    if not more and not state.exists():
        print("nothing to remove")
    if state.exists():
        with claimed(state):
            _remove(state)
    for folder in more:
        _remove(folder)
    return 0


def _remove(folder: Path) -> None:
    for part in sorted(folder.iterdir()):
        print(f"{_size(part) / 1e6:>10,.1f} MB  {part}")
    shutil.rmtree(folder)
    print(f"removed {folder}")


def _size(path: Path) -> int:
    if not path.is_dir():
        return path.lstat().st_size
    return sum(file.lstat().st_size for file in path.rglob("*") if not file.is_dir())
