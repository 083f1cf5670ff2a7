"""The `signals` table: one item a signal, never deleted; a withdrawn one says so.

Key: `sym`, `bar` = start of the bar (13 digits, Unix ms) # id. Index `known`: `day` (UTC date of the last change), then
`known` = its time (13 digits, Unix ms) # id. `stored_ms`: when it was first stored; `record`: sequence number of the
stream record that brought it, absent where history was filled in, of which nobody is told.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from shared.errors import InvalidRecord, StoreUnavailable
from shared.models.signal import Signal, StoredSignal
from shared.stores.batch_write import put_all

ACTIVE: Final = "active"
WITHDRAWN: Final = "withdrawn"
INDEX = "known"
DAY_MS = 86_400_000
_REFUSED = "ConditionalCheckFailedException"


class Position(NamedTuple):
    """A place in the order of a read: a time (start of the bar, or last change; Unix ms) and an id."""

    at: int
    id: str

    def __str__(self) -> str:
        return f"{self.at:013d}#{self.id}"


class SignalStore:
    """Signals by symbol and bar, or by the time of their last change.

    Raises StoreUnavailable when DynamoDB does not answer in time or throttles.
    """

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def insert(self, signal: Signal, now_ms: int, record: str) -> StoredSignal:
        """Store a new signal as active, if its id is not there yet; how it stands now."""
        new = StoredSignal(*signal, ACTIVE, now_ms, record)
        held = self._write(
            "put_item",
            Item=_item(new),
            ConditionExpression="attribute_not_exists(sym)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
        return new if held is None else read_item(held)

    def activate(self, signal: Signal, now_ms: int) -> bool:
        """Let a stored signal be active as given; False when it is so already."""
        return self._change(
            signal,
            now_ms,
            sets="#status = :status, side = :side, price = :price",
            condition="#status <> :status OR side <> :side OR price <> :price",
            values={":status": ACTIVE, ":side": signal.side, ":price": signal.price},
        )

    def withdraw(self, signal: Signal, now_ms: int) -> bool:
        """Let a stored signal be withdrawn; False when it is so already."""
        return self._change(
            signal,
            now_ms,
            sets="#status = :status",
            condition="#status <> :status",
            values={":status": WITHDRAWN},
        )

    def put_many(self, signals: Iterable[StoredSignal]) -> int:
        """Signals of the past, each id once, as they stand: whole items, without a look at what is there. How many."""
        items = [_item(signal) for signal in signals]
        put_all(lambda request: self._call("batch_write_item", **request), self._table, ("sym", "bar"), items)
        return len(items)

    def of_symbol(
        self, sym: str, start: int, end: int, *, after: Position | None = None, reverse: bool = False
    ) -> Iterator[StoredSignal]:
        """Signals of bars that start in [start, end), Unix ms, by bar and id, or against that order; lazily.

        `after`: only what follows this place.
        """
        return self._query(_Range(None, "sym", sym, "bar", start, end), after, reverse=reverse)

    def known_on(
        self, day: date, start: int, end: int, *, after: Position | None = None, reverse: bool = False
    ) -> Iterator[StoredSignal]:
        """Signals that last changed on a UTC day, in [start, end), Unix ms, by that time and id; as `of_symbol`.

        The index follows the table, usually within a second; it shows each signal at its last change only.
        """
        return self._query(_Range(INDEX, "day", day.isoformat(), "known", start, end), after, reverse=reverse)

    def known_since(self, since_ms: int) -> Iterator[StoredSignal]:
        """Signals that changed at or after an instant, oldest first: those of its UTC day and of the next."""
        for days in (0, 1):
            yield from self.known_on(_day(since_ms) + timedelta(days=days), since_ms, since_ms + 2 * DAY_MS)

    def _change(self, signal: Signal, now_ms: int, *, sets: str, condition: str, values: dict[str, str]) -> bool:
        held = self._write(
            "update_item",
            Key={"sym": {"S": signal.sym}, "bar": {"S": str(Position(signal.t, signal.id))}},
            UpdateExpression=f"SET {sets}, known_at = :known_at, #day = :day, known = :known",
            ConditionExpression=f"attribute_exists(sym) AND ({condition})",
            ExpressionAttributeNames={"#status": "status", "#day": "day"},
            ExpressionAttributeValues={
                **{name: {"S": value} for name, value in values.items()},
                **{f":{name}": value for name, value in _change_of(signal.id, now_ms).items()},
            },
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
        return held is None

    def _query(self, within: "_Range", after: Position | None, *, reverse: bool) -> Iterator[StoredSignal]:
        first, last = f"{within.start:013d}", f"{within.end - 1:013d}$"  # "$" comes after "#"
        place = str(after) if after else ""
        if after:
            first, last = (first, min(last, place)) if reverse else (max(first, place), last)
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "#pk = :pk AND #sk BETWEEN :first AND :last",
            "ExpressionAttributeNames": {"#pk": within.pk, "#sk": within.sk},
            "ExpressionAttributeValues": {":pk": {"S": within.of}, ":first": {"S": first}, ":last": {"S": last}},
            "ScanIndexForward": not reverse,
            **({"IndexName": within.by} if within.by else {"ConsistentRead": True}),
        }
        if first > last:
            return
        while True:
            page = self._call("query", **request)
            yield from (read_item(item) for item in page["Items"] if item[within.sk]["S"] != place)
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _write(self, operation: str, **request: Any) -> dict[str, Any] | None:
        """None when it was done, else the item that the condition refused it for."""
        try:
            getattr(self._dynamodb, operation)(TableName=self._table, **request)
        except ClientError as error:
            if error.response["Error"]["Code"] == _REFUSED:
                held: dict[str, Any] = error.response.get("Item", {})
                return held
            raise StoreUnavailable(f"signals table: {error}") from error
        except BotoCoreError as error:
            raise StoreUnavailable(f"signals table: {error}") from error
        return None

    def _call(self, operation: str, **request: Any) -> Any:
        try:
            return getattr(self._dynamodb, operation)(**request)
        except (BotoCoreError, ClientError) as error:
            raise StoreUnavailable(f"signals table: {error}") from error


class _Range(NamedTuple):
    """What a query reads: one partition of the table or of the index `by`, within [start, end), Unix ms."""

    by: str | None
    pk: str
    of: str
    sk: str
    start: int
    end: int


def _item(stored: StoredSignal) -> dict[str, Any]:
    texts = {name: {"S": value} for name, value in stored._asdict().items() if isinstance(value, str) and value}
    return {
        **texts,
        "bar": {"S": str(Position(stored.t, stored.id))},
        "t": {"N": str(stored.t)},
        "stored_ms": {"N": str(stored.known_at)},
        **_change_of(stored.id, stored.known_at),
    }


def _change_of(id_: str, at_ms: int) -> dict[str, Any]:
    """What an item says of its last change."""
    return {
        "known_at": {"N": str(at_ms)},
        "day": {"S": _day(at_ms).isoformat()},
        "known": {"S": str(Position(at_ms, id_))},
    }


def _day(at_ms: int) -> date:
    return datetime.fromtimestamp(at_ms // 1000, UTC).date()


def read_item(item: dict[str, Any]) -> StoredSignal:
    """A signal from an item of the table, or from its image in the table's stream. Raises InvalidRecord `signal`."""
    try:
        *stored, record = (item.get(name, {"S": ""}) for name in StoredSignal._fields)
        return msgspec.convert([*map(_value, stored), _value(record)], StoredSignal)
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidRecord("signal", f"not an item of the signals table: {error!r}"[:200]) from error


def _value(field: dict[str, str]) -> str | int:
    ((kind, value),) = field.items()
    return int(value) if kind == "N" else value
