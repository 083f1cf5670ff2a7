"""Reads one shard of a stream in order, from a position or after a record, through expired iterators."""

from dataclasses import dataclass
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError

from local_dev.runtime.stream_record import StreamRecord
from local_dev.runtime.streams import Page, Stream

EXPIRED = "ExpiredIteratorException"
TRIMMED = "TrimmedDataAccessException"


class ReadFailed(Exception):
    """Throttled, unreachable or refused; reading goes on later from the same place."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """`behind`: more lies beyond these records. `closed`: nothing ever will (the shard was split or merged).
    `held_s` as in `Page`."""

    records: list[StreamRecord]
    behind: bool
    closed: bool
    held_s: float


class ShardReader:
    """Not thread-safe. `now` is Unix seconds."""

    def __init__(self, stream: Stream, shard: str, after: str | None, now: float) -> None:
        self._stream, self._shard, self._after = stream, shard, after
        self._began = datetime.fromtimestamp(now, UTC)
        self._iterator: str | None = None

    def read(self, limit: int) -> Chunk:
        """Raises ReadFailed."""
        try:
            page = self._page(limit)
        except (ClientError, BotoCoreError) as error:
            raise ReadFailed(f"{self._shard}: {error}") from error
        if page.records:
            self._after = page.records[-1].sequence
        self._iterator = page.next_iterator
        closed = not self._iterator
        return Chunk(page.records, behind=not closed and page.behind, closed=closed, held_s=page.held_s)

    def _page(self, limit: int) -> Page:
        for _ in range(2):
            try:
                if self._iterator is None:
                    self._iterator = self._stream.iterator(self._shard, self._after, self._began)
                return self._stream.read(self._shard, self._iterator, limit)
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code not in {EXPIRED, TRIMMED}:
                    raise
                self._iterator = None  # minutes without a read: go on after the last record read
                if code == TRIMMED:
                    self._after = None  # that record is no longer kept: go on with the oldest that is
        raise ReadFailed(f"{self._shard}: a new iterator had expired at once")
