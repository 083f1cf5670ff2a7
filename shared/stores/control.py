"""The `control` table: lease, counts of each ingester epoch, late marks, feed state, hashed keys.

One item each, keyed (pk, sk). Counts are totals of one epoch written by its only writer, never increments.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from shared.bars.windows import HOUR_MS
from shared.errors import StoreUnavailable

LATE_MARK_TTL_S = 3 * 86_400


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
        self._dynamodb = dynamodb
        self._table = table

    def take_lease(self, owner: str, now_s: float, deadline_s: float) -> int | None:
        """Take the ingester's lease if it is free or past its deadline; the new epoch, or None while another holds it.

        Epochs only grow. An owner takes over from itself: only a supervisor that knows the predecessor dead gives the
        same name again. Times are Unix seconds of this host.
        """
        answer = self._update(
            "lease",
            "ingest",
            expression="SET #owner = :owner, deadline = :deadline ADD epoch :one",
            condition="attribute_not_exists(deadline) OR deadline < :now OR #owner = :owner",
            names={"#owner": "owner"},
            values={
                ":owner": {"S": owner},
                ":deadline": _number(deadline_s),
                ":now": _number(now_s),
                ":one": {"N": "1"},
            },
        )
        return None if answer is None else int(answer["epoch"]["N"])

    def extend_lease(self, owner: str, epoch: int, deadline_s: float) -> bool:
        """Move the deadline of a lease that is still ours; a deadline of 0 gives it back. False when it is not ours."""
        answer = self._update(
            "lease",
            "ingest",
            expression="SET deadline = :deadline",
            condition="#owner = :owner AND epoch = :epoch",
            names={"#owner": "owner"},
            values={":owner": {"S": owner}, ":epoch": {"N": str(epoch)}, ":deadline": _number(deadline_s)},
        )
        return answer is not None

    def start_epochs_after(self, epoch: int) -> None:
        """A new table: epochs go on after the greatest that ever was."""
        self._put("lease", "ingest", {"epoch": epoch})

    def put_epoch(self, epoch: int, counts: dict[str, Any]) -> None:
        """Totals of one ingester epoch; the last write stands."""
        self._put("ingest", f"{epoch:010d}", counts)

    def epochs(self) -> Iterator[dict[str, Any]]:
        """Totals of every epoch, oldest first."""
        return self._query("ingest")

    def put_feed(self, state: dict[str, Any]) -> None:
        """What the platform reads from and whether it still comes."""
        self._put("feed", "state", state)

    def feed(self) -> dict[str, Any]:
        """The feed state; empty when no feed was ever attached."""
        return self._get("feed", "state") or {}

    def put_symbols(self, symbols: list[str]) -> None:
        """Every symbol that was ever accepted, sorted; the last write stands (11,000 take about 70 KB)."""
        self._put("symbols", "all", {"symbols": symbols})

    def symbols(self) -> list[str]:
        return list((self._get("symbols", "all") or {}).get("symbols", []))

    def put_through(self, reader: str, sequence: str) -> None:
        """A stream function has handled everything of its shard up to this record. Sequence numbers have 56 digits."""
        self.put_progress(reader, Progress(sequence))

    def through(self, reader: str) -> str | None:
        """Up to where a stream function has come; None before its first batch."""
        return self.progress(reader).sequence or None

    def put_progress(self, reader: str, progress: Progress) -> None:
        """How far a stream function has come and what has come of it, in one item: neither without the other."""
        self._put("through", reader, progress._asdict())

    def progress(self, reader: str) -> Progress:
        mark = self._get("through", reader) or {}
        return Progress(**{name: mark[name] for name in Progress._fields if name in mark})

    def put_signal_counts(self, counts: dict[str, int]) -> None:
        """Totals of signals that were filled in, not found by the signals function: `stored`."""
        self._put("signals", "counts", counts)

    def filled_in_signals(self) -> int:
        """What `put_signal_counts` was told last."""
        return int((self._get("signals", "counts") or {}).get("stored", 0))

    def signal_counts(self) -> dict[str, int]:
        """`stored`: signals that are in their table, filled in or found. Empty before the first one."""
        counts = {
            name: value for name, value in (self._get("signals", "counts") or {}).items() if isinstance(value, int)
        }
        found = self.progress("signals").stored
        return counts | {"stored": counts.get("stored", 0) + found} if found else counts

    def mark_late(self, sym: str, t_ms: int, now_s: int) -> None:
        """Note that an hour of a symbol holds late parts: later base writes in it re-emit closed windows."""
        ttl = {"ttl": now_s + LATE_MARK_TTL_S}
        self._put(f"late#{sym}", str(t_ms - t_ms % HOUR_MS), ttl)

    def is_marked_late(self, sym: str, t_ms: int, now_s: int) -> bool:
        mark = self._get(f"late#{sym}", str(t_ms - t_ms % HOUR_MS))
        return mark is not None and int(mark["ttl"]) > now_s

    def put_key(self, key_id: str, record: dict[str, Any]) -> None:
        """An API key: SHA-256 (hex) of the whole key in `hash`, `scopes`; never the key itself."""
        self._put("key", key_id, record)

    def key(self, key_id: str) -> dict[str, Any] | None:
        return self._get("key", key_id)

    def _get(self, pk: str, sk: str) -> dict[str, Any] | None:
        answer = self._call("get_item", Key=_key(pk, sk), ConsistentRead=True)
        return _read(answer["Item"]) if "Item" in answer else None

    def _put(self, pk: str, sk: str, value: dict[str, Any]) -> None:
        self._call("put_item", Item=_key(pk, sk) | {name: _write(field) for name, field in value.items()})

    def _query(self, pk: str) -> Iterator[dict[str, Any]]:
        request: dict[str, Any] = {
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": pk}},
            "ConsistentRead": True,
        }
        while True:
            page = self._call("query", **request)
            yield from map(_read, page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _update(
        self, pk: str, sk: str, *, expression: str, condition: str, names: dict[str, str], values: dict[str, Any]
    ) -> dict[str, Any] | None:
        try:
            answer = self._dynamodb.update_item(
                TableName=self._table,
                Key=_key(pk, sk),
                UpdateExpression=expression,
                ConditionExpression=condition,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=values,
                ReturnValues="ALL_NEW",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return None
            raise StoreUnavailable(f"control table: {error}") from error
        except BotoCoreError as error:
            raise StoreUnavailable(f"control table: {error}") from error
        attributes: dict[str, Any] = answer["Attributes"]
        return attributes

    def _call(self, operation: str, **request: Any) -> Any:
        try:
            return getattr(self._dynamodb, operation)(TableName=self._table, **request)
        except (BotoCoreError, ClientError) as error:
            raise StoreUnavailable(f"control table: {error}") from error


def _key(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _number(value: float) -> dict[str, str]:
    return {"N": f"{value:.3f}"}


def _write(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    if isinstance(value, dict):
        return {"M": {name: _write(field) for name, field in value.items()}}
    if isinstance(value, list):
        return {"L": [_write(element) for element in value]}
    return {"S": str(value)}


def _read(item: dict[str, Any]) -> dict[str, Any]:
    return {name: _value(field) for name, field in item.items()}


def _value(field: dict[str, Any]) -> Any:
    ((kind, value),) = field.items()
    if kind == "N":
        return int(value) if value.lstrip("-").isdigit() else float(value)
    if kind == "M":
        return _read(value)
    return [_value(element) for element in value] if kind == "L" else value
