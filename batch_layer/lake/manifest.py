"""What is said of a file of the lake beside it, and what it means that a file is something else."""

import hashlib
from datetime import datetime

import msgspec

from shared.errors import RetryableError


class BrokenFile(RetryableError):
    """A file is not what its manifest says: damaged, or just being replaced. Writing its date again repairs it."""


class Manifest(msgspec.Struct, frozen=True):
    """What the file of a date must be, who said so, which code wrote it, and since when it is known."""

    rows: int
    bytes: int
    sha256: str
    source: str
    code_version: str
    known_at: datetime


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
