"""All lines of a recording in the order they are sent, and the WebSocket frames that carry them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from local_dev.vendor.lines import NO_SYMBOL, Int32s, Int64s, UInt32s

FRAME_LINES = 1_000
FRAME_BYTES = 400_000  # the official Python client refuses frames of 1 MiB, the Go client of 1,000,000 bytes


class Frame(NamedTuple):
    """One WebSocket message. `text` is False for bytes that are not UTF-8: they travel as a binary message."""

    data: bytes
    text: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Tape:
    """Columns over every line, sorted by due time; lines stay in the decompressed file they came from."""

    blobs: tuple[bytes, ...]
    blob: NDArray[np.int16]
    start: UInt32s
    end: UInt32s
    due_ms: Int64s
    symbol: Int32s  # NO_SYMBOL: the line is not a well-formed trade
    symbols: dict[str, int]

    def __len__(self) -> int:
        return len(self.due_ms)

    def lines(self, positions: Int64s | UInt32s) -> list[bytes]:
        """The lines at these positions, byte for byte as recorded."""
        blobs = self.blobs
        where = zip(
            self.blob[positions].tolist(), self.start[positions].tolist(), self.end[positions].tolist(), strict=True
        )
        return [blobs[blob][start:end] for blob, start, end in where]

    def wanted(self, symbols: set[str]) -> NDArray[np.bool_]:
        """By symbol number; the last entry stands for lines that are not trades, which everybody gets."""
        wanted = np.zeros(len(self.symbols) + 1, np.bool_)
        wanted[[number for name in symbols if (number := self.symbols.get(name)) is not None]] = True
        wanted[NO_SYMBOL] = True
        return wanted

    def frames(self, first: int, last: int, wanted: NDArray[np.bool_] | None = None) -> Iterator[Frame]:
        """Messages for positions [first, last): arrays of trades; a line that is not a trade is alone in its own."""
        symbols = self.symbol[first:last]
        chosen = np.arange(first, last) if wanted is None else first + np.flatnonzero(wanted[symbols])
        if not len(chosen):
            return
        lines = self.lines(chosen)
        begin = 0
        for odd in np.flatnonzero(self.symbol[chosen] == NO_SYMBOL).tolist():
            yield from frames_of(lines[begin:odd])
            yield _as_recorded(lines[odd])
            begin = odd + 1
        yield from frames_of(lines[begin:])


def frames_of(lines: list[bytes]) -> Iterator[Frame]:
    """Messages for these trades: none for none."""
    for begin in range(0, len(lines), FRAME_LINES):
        yield from _array(lines[begin : begin + FRAME_LINES])


def _array(lines: list[bytes]) -> Iterator[Frame]:
    data = b"[" + b",".join(lines) + b"]"
    if len(data) <= FRAME_BYTES or len(lines) == 1:
        yield Frame(data)
        return
    half = len(lines) // 2
    yield from _array(lines[:half])
    yield from _array(lines[half:])


def _as_recorded(line: bytes) -> Frame:
    data = b"[" + line + b"]"
    try:
        data.decode()
    except UnicodeDecodeError:
        return Frame(data, text=False)
    return Frame(data)
