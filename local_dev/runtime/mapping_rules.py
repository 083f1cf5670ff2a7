"""Lambda's rules for one shard of a stream's event source mapping, as a state machine without I/O or clock.

`step(now)` says what to do next; the caller does it and reports back. `now` is Unix seconds. Sources: Lambda developer
guide, "How Lambda processes records from stream sources", "Retain discarded batch records for a Kinesis Data Streams
event source", "Configuring partial batch response with Kinesis Data Streams", as of 2026.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from local_dev.runtime.invocation import PAYLOAD_LIMIT_BYTES, InvocationResult
from local_dev.runtime.mapping_settings import MappingSettings
from local_dev.runtime.stream_record import ENVELOPE_BYTES, StreamRecord, event_of

_FIRST_READ = 100
"""Records asked for before their size is known; later reads ask for what fits into a batch."""

_REST = 3
"""Pause after a read that found the end, in durations of that read: polling takes a quarter of the stream at most."""


class Condition(StrEnum):
    """Why records were given up, in the words of the invocation record."""

    RETRIES = "RetryAttemptsExhausted"
    AGE = "RecordAgeExceeded"


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds before retry n of a batch, or try n after as many throttles. Lambda's own are not published."""

    first: float = 0.1
    factor: float = 2.0
    most: float = 10.0

    def after(self, failures: int) -> float:
        return min(self.first * self.factor ** min(failures - 1, 64), self.most) if failures else 0.0


@dataclass(frozen=True, slots=True)
class Batch:
    """Records on their way to the function. `retries` are used up, `invocations` made, `last` the latest answer."""

    records: tuple[StreamRecord, ...]
    retries: int = 0
    invocations: int = 0
    last: InvocationResult | None = None

    def event(self) -> bytes:
        return event_of(self.records)


@dataclass(frozen=True, slots=True)
class Read:
    limit: int


@dataclass(frozen=True, slots=True)
class Invoke:
    batch: Batch


@dataclass(frozen=True, slots=True)
class Discard:
    """`batch` holds the records given up, and only those."""

    batch: Batch
    condition: Condition


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: float


Action = Read | Invoke | Discard | Wait


@dataclass(slots=True)
class Counts:
    """Of one shard since the poller started. `records` were handled by the function, `discarded` given up."""

    batches: int = 0
    records: int = 0
    retries: int = 0
    splits: int = 0
    discarded: int = 0
    undelivered: int = 0
    throttled: int = 0
    read_errors: int = 0


