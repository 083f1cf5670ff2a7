"""What is uploaded, without Docker: wheels of one lock and the product modules an entry point reaches, nothing else."""

from __future__ import annotations

import ast
import hashlib
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock

from stacks.constructs.connector import connector, digest, locked
from stacks.constructs.wheels import (
    BUILD,
    appearing_whole,
    compile_bytecode,
    forget_older,
    lock_digest,
    python_for_bytecode,
    wheels,
)
from stacks.settings import ROOT

PRODUCT = ("shared", "batch_layer", "speed_layer", "serving_layer")
_DATA = {".json", ".sql", ".csv", ".pem"}


@dataclass(frozen=True, slots=True)
class Bundle:
    """`module` holds `lambda_handler`; `lock` names the hashed requirements under `locks/`. boto3 is the runtime's."""

    module: str
    lock: str


@dataclass(frozen=True, slots=True)
class Image:
    """`package` runs by `python -m`, those in `also` may; `lock` names the hashed requirements; the Dockerfile is in
    `folder` (default: that of the package)."""

    package: str
    lock: str
    folder: str = ""
    also: tuple[str, ...] = ()

    @property
    def dockerfile(self) -> str:
        """Path of the Dockerfile, in the repository and in what the image is built from."""
        return f"{self.folder or self.package.replace('.', '/')}/Dockerfile"


BUNDLES = {
    "archive": Bundle("speed_layer.archive.handler", "stream"),
    "live": Bundle("speed_layer.live.handler", "stream"),
    "persist": Bundle("speed_layer.persist.handler", "stream"),
    "signals": Bundle("speed_layer.signals.handler", "signals"),
    "notify": Bundle("speed_layer.notify.handler", "stream"),
    "announce": Bundle("speed_layer.announce.handler", "stream"),
    "planner": Bundle("speed_layer.planner.handler", "stream"),
    "watch": Bundle("speed_layer.watch.handler", "stream"),
    "api": Bundle("serving_layer.api.handler", "api"),
    "alerts": Bundle("serving_layer.alerts.handler", "api"),
    "auth": Bundle("serving_layer.auth.handler", "stream"),
    "fetch": Bundle("batch_layer.nightly.outside", "stream"),
    "load": Bundle("batch_layer.nightly.inside", "load"),
    "migrate": Bundle("batch_layer.migrate", "load"),
    "bootstrap": Bundle("batch_layer.bootstrap", "stream"),
}
IMAGES = {
    "ingest": Image("speed_layer.ingest", "ingest"),
    "push": Image("serving_layer.push", "push"),
    "batch": Image("batch_layer.nightly", "batch", folder="batch_layer", also=("batch_layer.backfill",)),
}
FLINK = ROOT / "speed_layer/engine/flink"
FLINK_MAIN, FLINK_JAR = "main.py", "lib/connector.jar"
"""Entry point and connector in the zip of the Flink application."""


_BUILDING = Lock()


@cache
def build(name: str) -> Path:
    """The folder that is zipped for function `name`; built again only when its lock or its code changed. Asked for by
    synthesis, its documents and its report: one look at the code is enough for a process.

    With bytecode where this machine has the runtime's Python. Raises what `wheels` raises.
    """
    with _BUILDING:  # whoever else asks for it meanwhile finds it
        return _build(name)


def _build(name: str) -> Path:
    bundle = BUNDLES[name]
    files = closure(bundle.module)
    compiler = python_for_bytecode()
    folder = BUILD / "bundles" / f"{name}-{_digest(files, lock_digest(bundle.lock), str(bool(compiler)))}"
    if not folder.exists():
        with appearing_whole(folder) as work:
            shutil.copytree(wheels(bundle.lock, compiler), work, dirs_exist_ok=True)
            _copy(files, work)
            if compiler:
                compile_bytecode(compiler, work, *{path.relative_to(ROOT).parts[0] for path in files})
        forget_older(folder)
    return folder


def image_context(name: str) -> Path:
    """The folder the image `name` is built from: code, lock and Dockerfile in the places of the repository."""
    image = IMAGES[name]
    code = (closure(f"{package}.__main__") for package in (image.package, *image.also))
    files = {ROOT / "locks" / f"{image.lock}.txt", ROOT / image.dockerfile}.union(*code)
    folder = BUILD / "images" / f"{name}-{_digest(files)}"
    if not folder.exists():
        with appearing_whole(folder) as work:
            _copy(files, work)
        forget_older(folder)
    return folder


def flink_application() -> Path:
    """The folder that is zipped for the Flink service: entry point, SQL and the connector.

    Raises what `connector` raises.
    """
    jar = connector(locked())
    files = {path for path in FLINK.iterdir() if path.suffix in {".py", ".sql"} and path.name != "__init__.py"}
    folder = BUILD / "flink" / f"application-{_digest(files, jar.name, digest(jar))}"
    if not folder.exists():
        with appearing_whole(folder) as work:
            for path in files:
                shutil.copyfile(path, work / path.name)
            (work / "lib").mkdir()
            shutil.copyfile(jar, work / FLINK_JAR)
        forget_older(folder)
    return folder


def stub(name: str) -> Path:
    """A folder that stands in for the bundle or image `name` where nothing is uploaded."""
    file = BUILD / "stubs" / name / (IMAGES[name].dockerfile if name in IMAGES else "nothing")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"# stands in for {name}\nFROM scratch\n", encoding="utf-8")
    return BUILD / "stubs" / name


def closure(module: str) -> set[Path]:
    """Files of `module` and of every product module it imports, directly or not, with their packages' data files.

    Raises RuntimeError when there is no such module.
    """
    found: set[Path] = set()
    known, waiting = {module}, [module]
    while waiting:
        name = waiting.pop()
        path = _source(name)
        if path is None:
            continue
        found.add(path)
        found.update(beside for beside in path.parent.iterdir() if beside.suffix in _DATA)
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        fresh = {name.rpartition(".")[0], *_imports(path, package)} - known
        known |= fresh
        waiting += fresh
    if not found:
        raise RuntimeError(f"no module {module} to bundle")
    return found


@cache
def _imports(path: Path, package: str) -> tuple[str, ...]:
    """Names a file imports, at its top or inside functions; `from a import b` gives both `a` and `a.b`.

    Looked up once in a process: most bundles share most of their files.
    """
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            above = parts[: len(parts) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return tuple(found)


def _source(module: str) -> Path | None:
    """The file of a product module; None for anything else."""
    if module.partition(".")[0] not in PRODUCT:
        return None
    path = ROOT.joinpath(*module.split("."))
    return next((p for p in (path / "__init__.py", path.with_suffix(".py")) if p.is_file()), None)


def _copy(files: Iterable[Path], folder: Path) -> None:
    for path in files:
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def _digest(files: Iterable[Path], *words: str) -> str:
    digest = hashlib.sha256(" ".join(words).encode())
    for path in sorted(files):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
