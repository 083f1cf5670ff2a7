"""The `control` table: lease, counts of each ingester epoch, late marks, feed state, hashed keys.

One item each, keyed (pk, sk). Counts are totals of one epoch written by its only writer, never increments.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from shared.bars.windows import HOUR_MS
from shared.stores.control_items import ControlItems

LATE_MARK_TTL_S = 3 * 86_400
RUNNING = "running"
UNAVAILABLE = "unavailable"
SPEAKS_WITHIN_MS = 15_000
"""An ingester tells its counts once a second."""


def ingest_state(epoch: Mapping[str, Any], now_ms: float) -> str:
    """What the newest ingester last said of itself; `unavailable` when it has said nothing for 15 s (host time)."""
    state = str(epoch.get("state", "none"))
    if state != RUNNING:
        return state
    if now_ms - epoch.get("told_ms", now_ms) > SPEAKS_WITHIN_MS:
        return UNAVAILABLE
    connection = str(epoch.get("connection", "up"))
    return state if connection == "up" else connection


def is_at_work(epoch: Mapping[str, Any], now_ms: float) -> bool:
    """Whether an ingester speaks, with or without a connection: it is there and is paid for (host time)."""
    return epoch.get("state") == RUNNING and ingest_state(epoch, now_ms) != UNAVAILABLE


class Progress(NamedTuple):
    """How far a stream function has come: the record up to which it has handled everything ("" before its first batch),
    the greatest promise it has met (Unix seconds), how many signals it has stored, and the last record of any batch
    whose signals it has begun to store, done or not."""

    sequence: str = ""
    promise: int = 0
    stored: int = 0
    tried: str = ""


class ControlStore:
    """The `control` table. Raises StoreUnavailable when DynamoDB does not answer in time or throttles."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._items = ControlItems(dynamodb, table)

    def take_lease(self, owner: str, now_s: float, deadline_s: float) -> int | None:
        """Take the ingester's lease if it is free or past its deadline; the new epoch, or None while another holds it.

        Epochs only grow. An owner takes over from itself: only a supervisor that knows the predecessor dead gives the
        same name again. Times are Unix seconds of this host.
        """
        answer = self._items.update(
            "lease",
            "ingest",
            expression="SET #owner = :owner, deadline = :deadline ADD epoch :one",
            condition="attribute_not_exists(deadline) OR deadline < :now OR #owner = :owner",
            names={"#owner": "owner"},
            values={
                ":owner": owner,
                ":deadline": float(deadline_s),
                ":now": float(now_s),
                ":one": 1,
            },
        )
        return None if answer is None else int(answer["epoch"])

    def extend_lease(self, owner: str, epoch: int, deadline_s: float) -> bool:
        """Move the deadline of a lease that is still ours; a deadline of 0 gives it back. False when it is not ours."""
        answer = self._items.update(
            "lease",
            "ingest",
            expression="SET deadline = :deadline",
            condition="#owner = :owner AND epoch = :epoch",
            names={"#owner": "owner"},
            values={":owner": owner, ":epoch": epoch, ":deadline": float(deadline_s)},
        )
        return answer is not None

    def start_epochs_after(self, epoch: int) -> None:
        """A new table: epochs go on after the greatest that ever was."""
        self._items.put("lease", "ingest", {"epoch": epoch})

    def put_epoch(self, epoch: int, counts: dict[str, Any]) -> None:
        """Totals of one ingester epoch; the last write stands."""
        self._items.put("ingest", f"{epoch:010d}", counts)

    def epochs(self) -> Iterator[dict[str, Any]]:
        """Totals of every epoch, oldest first."""
        return self._items.query("ingest")

    def newest_epoch(self) -> dict[str, Any]:
        """Totals of the last epoch; empty before the first."""
        return self._items.last("ingest") or {}

    def watched_since(self, now_s: float) -> float:
        """Since when (Unix s) this platform is watched: the time of the first call there ever was."""
        known = self._items.get("watch", "since")
        if known is None:
            known = {"at": float(now_s)}
            self._items.put("watch", "since", known)
        return float(known["at"])

    def put_feed(self, state: dict[str, Any]) -> None:
        """What the platform reads from and whether it still comes."""
        self._items.put("feed", "state", state)

    def feed(self) -> dict[str, Any]:
        """The feed state; empty when no feed was ever attached."""
        return self._items.get("feed", "state") or {}

    def put_symbols(self, symbols: list[str]) -> None:
        """Every symbol that was ever accepted, sorted; the last write stands (11,000 take about 70 KB)."""
        self._items.put("symbols", "all", {"symbols": symbols})

    def symbols(self) -> list[str]:
        return list((self._items.get("symbols", "all") or {}).get("symbols", []))

    def put_through(self, reader: str, sequence: str) -> None:
        """A stream function has handled everything of its shard up to this record. Sequence numbers have 56 digits."""
        self.put_progress(reader, Progress(sequence))

    def through(self, reader: str) -> str | None:
        """Up to where a stream function has come; None before its first batch."""
        return self.progress(reader).sequence or None

    def put_progress(self, reader: str, progress: Progress) -> None:
        """How far a stream function has come and what has come of it, in one item: neither without the other."""
        self._items.put("through", reader, progress._asdict())

    def progress(self, reader: str) -> Progress:
        mark = self._items.get("through", reader) or {}
        return Progress(**{name: mark[name] for name in Progress._fields if name in mark})

    def put_signal_counts(self, counts: dict[str, int]) -> None:
        """Totals of signals that were filled in, not found by the signals function: `stored`."""
        self._items.put("signals", "counts", counts)

    def filled_in_signals(self) -> int:
        """What `put_signal_counts` was told last."""
        return int((self._items.get("signals", "counts") or {}).get("stored", 0))

    def signal_counts(self) -> dict[str, int]:
        """`stored`: signals that are in their table, filled in or found. Empty before the first one."""
        counts = {
            name: value
            for name, value in (self._items.get("signals", "counts") or {}).items()
            if isinstance(value, int)
        }
        found = self.progress("signals").stored
        return counts | {"stored": counts.get("stored", 0) + found} if found else counts

    def mark_late(self, sym: str, t_ms: int, now_s: int) -> None:
        """Note that an hour of a symbol holds late parts: later base writes in it re-emit closed windows."""
        ttl = {"ttl": now_s + LATE_MARK_TTL_S}
        self._items.put(f"late#{sym}", str(t_ms - t_ms % HOUR_MS), ttl)

    def is_marked_late(self, sym: str, t_ms: int, now_s: int) -> bool:
        mark = self._items.get(f"late#{sym}", str(t_ms - t_ms % HOUR_MS))
        return mark is not None and int(mark["ttl"]) > now_s

    def put_key(self, key_id: str, record: dict[str, Any]) -> None:
        """An API key: SHA-256 (hex) of the whole key in `hash`, `scopes`, `plan`; never the key itself."""
        self._items.put("key", key_id, record)

    def key(self, key_id: str) -> dict[str, Any] | None:
        return self._items.get("key", key_id)

    def key_records(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every key's id and record."""
        for item in self._items.query("key"):
            yield str(item.pop("sk")), {name: value for name, value in item.items() if name != "pk"}