@dataclass(slots=True)
class ShardRules:
    """One shard: at most one batch in progress, in order, the next only after it is handled or given up."""

    settings: MappingSettings
    poll_seconds: float = 1.0
    backoff: Backoff = field(default_factory=Backoff)
    checkpoint: str | None = None
    counts: Counts = field(default_factory=Counts)
    tip_at: float = float("-inf")
    """When the latest read began that found nothing more: whatever was put before has been read."""
    _gathered: deque[tuple[float, StreamRecord]] = field(default_factory=deque)
    _pending: deque[Batch] = field(default_factory=deque)
    _throttles: int = 0
    _read_failures: int = 0
    _not_before: float = float("-inf")
    _next_read: float = float("-inf")
    _mean_bytes: float = 0.0

    @property
    def empty(self) -> bool:
        """Everything read so far has been handled or given up."""
        return not self._gathered and not self._pending

    def step(self, now: float) -> Action:
        if self._pending:
            return self._next_of_batch(self._pending[0], now)
        if self._close_batch(now):
            return self._next_of_batch(self._pending[0], now)
        if now >= self._next_read:
            return Read(self._room())
        wake = self._next_read
        if self._gathered:
            wake = min(wake, self._gathered[0][0] + self.settings.window_seconds)
        return Wait(wake - now)

    def on_read(self, records: Sequence[StreamRecord], *, began: float, now: float, behind: bool) -> None:
        """`behind`: the shard is known to hold more than these. A slow stream is asked less often, not more."""
        self._read_failures = 0
        self._gathered.extend((now, record) for record in records)
        if records:
            self._mean_bytes = sum(len(record.entry) for record in records) / len(records)
        elif not behind:
            self.tip_at = began
        self._next_read = now if behind else max(began + self.poll_seconds, now + _REST * (now - began))

    def on_closed(self) -> None:
        """The shard has ended (it was split or merged): nothing will ever follow."""
        self.tip_at = self._next_read = float("inf")

    def on_read_failed(self, now: float) -> None:
        """Throttled, or the stream cannot be reached: later, and later still."""
        self.counts.read_errors += 1
        self._read_failures += 1
        self._next_read = now + max(self.backoff.after(self._read_failures), self.poll_seconds)

    def on_result(self, result: InvocationResult, handled: int, now: float) -> None:
        """The answer for the batch `step` gave out; `handled` of its first records are done (see `handled_of`)."""
        batch = self._pending.popleft()
        if not result.reached:
            # A throttle: the batch did not reach the function, so it is tried until the records are too old.
            self.counts.throttled += 1
            self._throttles += 1
            self._put_back([batch], now, failures=self._throttles)
            return
        self._throttles = 0
        self.counts.batches += 1
        self.counts.records += handled
        tried = Batch(batch.records, batch.retries, batch.invocations + 1, result)
        if handled:
            self._done(batch.records[handled - 1])
        if handled < len(batch.records):
            again = self._again(tried, handled)
            self._put_back(again, now, failures=max(again[0].retries, 1))

    def on_discarded(self, discard: Discard) -> None:
        count = len(discard.batch.records)
        batch = self._pending.popleft()
        self.counts.discarded += count
        self._done(batch.records[count - 1])
        if rest := batch.records[count:]:
            self._pending.appendleft(Batch(rest, batch.retries, batch.invocations, batch.last))
        else:
            self._not_before = float("-inf")

    def _again(self, batch: Batch, handled: int) -> list[Batch]:
        """What of a failed batch is tried next. Splitting does not use up a retry.

        A report that names the first record has nothing to cut off: no record succeeded, so the batch failed whole.
        """
        rest = batch.records[handled:]
        if self.settings.bisect and handled:
            self.counts.splits += 1
            return [Batch(rest, batch.retries, batch.invocations, batch.last)]
        if self.settings.bisect and len(rest) > 1:
            self.counts.splits += 1
            middle = len(rest) // 2
            halves = rest[:middle], rest[middle:]
            return [Batch(half, batch.retries, batch.invocations, batch.last) for half in halves]
        if batch.retries != self.settings.max_retries:
            self.counts.retries += 1
        return [Batch(rest, batch.retries + 1, batch.invocations, batch.last)]

    def _put_back(self, batches: Sequence[Batch], now: float, failures: int) -> None:
        self._pending.extendleft(reversed(batches))
        self._not_before = now + self.backoff.after(failures)

    def _next_of_batch(self, batch: Batch, now: float) -> Action:
        old = 0
        while old < len(batch.records) and now - batch.records[old].arrival > self.settings.oldest_seconds:
            old += 1
        if old:
            part = Batch(batch.records[:old], batch.retries, batch.invocations, batch.last)
            return Discard(part, Condition.AGE)
        if 0 <= self.settings.max_retries < batch.retries:
            return Discard(batch, Condition.RETRIES)
        if now < self._not_before:
            return Wait(self._not_before - now)
        return Invoke(batch)

    def _close_batch(self, now: float) -> bool:
        """Make a batch once it is full, its window is over, or one more record would not fit the payload."""
        if not self._gathered:
            return False
        count, size = 0, ENVELOPE_BYTES
        for _, record in self._gathered:
            size += len(record.entry) + (1 if count else 0)  # 1: the comma
            if count == self.settings.batch_size or (count and size > PAYLOAD_LIMIT_BYTES):
                break
            count += 1
        full = count == self.settings.batch_size or count < len(self._gathered)
        if not full and now < self._gathered[0][0] + self.settings.window_seconds:
            return False
        self._pending.append(Batch(tuple(self._gathered.popleft()[1] for _ in range(count))))
        return True

    def _room(self) -> int:
        free = self.settings.batch_size - len(self._gathered)
        if not self._mean_bytes:
            return min(free, _FIRST_READ)
        return max(1, min(free, int(PAYLOAD_LIMIT_BYTES / self._mean_bytes)))

    def _done(self, record: StreamRecord) -> None:
        self.checkpoint = record.sequence
