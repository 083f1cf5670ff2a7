"""The speed view: one DynamoDB item a symbol and minute.

`base` is the engine's partial (JSON text; replaced only by one of an equal or larger count `n`), `late` maps f#sec to
"rank|partial" of each late part (set if absent). What is shown is base + late, `rev` = number of late parts. All writes
commute, so any consumer may repeat any of them.

History that was loaded, not streamed, may lie in packed hours (packed.py): one item at hour start + 1 ms, attribute
`packed`. A base of the minute's own stands for the packed partial when it counts as many trades.
"""

from collections.abc import Iterable, Iterator
from functools import partial as bind
from itertools import chain, groupby, islice
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from shared.bars.algebra import merge_all
from shared.bars.windows import HOUR_MS
from shared.errors import StoreUnavailable
from shared.frames import decode_partial, encode_partial
from shared.models.bar import EMPTY, Partial
from shared.stores.batch_write import put_all
from shared.stores.packed import unpack

TTL_S = 45 * 86_400
"""Speed rows live until well after the nightly batch has settled their session."""
PACKED_AT = 1
"""ms after its hour: where a packed hour lies among the minutes."""


class LatePart(NamedTuple):
    """A late part as stored: how many stream timeframes had closed on it, and its partial."""

    rank: int
    partial: Partial


class MinuteItem(NamedTuple):
    """One stored minute: start `t` (Unix ms), the engine's partial if any, the late parts by id."""

    t: int
    base: Partial | None
    late: dict[str, LatePart]

    @property
    def shown(self) -> Partial:
        """base + late."""
        if not self.late:
            return self.base or EMPTY
        return merge_all([self.base or EMPTY, *(part.partial for part in self.late.values())])


class BarStore:
    """The `bars` table. Raises StoreUnavailable when DynamoDB does not answer in time or throttles."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def put_base(self, sym: str, t: int, base: Partial, now_s: int) -> bool:
        """Store the engine's partial of a minute; False when a larger one is there already."""
        return self._update(
            sym,
            t,
            UpdateExpression="SET #base = :base, #n = :n, #ttl = :ttl",
            ConditionExpression="attribute_not_exists(#n) OR #n <= :n",
            ExpressionAttributeNames={"#base": "base", "#n": "n", "#ttl": "ttl"},
            ExpressionAttributeValues={
                ":base": {"S": encode_partial(base)},
                ":n": {"N": str(base.count)},
                ":ttl": {"N": str(now_s + TTL_S)},
            },
        )

    def put_late(self, sym: str, t: int, part_id: str, late: LatePart, now_s: int) -> bool:
        """Store a late part of a minute under its id; False when it is there already."""
        names = {"#late": "late", "#ttl": "ttl"}
        ttl = {":ttl": {"N": str(now_s + TTL_S)}}
        self._update(  # a key can be set only in a map that is there
            sym,
            t,
            UpdateExpression="SET #late = :empty, #ttl = :ttl",
            ConditionExpression="attribute_not_exists(#late)",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={":empty": {"M": {}}, **ttl},
        )
        return self._update(
            sym,
            t,
            UpdateExpression="SET #late.#id = :part, #ttl = :ttl",
            ConditionExpression="attribute_not_exists(#late.#id)",
            ExpressionAttributeNames={**names, "#id": part_id},
            ExpressionAttributeValues={":part": {"S": f"{late.rank}|{encode_partial(late.partial)}"}, **ttl},
        )

    def put_packed(self, hours: Iterable[tuple[str, int, bytes]], now_s: int) -> None:
        """Store (sym, hour start in Unix ms, its minutes as packed.py packs them) of past hours, each whole, once."""
        self._put_all(_item(sym, hour + PACKED_AT, now_s, packed={"B": data}) for sym, hour, data in hours)

    def put_minutes(self, minutes: Iterable[tuple[str, int, Partial]], now_s: int) -> None:
        """Store the bases of minutes that nobody else has written to: whole items, each given once."""
        self._put_all(
            _item(sym, t, now_s, base={"S": encode_partial(base)}, n={"N": str(base.count)}) for sym, t, base in minutes
        )

    def minutes(self, sym: str, start: int, end: int, now_s: int, *, reverse: bool = False) -> Iterator[MinuteItem]:
        """Stored minutes of [start, end) (Unix ms) in order of time, or against it; expired items are left out."""
        items = (item for item in self._items(sym, start, end, reverse=reverse) if int(item["ttl"]["N"]) > now_s)
        for hour, of_hour in groupby(items, lambda item: _hour_of(int(item["t"]["N"]))):
            yield from (minute for minute in _expand(hour, of_hour, reverse=reverse) if start <= minute.t < end)

    def _items(self, sym: str, start: int, end: int, *, reverse: bool) -> Iterator[dict[str, Any]]:
        """Items that may hold minutes of [start, end): from its first hour's start on, for the packed part of it."""
        last = max(end - 1, _hour_of(end - 1) + PACKED_AT)
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "#sym = :sym AND #t BETWEEN :start AND :last",
            "ProjectionExpression": "#t, #base, #late, #packed, #ttl",
            "ExpressionAttributeNames": {f"#{name}": name for name in ("sym", "t", "base", "late", "packed", "ttl")},
            "ExpressionAttributeValues": {
                ":sym": {"S": sym},
                ":start": {"N": str(_hour_of(start))},
                ":last": {"N": str(last)},
            },
            "ScanIndexForward": not reverse,
            "ConsistentRead": True,
        }
        while True:
            page = self._call("query", request)
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _put_all(self, items: Iterable[dict[str, Any]]) -> None:
        put_all(bind(self._call, "batch_write_item"), self._table, ("sym", "t"), items)

    def _update(self, sym: str, t: int, **request: Any) -> bool:
        key = {"sym": {"S": sym}, "t": {"N": str(t)}}
        try:
            self._call("update_item", {"TableName": self._table, "Key": key, **request})
        except _ConditionFailed:
            return False
        return True

    def _call(self, operation: str, request: dict[str, Any]) -> Any:
        try:
            return getattr(self._dynamodb, operation)(**request)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                raise _ConditionFailed from error
            raise StoreUnavailable(f"bars table: {error}") from error
        except BotoCoreError as error:
            raise StoreUnavailable(f"bars table: {error}") from error


