"""Stream of the alerts table -> SNS, by the way that signals take: at least once, each crossing under its id.

The mapping hands on new crossings alone, neither rules nor what is remembered of them.
"""

from typing import Any

import msgspec

from shared.models.alert import StoredCrossing, crossing_form
from shared.stores.alerts import read_crossing
from speed_layer.notify.handler import Context, Message, notify, wire


def news(record: dict[str, Any]) -> Message | None:
    """What a change has stored for the first time. Raises InvalidRecord `crossing`."""
    if record["eventName"] != "INSERT":
        return None
    return _message(read_crossing(record["dynamodb"].get("NewImage", {})))


def _message(stored: StoredCrossing) -> Message:
    """`alert` tells it from a signal, which has no such attribute."""
    one = stored.crossing
    attributes = {"id": one.id, "ticker": one.sym, "alert": one.rule, "owner": one.owner, "direction": one.direction}
    return Message(msgspec.json.encode(crossing_form(stored)).decode(), attributes)


def lambda_handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Trigger: the stream of the alerts table."""
    return notify(event["Records"], wire(), context, news)
