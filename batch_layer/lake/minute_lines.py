"""Minutes of a trade date as JSON lines, `minutes/date=YYYY-MM-DD/part.jsonl.gz`, for who reads no Parquet.

The first line says which Parquet file (its manifest) the others are the minutes of, and how many they are; a minute is
`{"sym", "t", "partial"}` with the partial as it travels on the stream. They are in order of symbol and time.
"""

import zlib
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from batch_layer.lake.manifest import BrokenFile, Manifest
from batch_layer.lake.objects import Object, Objects
from shared.errors import StoreUnavailable
from shared.frames import PartialWire, partial_from_wire, partial_to_wire
from shared.models.bar import Minute

PREFIX = "minutes"
PIECE = 1 << 20
"""Bytes that are decompressed at a time."""
TRIES = 5
"""Of putting the lines while others do: each try is one such meeting."""
_LEVEL = 3
_GZIP_WINDOW = 31


class _Head(msgspec.Struct):
    day: date
    manifest: Manifest


class _Line(msgspec.Struct, gc=False):
    sym: str
    t: int
    partial: PartialWire


_encoder = msgspec.json.Encoder()
_head = msgspec.json.Decoder(_Head)
_line = msgspec.json.Decoder(_Line)


class Kept(NamedTuple):
    """Minutes, which may be gone through more than once, since when they are known, and from which source. They raise
    BrokenFile at their end when they were not all: use them only when they have ended."""

    minutes: Iterable[Minute]
    source: str
    known_at: datetime


class MinuteLines:
    """Raises StoreUnavailable when S3 does not answer in time, and BrokenFile for lines that are not whole."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._objects = Objects(s3, bucket)

    def read(self, day: date) -> Kept | None:
        """None where the date was never written."""
        key = _key(day)
        stored = self._objects.get(key)
        if stored is None:
            return None
        lines = _lines(stored.data, key)
        manifest = _head_of(next(lines, b""), day, key).manifest
        return Kept(_Minutes(stored.data, manifest.rows, key), manifest.source, manifest.known_at)

    def belong_to(self, day: date, manifest: Manifest) -> bool:
        """Whether what is there is whole and the minutes of that file."""
        return _belongs(self._objects.get(_key(day)), day, manifest)

    def write(self, day: date, minutes: Iterable[Minute], manifest: Manifest) -> None:
        """The minutes of the file that `manifest` is of, over older ones; newer ones stay."""
        packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
        data = bytearray(packer.compress(_encoder.encode(_Head(day, manifest)) + b"\n"))
        for sym, t, partial in minutes:
            data += packer.compress(_encoder.encode(_Line(sym, t, partial_to_wire(partial))) + b"\n")
        data += packer.flush()
        key = _key(day)
        for _ in range(TRIES):
            there = self._objects.get(key)
            if there is not None and there.known_at is not None and there.known_at > manifest.known_at:
                return
            if self._objects.replace(key, bytes(data), there.tag if there else None, manifest.known_at):
                return
            if _belongs(self._objects.get(key), day, manifest):
                return  # our own put, whose answer was lost
        raise StoreUnavailable(f"lake: {key}: too many writers at once")


def _belongs(there: Object | None, day: date, manifest: Manifest) -> bool:
    if there is None:
        return False
    key = _key(day)
    try:
        lines = _lines(there.data, key)
        head = _head_of(next(lines, b""), day, key)
        return head.manifest == manifest and sum(1 for _ in lines) == manifest.rows
    except BrokenFile:
        return False


def _key(day: date) -> str:
    return f"{PREFIX}/date={day.isoformat()}/part.jsonl.gz"


def _lines(data: bytes, key: str) -> Iterator[bytes]:
    """The lines of a gzip file that is whole. Raises BrokenFile."""
    reader = zlib.decompressobj(wbits=_GZIP_WINDOW)
    waiting, rest = data, b""
    try:
        while not reader.eof and (piece := reader.decompress(waiting, PIECE)):
            *lines, rest = (rest + piece).split(b"\n")
            waiting = reader.unconsumed_tail
            yield from lines
    except zlib.error as error:
        raise BrokenFile(f"lake: {key} is damaged: {error}") from error
    if not reader.eof or rest:
        raise BrokenFile(f"lake: {key} ends early")


def _head_of(line: bytes, day: date, key: str) -> _Head:
    try:
        head = _head.decode(line)
    except msgspec.DecodeError as error:
        raise BrokenFile(f"lake: {key} does not begin with what it is: {error}") from error
    if head.day != day:
        raise BrokenFile(f"lake: {key} is of {head.day}")
    return head


class _Minutes:
    """Decoded anew each time, so that what is in memory is the file and no more."""

    def __init__(self, data: bytes, rows: int, key: str) -> None:
        self._data, self._rows, self._key = data, rows, key

    def __iter__(self) -> Iterator[Minute]:
        lines = islice(_lines(self._data, self._key), 1, None)
        count = 0
        for line in lines:
            try:
                sym, t, partial = msgspec.structs.astuple(_line.decode(line))
            except msgspec.DecodeError as error:
                raise BrokenFile(f"lake: {self._key} has a line that is no minute: {error}") from error
            yield Minute(sym, t, partial_from_wire(partial))
            count += 1
        if count != self._rows:
            raise BrokenFile(f"lake: {self._key} has {count} minutes, not {self._rows}")
