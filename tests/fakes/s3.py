"""A bucket in memory, as boto3's client speaks of it. `failing` makes calls time out."""

import io
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ReadTimeoutError


class S3:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.content_types: dict[str, str] = {}
        self.writes: list[str] = []
        self.reads: list[str] = []
        self.fail_writes_from: int | None = None
        """The write (counted from 0) from which all time out."""

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str = "") -> None:  # noqa: N803 -- boto3's names
        self.writes.append(Key)
        if self.fail_writes_from is not None and len(self.writes) > self.fail_writes_from:
            raise ReadTimeoutError(endpoint_url="the bucket")
        self.objects[Key] = Body
        self.content_types[Key] = ContentType

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 -- boto3's names
        self.reads.append(Key)
        return {"Body": io.BytesIO(self.objects[Key])}

    def get_paginator(self, operation: str) -> "S3":
        assert operation == "list_objects_v2"
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803 -- boto3's names
        for key in sorted(self.objects):
            if key.startswith(Prefix):
                yield {"Contents": [{"Key": key}]}
        yield {}
