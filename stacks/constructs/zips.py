"""A bundle as the zip that is uploaded: byte for byte the same for the same files, whoever makes it and when."""

from __future__ import annotations

import zipfile
from pathlib import Path

from stacks.constructs.wheels import BUILD, appearing_whole, forget_older

_MADE = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip can tell."""
_FILE = 0o100644 << 16
_UNIX = 3


def zipped(folder: Path) -> Path:
    """`folder`, whose name changes with what it holds, as a zip; made once."""
    whole = BUILD / "zips" / folder.name
    if not whole.exists():
        with appearing_whole(whole) as work:
            write_zip(folder, work / "bundle.zip")
        forget_older(whole)
    return whole / "bundle.zip"


def write_zip(folder: Path, target: Path) -> None:
    """Files in the order of their names, all of one time and readable by all; folders follow from them."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _MADE)
            entry.create_system, entry.external_attr, entry.compress_type = _UNIX, _FILE, zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
