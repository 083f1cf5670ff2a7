"""What a fetch brought, in the lake as it came: `vendor/days/date=YYYY-MM-DD/<known at>.json.gz`, one for each asking.

The database and the Parquet files are made of the last one, so that both hold the same, and no step that runs where
the vendor cannot be reached has to ask it.
"""

import gzip
from datetime import UTC, date, datetime
from typing import NamedTuple

import msgspec

from batch_layer.fetch.units import Fetched
from batch_layer.lake.objects import Objects
from shared.errors import RetryableError
from shared.stores.lake import compress

PREFIX = "vendor/days"
SOURCE = "vendor"
"""Who says what was fetched."""
_STAMP = "%Y%m%dT%H%M%S.%fZ"


class BrokenLanding(RetryableError):
    """What was landed cannot be read: fetching again puts another in its place."""


class Landed(NamedTuple):
    """`known_at`: when the vendor was asked."""

    key: str
    known_at: datetime
    fetched: Fetched


_decoder = msgspec.json.Decoder(Fetched)


class Landing:
    """Raises StoreUnavailable when S3 does not answer in time."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def put(self, day: date, known_at: datetime, fetched: Fetched) -> str:
        """Where it is. Times of asking differ, so nothing is ever replaced but by itself."""
        key = f"{_folder(day)}{known_at.astimezone(UTC):{_STAMP}}.json.gz"
        self._objects.put(key, compress(msgspec.json.encode(fetched)))
        return key

    def newest(self, day: date) -> Landed | None:
        """What was asked last of a trade date, None where nobody has asked. Raises BrokenLanding."""
        keys = self._objects.keys(_folder(day))
        return self._read(max(keys)) if keys else None

    def symbols_on(self, day: date) -> int | None:
        """How many symbols had a bar on a trade date, None where nobody has asked for it."""
        landed = self.newest(day)
        return len(landed.fetched.bars) or None if landed else None

    def _read(self, key: str) -> Landed | None:
        stored = self._objects.get(key)
        if stored is None:
            return None
        try:
            fetched = _decoder.decode(gzip.decompress(stored.data))
        except (msgspec.DecodeError, OSError, EOFError) as error:
            raise BrokenLanding(f"lake: {key}: {error}") from error
        stamp = key.rsplit("/", 1)[1].removesuffix(".json.gz")
        return Landed(key, datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC), fetched)


def _folder(day: date) -> str:
    return f"{PREFIX}/date={day.isoformat()}/"
