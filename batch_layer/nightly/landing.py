"""What a fetch brought, in the lake as it came: `vendor/days/date=YYYY-MM-DD/<known at>.json.gz`, one for each asking.

The database and the Parquet files are made of the last one, so that both hold the same, and no step that runs where
the vendor cannot be reached has to ask it.
"""

import gzip
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

import msgspec

from batch_layer.fetch.minutes import VendorMinute
from batch_layer.fetch.units import Fetched, Refused
from batch_layer.lake.objects import Objects
from shared.errors import RetryableError
from shared.stores.lake import compress

PREFIX = "vendor/days"
SOURCE = "vendor"
"""Who says what was fetched."""
_STAMP = "%Y%m%dT%H%M%S.%fZ"


class BrokenLanding(RetryableError):
    """What was landed cannot be read: fetching again puts another in its place."""


class Told(NamedTuple):
    """What the vendor told of a trade date. `compared`: the symbols whose minutes were asked for; `refused`: minutes
    that cannot be used."""

    fetched: Fetched
    minutes: Sequence[VendorMinute] = ()
    compared: Sequence[str] = ()
    refused: Sequence[Refused] = ()


class Landed(NamedTuple):
    """`known_at`: when the vendor was asked."""

    key: str
    known_at: datetime
    told: Told


_decoder = msgspec.json.Decoder(Told)


class Landing:
    """Raises StoreUnavailable when S3 does not answer in time."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def put(self, day: date, known_at: datetime, told: Told) -> str:
        """Where it is. Times of asking differ, so nothing is ever replaced but by itself."""
        key = f"{_folder(day)}{known_at.astimezone(UTC):{_STAMP}}.json.gz"
        self._objects.put(key, compress(msgspec.json.encode(told)))
        return key

    def newest(self, day: date) -> Landed | None:
        """What was asked last of a trade date, None where nobody has asked. Raises BrokenLanding."""
        return self._last_but(day, 0)

    def before(self, day: date) -> Landed | None:
        """What was told the time before the last. Raises BrokenLanding."""
        return self._last_but(day, 1)

    def symbols_on(self, day: date) -> int | None:
        """How many symbols had a bar on a trade date, None where nobody has asked for it."""
        landed = self.newest(day)
        return len(landed.told.fetched.bars) or None if landed else None

    def _last_but(self, day: date, number: int) -> Landed | None:
        keys = sorted(self._objects.keys(_folder(day)), reverse=True)
        return self._read(keys[number]) if len(keys) > number else None

    def _read(self, key: str) -> Landed | None:
        stored = self._objects.get(key)
        if stored is None:
            return None
        try:
            told = _decoder.decode(gzip.decompress(stored.data))
        except (msgspec.DecodeError, OSError, EOFError) as error:
            raise BrokenLanding(f"lake: {key}: {error}") from error
        stamp = key.rsplit("/", 1)[1].removesuffix(".json.gz")
        return Landed(key, datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC), told)


def _folder(day: date) -> str:
    return f"{PREFIX}/date={day.isoformat()}/"
