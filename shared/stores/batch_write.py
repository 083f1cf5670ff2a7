"""Many items into one DynamoDB table by BatchWriteItem."""

import time
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

from shared.errors import StoreUnavailable

BATCH_ITEMS = 25
"""Puts in one request, DynamoDB's limit."""
PAUSES_S = (0.05, 0.1, 0.2, 0.4, 0.8)


def put_all(
    write: Callable[[dict[str, Any]], Any], table: str, key: Sequence[str], items: Iterable[dict[str, Any]]
) -> None:
    """Put whole items. `key` names the attributes of their key: of items with equal keys the last stands, since a table
    refuses a request that holds both. `write` sends one request and raises what it cannot.

    What the table leaves over is given to it again after a pause; StoreUnavailable when it does so too often.
    """
    items = iter(items)
    while batch := list(islice(items, BATCH_ITEMS)):
        unique = {repr([item[name] for name in key]): item for item in batch}
        left = [{"PutRequest": {"Item": item}} for item in unique.values()]
        for pause_s in PAUSES_S:
            left = write({"RequestItems": {table: left}}).get("UnprocessedItems", {}).get(table, [])
            if not left:
                break
            time.sleep(pause_s)
        else:
            raise StoreUnavailable(f"table {table} did not take {len(left)} items")
