"""The speed view: one DynamoDB item a symbol and minute.

`base` is the engine's partial (JSON text; replaced only by one of an equal or larger count `n`), `late` maps f#sec to
"rank|partial" of each late part (set if absent). What is shown is base + late, `rev` = number of late parts. All writes
commute, so any consumer may repeat any of them.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from shared.bars.algebra import merge_all
from shared.errors import StoreUnavailable
from shared.frames import decode_partial, encode_partial
from shared.models.bar import EMPTY, Partial

TTL_S = 45 * 86_400
"""Speed rows live until well after the nightly batch has settled their session."""


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

    def minutes(self, sym: str, start: int, end: int, now_s: int, *, reverse: bool = False) -> Iterator[MinuteItem]:
        """Stored minutes of [start, end) (Unix ms) in order of time, or against it; expired items are left out."""
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "#sym = :sym AND #t BETWEEN :start AND :last",
            "ProjectionExpression": "#t, #base, #late, #ttl",
            "ExpressionAttributeNames": {"#sym": "sym", "#t": "t", "#base": "base", "#late": "late", "#ttl": "ttl"},
            "ExpressionAttributeValues": {
                ":sym": {"S": sym},
                ":start": {"N": str(start)},
                ":last": {"N": str(end - 1)},
            },
            "ScanIndexForward": not reverse,
            "ConsistentRead": True,
        }
        while True:
            page = self._call("query", request)
            for item in page["Items"]:
                if int(item["ttl"]["N"]) > now_s:
                    yield _minute_of(item)
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

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


def _minute_of(item: dict[str, Any]) -> MinuteItem:
    late = {}
    for part_id, value in item.get("late", {}).get("M", {}).items():
        rank, _, text = value["S"].partition("|")
        late[part_id] = LatePart(int(rank), decode_partial(text))
    base = decode_partial(item["base"]["S"]) if "base" in item else None
    return MinuteItem(int(item["t"]["N"]), base, late)
