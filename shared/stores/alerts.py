"""The `alerts` table: rules, what is remembered of each version, and crossings. Keyed (pk, sk).

    rule#<owner>   <id>                     rule (JSON), version, created_ms, changed_ms; a removed one says so
    state#<id>     <version, 10 digits>     state and the crossings it brought (JSON), rev, at
    fired#<owner>  <t, 13 digits>#<id>      crossing (JSON), known_at, kind = `crossing`
    reader#<name>  <shard>                  the process that evaluated last

Index `groups`: `group` = `live` or `signals` of a rule that holds, `place` = its id; `group` = `fired#<UTC day>` of a
crossing, `place` = when it was stored (13 digits, Unix ms) # id.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from shared.errors import InvalidRecord, StoreUnavailable
from shared.models.alert import Crossing, Reader, Rule, State, StoredCrossing, StoredRule
from shared.observability import event, logger

INDEX: Final = "groups"
FIRED: Final = "fired#"
"""How the keys of crossings begin."""
CROSSING: Final = "crossing"
"""`kind` of a crossing; other items have none. By it the table's stream is filtered."""
KEPT_S: Final = 90 * 86_400
"""Crossings and removed rules are kept this long, from when they are stored."""
STATE_KEPT_S: Final = 400 * 86_400
"""What is remembered of a version is kept this long from when it was last written; who reads it later than half of that
writes it again, so it outlives only rules that were changed or removed."""
DAY_MS: Final = 86_400_000
_REFUSED: Final = "ConditionalCheckFailedException"

_log = logger("alerts.store")


class Held(NamedTuple):
    """What a table remembers of a rule's version. `fired`: the crossings that its last change brought, which may not
    have been stored yet; `rev`: how often it was written; `at_ms`: when, Unix ms of the host, 0 where that is not
    known."""

    state: State = State()
    fired: tuple[Crossing, ...] = ()
    rev: int = 0
    at_ms: int = 0


