"""The templates of this source tree, synthesised once and kept until something they are made from changes."""

import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from local_dev.runtime.processes import Command, Supervisor
from shared.errors import CondvestError

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".build" / "templates"
MADE_FROM = (
    *("app.py", "cdk.json", "locks/dev.txt", "stacks"),
    *("serving_layer/edge", "serving_layer/auth", "serving_layer/dashboard/headers.json"),
    *("batch_layer/nightly/definition.asl.json", "speed_layer/signals", "shared", "pyproject.toml"),
)
"""With what the stacks import of the product: names, limits, hours."""
SYNTH_SECONDS = 180
OPTIONS = ("--stub-assets", "-c", "push=on")
"""Nothing is built, and what is optional on AWS runs here always."""
KEPT = 3  # assemblies of older source trees, so that going back and forth between two stays quick


class SynthFailed(CondvestError):
    """The templates could not be made; the message ends with what the synthesis said."""


@dataclass(frozen=True)
class Template:
    stack: str
    body: Mapping[str, Any]


def key_of(root: Path, options: tuple[str, ...] = OPTIONS) -> str:
    """A digest of everything the templates are made from: options, names and bytes."""
    digest = hashlib.sha256(" ".join(options).encode())
    for path in sorted(_sources(root)):
        digest.update(f"{path.relative_to(root)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:20]


def assembly(
    supervisor: Supervisor, root: Path = ROOT, cache: Path = CACHE, options: tuple[str, ...] = OPTIONS
) -> Path:
    """The folder with this source tree's templates; synthesised in a process of its own when there is none yet.

    `options`: of `stacks.synth`. Raises SynthFailed.
    """
    folder = cache / key_of(root, options)
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        _synthesise(supervisor, root, folder, options)
        _drop_old(cache, folder)
    return folder


def templates(folder: Path) -> list[Template]:
    """All stacks of a cloud assembly, each after the stacks it depends on."""
    artifacts = json.loads((folder / "manifest.json").read_text())["artifacts"]
    stacks = {name: value for name, value in artifacts.items() if value["type"] == "aws:cloudformation:stack"}
    needs = {name: set(value.get("dependencies", ())) & stacks.keys() for name, value in stacks.items()}
    return [
        Template(
            stacks[name]["properties"].get("stackName", name),
            json.loads((folder / stacks[name]["properties"]["templateFile"]).read_text()),
        )
        for name in TopologicalSorter(needs).static_order()
    ]


def _sources(root: Path) -> Iterable[Path]:
    for name in MADE_FROM:
        if (root / name).is_dir():
            yield from (p for p in (root / name).rglob("*") if p.is_file() and "__pycache__" not in p.parts)
        else:
            yield root / name


def _synthesise(supervisor: Supervisor, root: Path, folder: Path, options: tuple[str, ...]) -> None:
    work = Path(tempfile.mkdtemp(dir=folder.parent, prefix="synth-"))
    argv = (sys.executable, "-m", "stacks.synth", "--out", str(work), *options)
    command = Command("synth", argv, {**os.environ, "PYTHONPATH": str(root)}, cwd=root)
    try:
        child = supervisor.run(command, SYNTH_SECONDS)
        if child.returncode != 0:
            raise SynthFailed(f"the templates could not be synthesised:\n{child.last_words(15)}")
        if not folder.exists():  # somebody else may have been quicker
            work.rename(folder)
    except TimeoutError as error:
        raise SynthFailed(str(error)) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _drop_old(cache: Path, current: Path) -> None:
    others = sorted((p for p in cache.iterdir() if p != current), key=lambda p: p.stat().st_mtime, reverse=True)
    for folder in others[KEPT:]:
        shutil.rmtree(folder, ignore_errors=True)
