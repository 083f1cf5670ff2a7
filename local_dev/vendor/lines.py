"""Which lines of a recording are trades, and what the server has to know about each of them.

A line that is not a well-formed trade is kept: it holds its place and is sent as it stands, because how a
consumer treats it is exactly what a recording with such lines is for.
"""

from typing import Annotated, Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

Int64s = NDArray[np.int64]
Int32s = NDArray[np.int32]
UInt32s = NDArray[np.uint32]

CHUNK_LINES = 2048
LONGEST_TRADE = 4_000  # bytes; a trade has about 100, so a longer line travels alone like the other odd ones
NO_SYMBOL = -1  # in the symbol column: not a well-formed trade
NO_TIME = -1  # in the time column: no usable `t`

_Int = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
# Milliseconds from 1973 to 2286. Seconds, microseconds and nanoseconds of this century fall outside.
_TimeMs = Annotated[int, msgspec.Meta(ge=10**11, lt=10**13)]


class _Trade(msgspec.Struct, gc=False):
    """Polygon's stock trade event (websocket.md §4). Unknown fields are allowed, wrong types are not."""

    ev: Literal["T"]
    sym: Annotated[str, msgspec.Meta(min_length=1)]
    x: _Int
    i: str
    p: float
    s: float
    t: _TimeMs
    q: _Int
    z: _Int = 0
    c: list[_Int] = []
    trfi: _Int = 0
    trft: _Int = 0
    ds: str = ""


class _Timed(msgspec.Struct, gc=False):
    t: _TimeMs


class Rows(NamedTuple):
    """Columns with one entry a line. `identity` is unique for a trade within its trade date."""

    time_ms: Int64s
    sequence: Int64s
    identity: Int64s
    symbol: Int32s


_CHUNK = msgspec.json.Decoder(list[_Trade])
_LINE = msgspec.json.Decoder(_Trade)
_TIME = msgspec.json.Decoder(_Timed)
# Nesting deeper than the interpreter's limit is a RecursionError, bad UTF-8 a ValueError.
_UNREADABLE = (msgspec.MsgspecError, RecursionError, ValueError)


def line_bounds(blob: bytes) -> tuple[Int64s, Int64s]:
    """Start and end (excluded) of every line that is not empty, without its line ending."""
    newlines = np.flatnonzero(np.frombuffer(blob, np.uint8) == ord("\n"))
    starts = np.concatenate(([0], newlines + 1)).astype(np.int64)
    ends = np.concatenate((newlines, [len(blob)])).astype(np.int64)
    filled = ends > starts
    starts, ends = starts[filled], ends[filled]
    if len(ends):
        ends -= np.frombuffer(blob, np.uint8)[ends - 1] == ord("\r")
    filled = ends > starts
    return starts[filled], ends[filled]


class SymbolNumbers(dict[str, int]):
    """Numbers symbols from 0 in the order they are first asked for."""

    def __missing__(self, symbol: str) -> int:
        self[symbol] = number = len(self)
        return number


def read_columns(blob: bytes, starts: Int64s, ends: Int64s, symbols: SymbolNumbers) -> Rows:
    """What each line is; new symbols are added to `symbols`.

    Identity is a hash of (symbol, exchange, TRF, trade id).
    A line that is not a trade has symbol NO_SYMBOL, and time NO_TIME if it has no usable `t` either.
    """
    count = len(starts)
    wide = np.zeros((3, count), np.int64)
    rows = Rows(wide[0], wide[1], wide[2], np.full(count, NO_SYMBOL, np.int32))
    data = np.frombuffer(blob, np.uint8)
    # Lines that all begin with { and end with } can only decode to as many trades as there are lines
    # if each of them is one trade: then the whole chunk is decoded at once, which is four times faster.
    objects = (data[starts] == ord("{")) & (data[ends - 1] == ord("}")) & (ends - starts <= LONGEST_TRADE)
    for first in range(0, count, CHUNK_LINES):
        last = min(first + CHUNK_LINES, count)
        bounds = zip(starts[first:last].tolist(), ends[first:last].tolist(), strict=True)
        lines = [blob[start:end] for start, end in bounds]
        trades = _decode_together(lines) if objects[first:last].all() else None
        if trades is not None:
            _fill(rows, slice(first, last), trades, symbols)
            continue
        for number, line in enumerate(lines, first):
            if (trade := _decode_alone(line)) is not None:
                _fill(rows, slice(number, number + 1), [trade], symbols)
            else:
                rows.time_ms[number] = _time_of(line)
    return rows


def _fill(rows: Rows, where: slice, trades: list[_Trade], symbols: SymbolNumbers) -> None:
    rows.time_ms[where] = [trade.t for trade in trades]
    rows.sequence[where] = [trade.q for trade in trades]
    rows.identity[where] = [hash((trade.sym, trade.x, trade.trfi, trade.i)) for trade in trades]
    rows.symbol[where] = [symbols[trade.sym] for trade in trades]


def _decode_together(lines: list[bytes]) -> list[_Trade] | None:
    array = b"[" + b",".join(lines) + b"]"
    if not array.isascii():
        return None  # the decoder does not look at the UTF-8 of fields it skips
    try:
        trades = _CHUNK.decode(array)
    except _UNREADABLE:
        return None
    return trades if len(trades) == len(lines) else None


def _decode_alone(line: bytes) -> _Trade | None:
    if len(line) > LONGEST_TRADE:
        return None
    try:
        line.decode()
        return _LINE.decode(line)
    except _UNREADABLE:
        return None


def _time_of(line: bytes) -> int:
    try:
        return _TIME.decode(line).t
    except _UNREADABLE:
        return NO_TIME
