"""Objects of the lake, written only where what is there is what the writer has seen."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from shared.errors import StoreUnavailable

KNOWN_AT = "known-at"
_OTHERS_WERE_QUICKER = ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey")
"""What S3 answers a conditional write; the last where the object to be replaced is gone."""


class Object(NamedTuple):
    """`tag`: which version of the object this is. `known_at`: since when its content is known, where it tells."""

    data: bytes
    tag: str
    known_at: datetime | None


class Objects:
    """A bucket. Raises StoreUnavailable when S3 does not answer in time, SDK retries included."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3, self._bucket = s3, bucket

    def get(self, key: str) -> Object | None:
        """None where there is no such object."""
        try:
            with _unavailable(key):
                answer = self._s3.get_object(Bucket=self._bucket, Key=key)
                known_at = answer["Metadata"].get(KNOWN_AT)
                return Object(
                    answer["Body"].read(),
                    answer["ETag"],
                    None if known_at is None else datetime.fromisoformat(known_at),
                )
        except _Refused as refused:
            if refused.code == "NoSuchKey":
                return None
            raise StoreUnavailable(f"lake: {key}: {refused.code}") from refused

    def keys(self, prefix: str) -> list[str]:
        """Of all objects under a prefix."""
        with _unavailable(prefix, refusals=()):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def put(self, key: str, data: bytes, content_type: str | None = None) -> None:
        """Whatever is there. `content_type`: what a browser is to take it for."""
        told = {} if content_type is None else {"ContentType": content_type}
        with _unavailable(key, refusals=()):
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=data, **told)

    def replace(self, key: str, data: bytes, tag: str | None, known_at: datetime) -> bool:
        """Write if the object still is the version `tag`, for None: if there is none. False if it is not.

        False also if our own write was taken and its answer lost, so that the SDK's repeat met it: look what is there.
        """
        condition: dict[str, Any] = {"IfNoneMatch": "*"} if tag is None else {"IfMatch": tag}
        metadata = {KNOWN_AT: known_at.isoformat()}
        try:
            with _unavailable(key):
                self._s3.put_object(Bucket=self._bucket, Key=key, Body=data, Metadata=metadata, **condition)
        except _Refused:
            return False
        return True

    def delete(self, key: str) -> None:
        with _unavailable(key, refusals=()):
            self._s3.delete_object(Bucket=self._bucket, Key=key)


class _Refused(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@contextmanager
def _unavailable(key: str, refusals: tuple[str, ...] = _OTHERS_WERE_QUICKER) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if (code := str(error.response.get("Error", {}).get("Code"))) in refusals:
            raise _Refused(code) from error
        raise StoreUnavailable(f"lake: {key}: {error}") from error
    except BotoCoreError as error:
        raise StoreUnavailable(f"lake: {key}: {error}") from error
