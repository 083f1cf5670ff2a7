"""Reads of streams in the emulator (ministack 1.5.33): one at the end of its shard may be held until more comes.

As it comes it answers at once, so whoever wants a record soon asks ten times a second, and a platform that does nothing
keeps half a core busy. A PATIENT reader waits here instead, and is told in HELD for how long it did.
While it waits, so does a batch whose window is over: half a second at most, and only where nothing more comes.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ministack.services import dynamodb, dynamodb_streams, kinesis

from local_dev.runtime.emulator_activities import held
from local_dev.runtime.held_reads import HELD, PATIENT

LOOK_S = 0.05
_PATIENT = f"app/{PATIENT}"

Answer = tuple[int, dict[str, str], bytes]
Handle = Callable[[str, str, Mapping[str, str], bytes, Any], Awaitable[Answer]]


def holding(handle: Handle, ended: Callable[[dict[str, Any]], bool]) -> Handle:
    """The same handler, with reads held while they have `ended`, by request: nothing more is there."""

    async def handle_request(method: str, path: str, headers: Mapping[str, str], body: bytes, query: Any) -> Answer:
        is_read = headers.get("x-amz-target", "").endswith(".GetRecords")
        if not is_read or _PATIENT not in headers.get("user-agent", ""):
            return await handle(method, path, headers, body, query)
        request = json.loads(body)
        held_s = await held(lambda: ended(request), LOOK_S)
        status, answered, content = await handle(method, path, headers, body, query)
        return status, {**answered, HELD: f"{held_s:.6f}"}, content

    return handle_request


def shard_ended(request: dict[str, Any]) -> bool:
    """Of a read of Kinesis. False where it will be refused."""
    iterator = kinesis._shard_iterators.get(request.get("ShardIterator"))
    if iterator is None or (stream := kinesis._streams.get(iterator["stream"])) is None:
        return False
    shard = stream["shards"].get(iterator["shard_id"])
    return bool(shard) and iterator["position"] >= len(shard["records"])


def changes_ended(request: dict[str, Any]) -> bool:
    """Of a read of a table's changes. False where it will be refused."""
    iterator = dynamodb_streams._decode_iterator(request.get("ShardIterator"))
    if iterator is None:
        return False
    table, position, account, region = (iterator[name] for name in "tpar")
    return not dynamodb.stream_records_since(table, position, 1, account_id=account, region=region)


def install() -> None:
    kinesis.handle_request = holding(kinesis.handle_request, shard_ended)
    dynamodb_streams.handle_request = holding(dynamodb_streams.handle_request, changes_ended)
