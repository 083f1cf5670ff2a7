"""Rows as PostgreSQL's binary COPY format, and rows that cannot be written in it.

Values travel as they are inside: scaled integers as bigint; the statement that takes them from staging makes numbers of
them. A row whose values are of the wrong type or size is given back with a reason and never aborts the others.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import chain, islice
from operator import index
from struct import Struct, error
from typing import Any, NamedTuple

from shared.bars.windows import END_OF_TIME_MS

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
BLOCK_BYTES = 1 << 18
NULL = b"\xff\xff\xff\xff"
_EPOCH_DAY = date(2000, 1, 1).toordinal()
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_EPOCH_MS = int(_EPOCH.timestamp()) * 1000
_MICROSECOND = timedelta(microseconds=1)
_int8, _int4, _bool, _length = Struct(">iq"), Struct(">ii"), Struct(">ib"), Struct(">i")
MAX_EXPONENT = 100
"""Of a decimal: more zeros than that are no price of anything."""

Encode = Callable[[Any], bytes]


class Refused(NamedTuple):
    row: Sequence[Any]
    reason: str


class Packed(NamedTuple):
    """A COPY stream in blocks, and the rows that cannot be in it."""

    blocks: list[bytes]
    refused: list[Refused]


def bigint(value: int) -> bytes:
    return _int8.pack(8, value)


def text(value: str) -> bytes:
    """Raises ValueError for what PostgreSQL's text cannot hold: NUL, half of a surrogate pair."""
    raw = value.encode()
    if b"\0" in raw:
        raise ValueError("text must not contain NUL")
    return _length.pack(len(raw)) + raw


def day(value: date) -> bytes:
    return _int4.pack(4, value.toordinal() - _EPOCH_DAY)


def instant(value: datetime) -> bytes:
    """Raises TypeError for a time without a zone."""
    return _int8.pack(8, (value - _EPOCH) // _MICROSECOND)


def millis(value: int) -> bytes:
    """Unix ms as an instant. Raises ValueError for what is no time of any market."""
    if not 0 <= value < END_OF_TIME_MS:
        raise ValueError("must be a time of any market")
    return _int8.pack(8, (value - _EPOCH_MS) * 1000)


def integer(value: int) -> bytes:
    """A whole number of any size, as text, cast on the other side."""
    return text(str(index(value)))


def flag(value: bool) -> bytes:
    return _bool.pack(1, value)


def decimal(value: Decimal) -> bytes:
    """As text, cast on the other side. Raises ValueError for what is no number of any market."""
    if not value.is_finite() or abs(value.adjusted()) > MAX_EXPONENT:
        raise ValueError("must be a finite number of any market")
    return text(str(value))


def packed(rows: Iterator[Sequence[Any]], encoders: Sequence[tuple[str, Encode]], most: int) -> Iterator[Packed]:
    """The rows, so many a time at most: one (name, encoder) for each value, None is NULL."""
    for first in rows:
        refused: list[Refused] = []
        yield Packed(list(blocks(chain((first,), islice(rows, most - 1)), encoders, refused.append)), refused)


def blocks(
    rows: Iterable[Sequence[Any]], encoders: Sequence[tuple[str, Encode]], refused: Callable[[Refused], None]
) -> Iterator[bytes]:
    """The COPY stream of `rows`.

    A row that cannot be encoded goes to `refused`; its reason is the name of the first value that cannot.
    """
    width = Struct(">h").pack(len(encoders))
    functions = [encode for _, encode in encoders]
    buffer = bytearray(HEADER)
    for row in rows:
        try:
            values = [NULL if value is None else encode(value) for encode, value in zip(functions, row, strict=True)]
        except (error, TypeError, ValueError, AttributeError):
            refused(Refused(row, _culprit(row, encoders)))
            continue
        buffer += width
        for value in values:
            buffer += value
        if len(buffer) > BLOCK_BYTES:
            yield bytes(buffer)
            buffer.clear()
    yield bytes(buffer) + TRAILER


def _culprit(row: Sequence[Any], encoders: Sequence[tuple[str, Encode]]) -> str:
    if len(row) != len(encoders):
        return "fields"
    for value, (name, encode) in zip(row, encoders, strict=True):
        try:
            _ = value is None or encode(value)
        except (error, TypeError, ValueError, AttributeError):
            return name
    raise AssertionError("a row that can be encoded was refused")  # pragma: no cover
