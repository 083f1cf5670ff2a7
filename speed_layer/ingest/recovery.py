"""What a new ingester learns from the stream: the promise, the parts of open windows, the identities of its trades.

Bars closed by one heartbeat are acknowledged before the next goes out. So windows that may not have been emitted end
after the last heartbeat but one, and reading from the start of that heartbeat's hour (or 21 minutes before the last,
if that is earlier) finds every such window whole.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from shared.bars.windows import new_york_date
from shared.errors import InvalidRecord, StoreUnavailable
from shared.frames import Part, decode_frame
from shared.observability import event, logger
from speed_layer.ingest.intake import MEMORY_S

HOUR_S = 3_600
THROTTLE_PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0)
LATEST_AHEAD = timedelta(days=2)
LIVE_REACH = timedelta(hours=2, minutes=10)
"""On a live feed event time is arrival time: so far back lies everything that a start needs."""

log = logger("ingest.recovery")


class Tail:
    """The end of the stream, by event time. All times Unix seconds but `last_t` and `gap` (ms)."""

    def __init__(self, latest: float = float("inf")) -> None:
        """`latest`: promises beyond it are no ingester's; the end of a feed promises the next midnight."""
        self._latest = latest
        self.promise = 0
        self.promise_before = 0
        self.last_t = 0
        self._gaps: dict[int, int] = {}
        """What each shard's last heartbeat with this promise says of a gap."""
        self._shard = 0
        self._parts: deque[tuple[int, Part]] = deque()
        self._told = 0

    def read(self, part: Part) -> None:
        """The next part of a shard."""
        if not part.sym:
            if part.sec > self._latest:
                event(log, 40, "promise of the future left out", promise=part.sec)
                return
            self._told = part.sec
            if part.sec >= self.promise and not part.quarantine:
                if part.sec > self.promise:
                    self._gaps.clear()
                self._gaps[self._shard] = part.gap
            if part.sec > self.promise:
                self.promise_before, self.promise = self.promise, part.sec
            elif self.promise_before < part.sec < self.promise:
                self.promise_before = part.sec
            return
        self.last_t = max(self.last_t, max((row.t for row in part.trades), default=0))
        self._parts.append((self._told, part))
        while self._parts and self._is_past(*self._parts[0]):
            self._parts.popleft()
        if self._parts and self._is_past(*self._parts[-1]):  # a later shard's beginning, behind what another left
            self._parts.pop()

    def next_shard(self) -> None:
        """What follows is the beginning of another shard."""
        self._told = 0
        self._shard += 1

    @property
    def gap(self) -> int:
        """From here on trades may be missing that the promise has passed; 0 = none are. While the promise stands a
        lane may lag behind another, so what any of them says is taken."""
        return min(filter(None, self._gaps.values()), default=0)

    @property
    def start(self) -> int:
        """Windows that begin here or later are whole in `parts`."""
        hour = self.promise_before - self.promise_before % HOUR_S
        return max(0, min(self.promise - MEMORY_S, hour))

    def parts(self) -> Iterator[Part]:
        """Each part of the tail once, in the order of its lane."""
        return self._unique(part for _, part in self._parts if part.sec >= self.start)

    def late_parts(self) -> Iterator[Part]:
        """Parts of seconds before the tail that arrived within the memory of identities, each once."""
        return self._unique(part for told, part in self._parts if part.sec < self.start and self._is_recent(told))

    def _is_past(self, told: int, part: Part) -> bool:
        return part.sec < self.start and not self._is_recent(told)

    def _is_recent(self, told: int) -> bool:
        """Whether what followed this heartbeat in its shard was accepted within the memory of identities."""
        return told >= self.promise - MEMORY_S

    def _unique(self, parts: Iterator[Part]) -> Iterator[Part]:
        ids: set[tuple[str, str, int]] = set()
        for part in parts:
            if part.identity not in ids:
                ids.add(part.identity)
                yield part

    @property
    def is_empty(self) -> bool:
        return self.last_t == 0


def find_tail(kinesis: Any, stream: str, totals: Callable[[], Mapping[str, Any]], *, live: bool, now: datetime) -> Tail:
    """The stream's tail; where a live one holds nothing, that of a predecessor which was here earlier on this date in
    New York, by its last `totals`. What is missing of earlier dates is the night's. Raises StoreUnavailable."""
    tail = read_tail(kinesis, stream, live=live, now=now)
    if not live or tail.promise:
        return tail
    told = datetime.fromtimestamp(int(totals().get("promise", 0)), UTC)
    is_today = new_york_date(int(told.timestamp()) * 1000) == new_york_date(int(now.timestamp()) * 1000)
    return read_tail(kinesis, stream, live=live, now=told) if is_today else tail


def read_tail(kinesis: Any, stream: str, *, live: bool, now: datetime) -> Tail:
    """Read every shard of the stream to its end. Raises StoreUnavailable."""
    tail = Tail((now + LATEST_AHEAD).timestamp() if live else float("inf"))
    position: dict[str, Any] = {"ShardIteratorType": "TRIM_HORIZON"}
    if live:
        position = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": now.astimezone(UTC) - LIVE_REACH}
    try:
        for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
            tail.next_shard()
            for data in _records(kinesis, stream, shard["ShardId"], position):
                try:
                    for part in decode_frame(data):
                        tail.read(part)
                except InvalidRecord as error:
                    event(log, 40, "record of the stream left out", reason=error.reason, shard=shard["ShardId"])
    except (BotoCoreError, ClientError) as error:
        raise StoreUnavailable(f"stream {stream}: {error}") from error
    return tail


def _records(kinesis: Any, stream: str, shard: str, position: dict[str, Any]) -> Iterator[bytes]:
    answer = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, **position)
    iterator = answer["ShardIterator"]
    while iterator:
        page = _read(kinesis, iterator)
        yield from (record["Data"] for record in page["Records"])
        iterator = page.get("NextShardIterator")
        if not page["Records"] and page["MillisBehindLatest"] == 0:
            return


def _read(kinesis: Any, iterator: str) -> Any:
    """A shard gives its readers five calls and 2 MB a second between them: one that is refused waits and asks again."""
    for pause_s in THROTTLE_PAUSES_S:
        try:
            return kinesis.get_records(ShardIterator=iterator, Limit=500)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ProvisionedThroughputExceededException":
                raise
            time.sleep(pause_s)
    return kinesis.get_records(ShardIterator=iterator, Limit=500)
