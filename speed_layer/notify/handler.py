"""Stream of the signals table -> SNS. At least once, each signal with the id by which a subscriber knows it again.

Only a signal that is stored for the first time is told: later changes of it are read, not pushed; nor is history that
was filled in, which no stream record has brought. What cannot be read is reported like what the topic did not take: the
mapping tries it again alone and then keeps it, bytes and all, where it keeps everything it gives up (docs/decisions).
"""

import logging
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from shared.clients.aws import client
from shared.clients.sns import Topic
from shared.errors import CondvestError
from shared.models.signal import StoredSignal, public_form
from shared.observability import event as log_event
from shared.observability import logger
from shared.settings import read
from shared.stores.signals import ACTIVE, read_item

RESERVE_MS: Final = 15_000
"""Left of the function's time, nothing more is sent: one message may take three tries of 4 s."""
_log = logger("notify")


class NotifySettings(msgspec.Struct, frozen=True):
    """The topic that tells of new signals."""

    topic_arn: str


class Context(Protocol):
    def get_remaining_time_in_millis(self) -> int: ...


class Message(NamedTuple):
    """What a topic gets: text, and attributes that subscriptions may filter by."""

    text: str
    attributes: dict[str, str]


News = Callable[[dict[str, Any]], Message | None]
"""What a record of a table's stream tells; None for nothing. Raises InvalidRecord."""


def news(record: dict[str, Any]) -> Message | None:
    """The signal that a change has stored for the first time. Raises InvalidRecord `signal`."""
    if record["eventName"] != "INSERT":
        return None
    signal = read_item(record["dynamodb"].get("NewImage", {}))
    if signal.status != ACTIVE or not signal.record:
        return None
    return Message(msgspec.json.encode(public_form(signal)).decode(), _attributes(signal))


def notify(records: list[dict[str, Any]], topic: Topic, context: Context, news: News = news) -> dict[str, Any]:
    """Tell what is new among the changes, in order; the answer names the first that has to come again."""
    for record in records:
        sequence = record["dynamodb"]["SequenceNumber"]
        if context.get_remaining_time_in_millis() < RESERVE_MS:
            log_event(_log, logging.WARNING, "no time left: the rest will come again", sequence=sequence)
            return _again(sequence)
        try:
            message = news(record)
            if message is not None:
                topic.publish(*message)
        except CondvestError as error:
            log_event(_log, logging.ERROR, "a change was not told", error=str(error), sequence=sequence)
            return _again(sequence)
    return {"batchItemFailures": []}


def _attributes(signal: StoredSignal) -> dict[str, str]:
    return {
        "id": signal.id,
        "ticker": signal.sym,
        "strategy": signal.strategy,
        "timeframe": signal.tf,
        "side": signal.side,
    }


def _again(sequence: str) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": sequence}]}


@lru_cache(maxsize=1)
def wire() -> Topic:
    """From this function's environment."""
    return Topic(client("sns"), read(NotifySettings).topic_arn)


def lambda_handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Trigger: the stream of the signals table."""
    return notify(event["Records"], wire(), context)