class _ConditionFailed(Exception):
    """What is stored already wins."""


def _hour_of(t: int) -> int:
    return t - t % HOUR_MS


def _item(sym: str, t: int, now_s: int, **attributes: dict[str, Any]) -> dict[str, Any]:
    return {"sym": {"S": sym}, "t": {"N": str(t)}, "ttl": {"N": str(now_s + TTL_S)}, **attributes}


def _expand(hour: int, items: Iterator[dict[str, Any]], *, reverse: bool) -> Iterator[MinuteItem]:
    """The minutes of one hour's items, packed and single ones together, in the direction in which the items come."""
    head = list(items if reverse else islice(items, 2))  # a packed hour is its first item, or its second
    packed = next((unpack(hour, item["packed"]["B"]) for item in head if "packed" in item), {})
    waiting = sorted(packed.items(), reverse=not reverse)  # the next one is the last
    for minute in (_minute_of(item) for item in chain(head, items) if "packed" not in item):
        while waiting and (waiting[-1][0] > minute.t if reverse else waiting[-1][0] < minute.t):
            yield MinuteItem(*waiting.pop(), {})
        if waiting and waiting[-1][0] == minute.t:
            base = waiting.pop()[1]
            yield minute if minute.base and minute.base.count >= base.count else minute._replace(base=base)
        else:
            yield minute
    yield from (MinuteItem(t, base, {}) for t, base in reversed(waiting))


def _minute_of(item: dict[str, Any]) -> MinuteItem:
    late = {}
    for part_id, value in item.get("late", {}).get("M", {}).items():
        rank, _, text = value["S"].partition("|")
        late[part_id] = LatePart(int(rank), decode_partial(text))
    base = decode_partial(item["base"]["S"]) if "base" in item else None
    return MinuteItem(int(item["t"]["N"]), base, late)