class AlertStore:
    """Raises StoreUnavailable when DynamoDB does not answer in time or throttles.

    A rule that cannot be read, such as one of a later release, stands in nobody's way: lists go on without it. Each
    version of which rule or state cannot be read is logged once, and `unreadable` is called for it.
    """

    def __init__(self, dynamodb: Any, table: str, unreadable: Callable[[], None] = lambda: None) -> None:
        self._dynamodb, self._table, self._unreadable = dynamodb, table, unreadable
        self._left_out: set[tuple[str, str]] = set()

    def put_rule(self, stored: StoredRule) -> bool:
        """Store a rule: a new one as version 1, a changed one as the version after the one held. False where that is
        not what is held (a removed rule stays removed)."""
        first = stored.version == 1
        condition = "attribute_not_exists(pk)" if first else "version = :before AND attribute_exists(#group)"
        values = {} if first else {"ExpressionAttributeValues": {":before": _number(stored.version - 1)}}
        names = {} if first else {"ExpressionAttributeNames": {"#group": "group"}}
        item = {
            **_key(f"rule#{stored.owner}", stored.id),
            "group": {"S": stored.rule.reader},
            "place": {"S": stored.id},
            "rule": {"S": msgspec.json.encode(stored.rule).decode()},
            "version": _number(stored.version),
            "created_ms": _number(stored.created_ms),
            "changed_ms": _number(stored.changed_ms),
        }
        return self._write("put_item", Item=item, ConditionExpression=condition, **values, **names)

    def remove_rule(self, owner: str, id_: str, now_s: int) -> bool:
        """From now on there is no such rule; False where there was none. Its crossings stay."""
        return self._write(
            "update_item",
            Key=_key(f"rule#{owner}", id_),
            UpdateExpression="SET #ttl = :ttl REMOVE #group, place",
            ConditionExpression="attribute_exists(#group)",
            ExpressionAttributeNames={"#group": "group", "#ttl": "ttl"},
            ExpressionAttributeValues={":ttl": _number(now_s + KEPT_S)},
        )

    def rule(self, owner: str, id_: str) -> StoredRule | None:
        """Raises InvalidRecord `rule` for one that cannot be read."""
        answer = self._call("get_item", Key=_key(f"rule#{owner}", id_), ConsistentRead=True)
        return _rule(answer["Item"]) if "group" in answer.get("Item", {}) else None

    def rules_of(self, owner: str, after: str = "") -> Iterator[StoredRule]:
        """Of an owner, by id, those after one; lazily."""
        items = self._query("pk = :pk AND sk > :after", {":pk": f"rule#{owner}", ":after": after or " "})
        return self._readable(item for item in items if "group" in item)

    def rules_for(self, reader: Reader) -> list[StoredRule]:
        """Every rule that a stream function has to evaluate; the index follows the table, usually within a second."""
        return list(self._readable(self._query("#group = :group", {":group": reader}, index=True)))

    def state(self, id_: str, version: int) -> Held:
        """Of a version that nothing was seen of yet: as it begins. Raises InvalidRecord `state` for one that cannot be
        read."""
        answer = self._call("get_item", Key=_state_key(id_, version), ConsistentRead=True)
        if "Item" not in answer:
            return Held()
        try:
            return _held(answer["Item"])
        except InvalidRecord as error:
            self._tell("the state of a rule cannot be read: going on without it", id_, str(version), error)
            raise

    def put_state(self, id_: str, version: int, held: Held) -> bool:
        """Remember the next state; False where another than the one before is held."""
        first = held.rev == 1
        condition = "attribute_not_exists(pk)" if first else "rev = :before"
        values = {} if first else {"ExpressionAttributeValues": {":before": _number(held.rev - 1)}}
        item = {
            **_state_key(id_, version),
            "state": {"S": msgspec.json.encode(held.state).decode()},
            "fired": {"S": msgspec.json.encode(held.fired).decode()},
            "rev": _number(held.rev),
            "at": _number(held.at_ms),
            "ttl": _number(held.at_ms // 1000 + STATE_KEPT_S),
        }
        return self._write("put_item", Item=item, ConditionExpression=condition, **values)

    def put_crossing(self, crossing: Crossing, now_ms: int) -> bool:
        """Store a crossing, if its id is not there yet; whether it was not."""
        item = {
            **_key(f"{FIRED}{crossing.owner}", f"{crossing.t:013d}#{crossing.id}"),
            "group": {"S": f"{FIRED}{_day(now_ms)}"},
            "place": {"S": f"{now_ms:013d}#{crossing.id}"},
            "crossing": {"S": msgspec.json.encode(crossing).decode()},
            "known_at": _number(now_ms),
            "kind": {"S": CROSSING},
            "ttl": _number(now_ms // 1000 + KEPT_S),
        }
        return self._write("put_item", Item=item, ConditionExpression="attribute_not_exists(pk)")

    def crossings_of(
        self, owner: str, now_s: int, *, after: str = "", reverse: bool = True
    ) -> Iterator[StoredCrossing]:
        """Of an owner, by event time and id, newest first unless not `reverse`; lazily. `after`: a place in that order
        (`place_of`)."""
        first, last = (" ", after or "~") if reverse else (after or " ", "~")
        values = {":pk": f"{FIRED}{owner}", ":first": first, ":last": last}
        for item in self._query("pk = :pk AND sk BETWEEN :first AND :last", values, reverse=reverse):
            if item["sk"]["S"] != after and int(item["ttl"]["N"]) > now_s:
                yield read_crossing(item)

    def fired_since(self, since_ms: int) -> Iterator[StoredCrossing]:
        """Crossings that were stored at or after an instant, oldest first: those of its UTC day and of the next."""
        for days in (0, 1):
            group = f"{FIRED}{_day(since_ms + days * DAY_MS)}"
            values = {":group": group, ":since": f"{since_ms:013d}"}
            yield from map(read_crossing, self._query("#group = :group AND place >= :since", values, index=True))

    def enter(self, reader: Reader, shard: str, process: str) -> bool:
        """A process begins to evaluate a batch of a shard; whether it was also the last one that did."""
        key = _key(f"reader#{reader}", shard)
        held = self._call("get_item", Key=key, ConsistentRead=True).get("Item", {})
        if held.get("process", {}).get("S") == process:
            return True
        self._write("put_item", Item={**key, "process": {"S": process}})
        return False

    def _readable(self, items: Iterable[dict[str, Any]]) -> Iterator[StoredRule]:
        for item in items:
            try:
                yield _rule(item)
            except InvalidRecord as error:
                version = item.get("version", {}).get("N", "")
                self._tell("a rule cannot be read: going on without it", item["sk"]["S"], version, error)

    def _tell(self, text: str, id_: str, version: str, error: InvalidRecord) -> None:
        """Once of each version."""
        if (id_, version) not in self._left_out:
            self._left_out.add((id_, version))
            event(_log, logging.ERROR, text, rule=id_, version=version, error=str(error))
            self._unreadable()

    def _query(
        self, condition: str, values: dict[str, str], *, index: bool = False, reverse: bool = False
    ) -> Iterator[dict[str, Any]]:
        request: dict[str, Any] = {
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": {name: {"S": value} for name, value in values.items()},
            "ScanIndexForward": not reverse,
            **({"IndexName": INDEX, "ExpressionAttributeNames": {"#group": "group"}} if index else {}),
            **({} if index else {"ConsistentRead": True}),
        }
        while True:
            page = self._call("query", **request)
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _write(self, operation: str, **request: Any) -> bool:
        """False where the condition did not hold."""
        try:
            getattr(self._dynamodb, operation)(TableName=self._table, **request)
        except ClientError as error:
            if error.response["Error"]["Code"] == _REFUSED:
                return False
            raise StoreUnavailable(f"alerts table: {error}") from error
        except BotoCoreError as error:
            raise StoreUnavailable(f"alerts table: {error}") from error
        return True

    def _call(self, operation: str, **request: Any) -> Any:
        try:
            return getattr(self._dynamodb, operation)(TableName=self._table, **request)
        except (BotoCoreError, ClientError) as error:
            raise StoreUnavailable(f"alerts table: {error}") from error


def place_of(stored: StoredCrossing) -> str:
    """Where a crossing stands among those of its owner."""
    return f"{stored.crossing.t:013d}#{stored.crossing.id}"


def read_crossing(item: dict[str, Any]) -> StoredCrossing:
    """A crossing from an item of the table, or its image in the table's stream. Raises InvalidRecord `crossing`."""
    try:
        crossing = msgspec.json.decode(item["crossing"]["S"], type=Crossing)
        return StoredCrossing(crossing, int(item["known_at"]["N"]))
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidRecord("crossing", f"not a crossing of the alerts table: {error!r}"[:200]) from error


def _rule(item: dict[str, Any]) -> StoredRule:
    try:
        return StoredRule(
            item["sk"]["S"],
            item["pk"]["S"].partition("#")[2],
            int(item["version"]["N"]),
            msgspec.json.decode(item["rule"]["S"], type=Rule),
            int(item["created_ms"]["N"]),
            int(item["changed_ms"]["N"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidRecord("rule", f"not a rule of the alerts table: {error!r}"[:200]) from error


def _held(item: dict[str, Any]) -> Held:
    try:
        fired = msgspec.json.decode(item["fired"]["S"], type=tuple[Crossing, ...])
        state = msgspec.json.decode(item["state"]["S"], type=State)
        return Held(state, fired, int(item["rev"]["N"]), int(item.get("at", {"N": "0"})["N"]))
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidRecord("state", f"not a state of the alerts table: {error!r}"[:200]) from error


def _key(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _state_key(id_: str, version: int) -> dict[str, Any]:
    return _key(f"state#{id_}", f"{version:010d}")


def _number(value: int) -> dict[str, str]:
    return {"N": str(value)}


def _day(at_ms: int) -> str:
    return (datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=at_ms)).date().isoformat()
