"""The dashboard's files into the bucket that the edge reads, with `no-cache`, so that no invalidation is needed."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stacks.settings import ROOT

PAGE = ROOT / "serving_layer" / "dashboard"
INDEX = "index.html"
LEFT_OUT = {"headers.json"}
"""Read by the stacks; not for browsers."""


def upload(s3: Any, bucket: str) -> int:
    """Make the bucket hold the dashboard and nothing else; how many files that are.

    New files first, the page itself after them, what is no longer used last: whoever loads it meanwhile misses nothing.
    """
    files = dict(page_files())
    for key in sorted(files, key=lambda key: (key == INDEX, key)):
        s3.put_object(
            Bucket=bucket,
            Key=key,
            Body=files[key].read_bytes(),
            ContentType=mimetypes.guess_type(key)[0] or "application/octet-stream",
            CacheControl="no-cache",
        )
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    for key in [one["Key"] for page in pages for one in page.get("Contents", ()) if one["Key"] not in files]:
        s3.delete_object(Bucket=bucket, Key=key)
    return len(files)


def page_files() -> Iterator[tuple[str, Path]]:
    """Key and file of everything a browser asks for."""
    for path in PAGE.rglob("*"):
        name = path.relative_to(PAGE).as_posix()
        if path.is_file() and name not in LEFT_OUT and path.suffix not in {".py", ".pyc"}:
            yield (INDEX if name == INDEX else f"dashboard/{name}"), path
