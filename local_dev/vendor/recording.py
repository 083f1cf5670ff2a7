"""Reads recorded trade files: gzip or plain JSON lines, one file or a folder of them."""

import gc
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from local_dev.vendor.errors import WrongInputError
from local_dev.vendor.files import find_files
from local_dev.vendor.history import History, build_history
from local_dev.vendor.lines import NO_TIME, Int64s, Rows, SymbolNumbers, UInt32s, line_bounds, read_columns
from local_dev.vendor.schedule import due_times
from local_dev.vendor.tape import Tape

LARGEST_BLOB = 2**32 - 1  # line positions are kept in 32 bits
_GZIP_MAGIC = b"\x1f\x8b"


class _Part(NamedTuple):
    """One file: where its lines are, when they are due, what they are."""

    start: UInt32s
    end: UInt32s
    due_ms: Int64s
    rows: Rows


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    tape: Tape
    history: History


def load(path: Path) -> Recording:
    """Merge the files at `path` by due time; lines due at the same time keep the order of file names and lines.

    Raises WrongInputError if a file cannot be read or no line has a usable `t`.
    """
    blobs: list[bytes] = []
    symbols = SymbolNumbers()
    parts: list[_Part] = []
    with _no_collector():
        for file in find_files(path):
            blobs.append(_read(file))
            parts.append(_index(blobs[-1], symbols))
    if not any((part.due_ms != NO_TIME).any() for part in parts):
        raise WrongInputError(f"{path} holds no line with a usable time `t`")
    return _merge(tuple(blobs), parts, symbols)


@contextmanager
def _no_collector() -> Iterator[None]:
    """Decoding makes a list a line and no cycles: looking for cycles would take a fifth of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _index(blob: bytes, symbols: SymbolNumbers) -> _Part:
    starts, ends = line_bounds(blob)
    rows = read_columns(blob, starts, ends, symbols)
    return _Part(starts.astype(np.uint32), ends.astype(np.uint32), due_times(rows.time_ms), rows)


def _merge(blobs: tuple[bytes, ...], parts: list[_Part], symbols: SymbolNumbers) -> Recording:
    due = np.concatenate([part.due_ms for part in parts])
    due[due == NO_TIME] = due[due != NO_TIME].min()  # a file without any time goes first
    order = np.argsort(due, kind="stable")
    rows = Rows(*(np.concatenate(column)[order] for column in zip(*(part.rows for part in parts), strict=True)))
    tape = Tape(
        blobs=blobs,
        blob=np.repeat(np.arange(len(parts), dtype=np.int16), [len(part.start) for part in parts])[order],
        start=np.concatenate([part.start for part in parts])[order],
        end=np.concatenate([part.end for part in parts])[order],
        due_ms=due[order],
        symbol=rows.symbol,
        symbols=dict(symbols),
    )
    parts.clear()  # a day of the whole market is large: what has been merged is let go
    del due, order
    return Recording(tape, build_history(rows, len(symbols)))


def _read(file: Path) -> bytes:
    try:
        data = file.read_bytes()
        blob = gzip.decompress(data) if data.startswith(_GZIP_MAGIC) else data
    except (OSError, EOFError, zlib.error) as error:
        raise WrongInputError(f"{file} cannot be read: {error}") from error
    if len(blob) > LARGEST_BLOB:
        raise WrongInputError(f"{file} is larger than {LARGEST_BLOB} bytes when decompressed: split it")
    return blob
