"""Many items into one DynamoDB table by BatchWriteItem."""

import time
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from shared.errors import StoreUnavailable

BATCH_ITEMS = 25
"""Puts in one request, DynamoDB's limit."""
PAUSES_S = (0.05, 0.1, 0.2, 0.4, 0.8)


def put_all(write: Callable[[dict[str, Any]], Any], table: str, items: Iterable[dict[str, Any]]) -> None:
    """Put whole items, each key once. `write` sends one request and raises what it cannot.

    What the table leaves over is given to it again after a pause; StoreUnavailable when it does so too often.
    """
    items = iter(items)
    while batch := list(islice(items, BATCH_ITEMS)):
        left = [{"PutRequest": {"Item": item}} for item in batch]
        for pause_s in PAUSES_S:
            left = write({"RequestItems": {table: left}}).get("UnprocessedItems", {}).get(table, [])
            if not left:
                break
            time.sleep(pause_s)
        else:
            raise StoreUnavailable(f"table {table} did not take {len(left)} items")
