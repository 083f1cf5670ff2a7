"""One Parquet file a date in the lake: `<prefix>/date=YYYY-MM-DD/part.parquet`, and beside it `_manifest.json`.

A date is written in four steps: to `_staging/`, read back from there and verified, put in its place, and last the
manifest. A reader takes what the manifest says or nothing. Of two writers of one date one wins, file and manifest
alike: each step replaces only what its writer has seen (If-None-Match, If-Match), and a manifest is put only over a
file that is its own. A file carries since when it is known, so that no writer puts older knowledge over newer. A writer
that was stopped between file and manifest leaves a date that is refused until it is written again. The verified bytes
are put, not copied by S3: moto and emulators of S3 honour the conditions on a put, not all of them on a copy.
"""

from datetime import date, datetime
from typing import Any, NamedTuple

import msgspec
import polars as pl

from batch_layer.lake.manifest import BrokenFile, Manifest, sha256
from batch_layer.lake.objects import Object, Objects
from batch_layer.lake.parquet import Schema, decode, encode
from shared.errors import InvalidRecord, RetryableError

TRIES = 5
"""Of putting a manifest that another writer's put meets in between: each try is one such meeting."""


class WrittenByAnother(RetryableError):
    """Another writer has the date: its file and manifest stand. The message says which."""


class Written(NamedTuple):
    """`manifest` holds after a write; `changed` tells whether the write made it so."""

    manifest: Manifest
    changed: bool


class _Seen(NamedTuple):
    """What a writer found; `rows` are None where the date has none that a reader would take."""

    manifest: Manifest | None
    tag: str | None
    file: Object | None
    rows: pl.DataFrame | None


class DateFiles:
    """The files of all dates under a prefix such as `bars/timeframe=1d`; `schema` is theirs.

    Raises StoreUnavailable when S3 does not answer in time, and BrokenFile for a date that is not whole.
    """

    def __init__(self, s3: Any, bucket: str, code_version: str, prefix: str, schema: Schema) -> None:
        self._objects, self._code_version = Objects(s3, bucket), code_version
        self._prefix, self._schema = prefix, schema

    def rows(self, day: date) -> pl.DataFrame | None:
        """The rows of a date as they were written, None where it never was."""
        manifest = self.manifest(day)
        key = self._key(day)
        return None if manifest is None else self._verified(self._objects.get(key), manifest, key)

    def manifest(self, day: date) -> Manifest | None:
        """None where the date was never written."""
        manifest, tag = self._manifest(day)
        if manifest is None and tag is not None:
            raise BrokenFile(f"lake: {self._manifest_key(day)} is no manifest")
        return manifest

    def write(self, day: date, rows: pl.DataFrame, *, source: str, known_at: datetime) -> Written:
        """All rows of a date, in an order that follows from them. Equal rows again change nothing, nor do those known
        before what is there.

        Raises WrittenByAnother, and InvalidRecord `conflict` for other rows known at the very time of those there.
        """
        data = encode(rows)
        seen = self._seen(day)
        if seen.manifest is not None and seen.rows is not None:
            if seen.rows.equals(rows) or known_at < seen.manifest.known_at:
                return Written(seen.manifest, changed=False)
            if known_at == seen.manifest.known_at:
                raise InvalidRecord("conflict", f"two sets of {self._prefix} of {day} known at {known_at}")
        elif seen.file is not None and seen.file.known_at is not None and known_at < seen.file.known_at:
            since = seen.file.known_at.isoformat()
            raise WrittenByAnother(
                f"lake: {self._folder(day)} has an unfinished or damaged file known at {since}: write that again"
            )
        manifest = Manifest(rows.height, len(data), sha256(data), source, self._code_version, known_at)
        self._stage(day, data, manifest)
        self._put_file(day, data, known_at, seen.file)
        return self._put_manifest(day, manifest, seen.tag)

    def _stage(self, day: date, data: bytes, manifest: Manifest) -> None:
        """What S3 gives back of the file is what the manifest will say. Raises BrokenFile."""
        key = f"_staging/{self._folder(day)}/{manifest.sha256}.parquet"
        self._objects.put(key, data)
        self._verified(self._objects.get(key), manifest, key)
        self._objects.delete(key)

    def _put_file(self, day: date, data: bytes, known_at: datetime, over: Object | None) -> None:
        if not self._objects.replace(self._key(day), data, over.tag if over else None, known_at):
            self._must_be_ours(day, sha256(data))

    def _put_manifest(self, day: date, manifest: Manifest, tag: str | None) -> Written:
        """Over any manifest, as long as the file in its place is ours."""
        for _ in range(TRIES):
            if self._objects.replace(self._manifest_key(day), msgspec.json.encode(manifest), tag, manifest.known_at):
                return Written(manifest, changed=True)
            stands, tag = self._manifest(day)
            self._must_be_ours(day, manifest.sha256)
            if stands is not None and stands.sha256 == manifest.sha256:
                return Written(stands, changed=stands == manifest)
        raise WrittenByAnother(f"lake: {self._folder(day)}: too many writers at once")

    def _must_be_ours(self, day: date, checksum: str) -> None:
        file = self._objects.get(self._key(day))
        if file is None or sha256(file.data) != checksum:
            winner, _ = self._manifest(day)
            whose = f"{winner.source}, known at {winner.known_at.isoformat()}" if winner else "not finished yet"
            raise WrittenByAnother(
                f"lake: {self._folder(day)} was written by another at the same time ({whose}); nothing was mixed"
            )

    def _seen(self, day: date) -> _Seen:
        manifest, tag = self._manifest(day)
        file = self._objects.get(self._key(day))
        try:
            rows = None if manifest is None else self._verified(file, manifest, self._key(day))
        except BrokenFile:
            rows = None
        return _Seen(manifest, tag, file, rows)

    def _manifest(self, day: date) -> tuple[Manifest | None, str | None]:
        """With its tag; no manifest but a tag where it cannot be read."""
        stored = self._objects.get(self._manifest_key(day))
        if stored is None:
            return None, None
        try:
            return msgspec.json.decode(stored.data, type=Manifest), stored.tag
        except msgspec.DecodeError:
            return None, stored.tag

    def _verified(self, file: Object | None, manifest: Manifest, key: str) -> pl.DataFrame:
        if file is None:
            raise BrokenFile(f"lake: {key} is not there")
        try:
            return decode(file.data, manifest.rows, manifest.bytes, manifest.sha256, self._schema)
        except BrokenFile as error:
            raise BrokenFile(f"lake: {key} {error}") from error

    def _folder(self, day: date) -> str:
        return f"{self._prefix}/date={day.isoformat()}"

    def _key(self, day: date) -> str:
        return f"{self._folder(day)}/part.parquet"

    def _manifest_key(self, day: date) -> str:
        return f"{self._folder(day)}/_manifest.json"
