"""Rows as PostgreSQL's binary COPY format, and rows that cannot be written in it.

To staging, values travel as they are inside: scaled integers as bigint; the statement that takes them from there makes
numbers of them. Straight into a table they travel as its own type. A row whose values are of the wrong type or size is
given back with a reason and never aborts the others.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
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
_usual_groups, _usual_numeric = 3, Struct(">iHhHH4H")
"""Below 10,000 and with up to twelve decimals."""
MAX_EXPONENT = 100
"""Of a decimal: more zeros than that are no price of anything."""

Encode = Callable[[Any], bytes]


class Refused(NamedTuple):
    row: Sequence[Any]
    reason: str


def bigint(value: int) -> bytes:
    return _int8.pack(8, value)


def numeric(digits: int) -> Encode:
    """Of whole numbers in 10^-digits, none below zero (ValueError), as PostgreSQL has them: four digits at a time."""
    groups = max(-(-digits // 4), _usual_groups)
    scale, filled = 10**digits, 10 ** (4 * groups - digits)

    def encode(value: int) -> bytes:
        if value < 0:
            raise ValueError("must not be negative")
        whole, part = divmod(index(value), scale)
        if whole < 10_000 and groups == _usual_groups:
            first, rest = divmod(part * filled, 100_000_000)
            second, third = divmod(rest, 10_000)
            return _usual_numeric.pack(16, 4, 0, 0, digits, whole, first, second, third)
        above, below = _in_groups(whole), _in_groups(part * filled)
        count = len(above) + groups
        zeros = [0] * (groups - len(below))
        header = (8 + 2 * count, count, len(above) - 1, 0, digits)
        return Struct(f">iHhHH{count}H").pack(*header, *above, *zeros, *below)

    return encode


def _in_groups(value: int) -> list[int]:
    """Digits to base 10,000, the highest first; none of 0."""
    digits: list[int] = []
    while value:
        value, digit = divmod(value, 10_000)
        digits.insert(0, digit)
    return digits


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


def blocks(
    rows: Iterable[Sequence[Any]],
    encoders: Sequence[tuple[str, Encode]],
    refused: Callable[[Refused], None],
    *constants: bytes,
) -> Iterator[bytes]:
    """The COPY stream of `rows`: one (name, encoder) for each value, None is NULL; `constants` end every row.

    A row that cannot be encoded goes to `refused`; its reason is the name of the first value that cannot.
    """
    width, end = Struct(">h").pack(len(encoders) + len(constants)), b"".join(constants)
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
        buffer += end
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
