"""Many items to one DynamoDB table, 25 a call; what a call leaves unprocessed goes again while the budget lasts."""

import time
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from shared.errors import StoreUnavailable

CALL_ITEMS = 25
"""BatchWriteItem refuses more, and refuses the whole call where two items have one key."""
PAUSES_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
"""Before each repetition, over all calls of one write: about 3 s, then the table is said not to keep up."""


def write_all(
    dynamodb: Any, table: str, items: Iterable[dict[str, Any]], pause: Callable[[float], None] = time.sleep
) -> None:
    """Put items whose keys differ from one another; an item replaces the one that has its key.

    Raises StoreUnavailable; some of the items may be written then.
    """
    pauses = iter(PAUSES_S)
    waiting = iter(items)
    while batch := [{"PutRequest": {"Item": item}} for item in islice(waiting, CALL_ITEMS)]:
        while batch := _left(dynamodb, table, batch):
            try:
                pause(next(pauses))
            except StopIteration:
                raise StoreUnavailable(f"table {table}: {len(batch)} items were not taken in time") from None


def _left(dynamodb: Any, table: str, batch: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What one call has not processed."""
    try:
        answer = dynamodb.batch_write_item(RequestItems={table: batch})
    except (BotoCoreError, ClientError) as error:
        raise StoreUnavailable(f"table {table}: {error}") from error
    left: list[dict[str, Any]] = answer.get("UnprocessedItems", {}).get(table, [])
    return left
