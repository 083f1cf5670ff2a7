"""A packed hour: the minutes of one symbol's past hour as bytes, for history that is loaded at once.

zlib over lines of text, one a minute: `minute first last high low volume notional count`, for the day fields of a
partial that has them four words more; minute = 0 to 59, a field that nothing has set is `-`. All numbers are the
partial's own whole ones, so nothing is lost. An hour takes about 3 KB: far below the 400 KB of an item.
"""

import zlib
from collections.abc import Mapping
from itertools import chain

from shared.bars.windows import HOUR_MS, MINUTE_MS
from shared.errors import InvalidRecord
from shared.models.bar import Edges, Partial

LARGEST = 1 << 20
"""Bytes of an hour's text at most: what is longer was not written here."""
LEVEL = 3  # a level of 6 saves a tenth of the bytes for twice the time
UNSET = "-"


def pack(hour_ms: int, minutes: Mapping[int, Partial]) -> bytes:
    """The partials of minutes (start, Unix ms) of the hour that starts at `hour_ms`. Raises InvalidRecord `packed`."""
    lines = []
    for t, partial in minutes.items():
        if t % MINUTE_MS or not hour_ms <= t < hour_ms + HOUR_MS:
            raise InvalidRecord("packed", f"no minute of the hour {hour_ms} starts at {t}")
        *minute, day = partial
        words = ["-" if field is None else str(field) for field in chain(minute, day or ())]
        lines.append(f"{(t - hour_ms) // MINUTE_MS} {' '.join(words)}\n")
    return pack_lines("".join(lines).encode())


def pack_lines(lines: bytes) -> bytes:
    """Lines as described above, for who writes them faster than `pack`; numbers may have leading zeros."""
    return zlib.compress(lines, LEVEL)


def unpack(hour_ms: int, data: bytes) -> dict[int, Partial]:
    """Partials by minute start (Unix ms) of an hour as `pack` made it. Raises InvalidRecord `packed`."""
    try:
        inflate = zlib.decompressobj()
        text = inflate.decompress(data, LARGEST).decode()
        if not inflate.eof:
            raise InvalidRecord("packed", f"the bytes end too early, or their text is longer than {LARGEST} bytes")
        return dict(_minute(hour_ms, line.split(" ")) for line in text.splitlines())
    except (zlib.error, ValueError) as error:
        raise InvalidRecord("packed", str(error)) from error


def _minute(hour_ms: int, words: list[str]) -> tuple[int, Partial]:
    number, first, last, high, low, volume, notional, count, *day = words
    return hour_ms + int(number) * MINUTE_MS, Partial(
        *_edges([first, last, high, low]), int(volume), int(notional), int(count), _edges(day) if day else None
    )


def _edges(words: list[str]) -> Edges:
    first, last, high, low = words
    return Edges(
        None if first == UNSET else first,
        None if last == UNSET else last,
        None if high == UNSET else int(high),
        None if low == UNSET else int(low),
    )
