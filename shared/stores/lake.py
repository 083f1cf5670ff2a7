"""The lake's raw log: every accepted trade, as parts, one a line, in gzip JSON lines.

`raw/trades/date=YYYY-MM-DD/hour=HH/<shard>-<first sequence>.jsonl.gz`: date and hour are the part's New York ones. The
name comes from the batch's first record, so a repeated batch writes the same object again. A part may lie in several
objects: readers take each (f, sym, sec) once. Lines without a symbol are heartbeats: everything framed in that shard
before the promise was decided is in the log.
"""

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from shared.bars.windows import HOUR_MS, NEW_YORK
from shared.errors import StoreUnavailable
from shared.frames import Part

RAW = "raw/trades"
QUARANTINE = "quarantine"
GZIP_LEVEL = 3
_GZIP_WINDOW = 31

_part_decoder = msgspec.json.Decoder(Part)


class Lines(NamedTuple):
    """One object of the raw log to be: its New York date and hour, and its lines."""

    date: str
    hour: str
    lines: list[bytes]


class Lake:
    """The bucket. Raises StoreUnavailable when S3 does not answer in time."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3, self._bucket = s3, bucket

    def put_raw(self, shard: str, first_sequence: str, objects: Iterable[Lines]) -> None:
        """Write one batch of a shard."""
        for date_, hour, lines in objects:
            key = f"{RAW}/date={date_}/hour={hour}/{shard}-{first_sequence}.jsonl.gz"
            self._put(key, compress(b"\n".join(lines) + b"\n"))

    def put_quarantine(self, stage: str, name: str, at: date, lines: list[bytes]) -> None:
        """Records that broke a rule: JSON lines with reason and bytes (base64). `at`: UTC date of arrival."""
        self._put(f"{QUARANTINE}/stage={stage}/date={at}/{name}.jsonl.gz", compress(b"\n".join(lines) + b"\n"))

    def raw_parts(
        self, prefix: str = "", wanted: Callable[[bytes], bool] = lambda line: True
    ) -> Iterator[tuple[str, Part]]:
        """(shard, part) of every line under a prefix such as `date=2013-10-08/hour=10/`, repeats included.

        `wanted`: only lines of which it says so are decoded.
        """
        for shard, lines in self.raw_lines(prefix):
            for line in filter(wanted, lines):
                yield shard, _part_decoder.decode(line)

    def raw_lines(self, prefix: str = "") -> Iterator[tuple[str, list[bytes]]]:
        """(shard, lines) of every object under a prefix: parts as JSON, for who needs less of them than `raw_parts`."""
        for key in self.keys(f"{RAW}/{prefix}"):
            shard = key.rsplit("/", 1)[1].rsplit("-", 1)[0]
            yield shard, gzip.decompress(self._get(key)).splitlines()

    def dates(self) -> list[date]:
        """Trade dates of which the raw log holds something, in order."""
        try:
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=f"{RAW}/date=", Delimiter="/"
            )
            found = [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", [])]
        except (BotoCoreError, ClientError) as error:
            raise StoreUnavailable(f"lake: {error}") from error
        return sorted(date.fromisoformat(prefix.rstrip("/").rsplit("=", 1)[1]) for prefix in found)

    def keys(self, prefix: str) -> Iterator[str]:
        """Of all objects under a prefix of the bucket."""
        try:
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            for page in pages:
                yield from (entry["Key"] for entry in page.get("Contents", []))
        except (BotoCoreError, ClientError) as error:
            raise StoreUnavailable(f"lake: {error}") from error

    def _get(self, key: str) -> bytes:
        try:
            body: bytes = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except (BotoCoreError, ClientError) as error:
            raise StoreUnavailable(f"lake: {error}") from error
        return body

    def _put(self, key: str, body: bytes) -> None:
        try:
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=body)
        except (BotoCoreError, ClientError) as error:
            raise StoreUnavailable(f"lake: {error}") from error


def compress(data: bytes) -> bytes:
    """gzip without a time in its header: equal lines give equal bytes."""
    packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    return packer.compress(data) + packer.flush()


def raw_hour(sec: int) -> tuple[str, str]:
    """New York date and hour (two digits) of a Unix second."""
    return _raw_hour(sec * 1000 // HOUR_MS)


@lru_cache(maxsize=4096)
def _raw_hour(hour: int) -> tuple[str, str]:
    at = datetime.fromtimestamp(hour * HOUR_MS // 1000, NEW_YORK)
    return at.date().isoformat(), f"{at.hour:02d}"
