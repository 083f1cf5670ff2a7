"""Crossings that are stored become messages of the topic of signals."""

import json
from typing import Any

import pytest

from shared.clients.sns import Topic
from shared.models.alert import Crossing
from shared.stores.alerts import AlertStore
from speed_layer.announce.handler import news
from speed_layer.notify.handler import notify
from tests.unit.speed_layer.notify.test_handler import ARN, Context, Sns

CROSSING = Crossing(f"{1:024x}", "rule", 2, "owner", "SPY", "price", "up", "170.51", 1_381_239_000_000, "mind")


class Table:
    """Takes the items that the store writes."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []

    def put_item(self, **request: Any) -> None:
        self.items.append(request["Item"])


def change(name: str = "INSERT", image: Any = None) -> dict[str, Any]:
    table = Table()
    AlertStore(table, "alerts").put_crossing(CROSSING, 1_381_260_000_000)
    image = table.items[0] if image is None else image
    return {"eventName": name, "dynamodb": {"SequenceNumber": "101", "NewImage": image}}


def test_a_new_crossing_is_told_with_all_it_says_and_attributes_to_filter_by() -> None:
    sns = Sns()
    assert notify([change(), change("MODIFY")], Topic(sns, ARN), Context(), news) == {"batchItemFailures": []}
    (message,) = sns.published
    assert json.loads(message["Message"]) == {
        "id": CROSSING.id, "alert": "rule", "version": 2, "ticker": "SPY", "type": "price", "direction": "up",
        "value": "170.51", "t": CROSSING.t, "note": "mind", "known_at": 1_381_260_000_000,
    }  # fmt: skip
    attributes = {name: one["StringValue"] for name, one in message["MessageAttributes"].items()}
    assert attributes == {"id": CROSSING.id, "ticker": "SPY", "alert": "rule", "owner": "owner", "direction": "up"}


@pytest.mark.parametrize("image", [{"pk": {"S": "fired#owner"}}, {"crossing": {"S": "{"}, "known_at": {"N": "1"}}])
def test_what_cannot_be_read_is_reported_so_that_the_mapping_keeps_it(image: Any) -> None:
    sns = Sns()
    answer = notify([change(image=image)], Topic(sns, ARN), Context(), news)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "101"}]}
    assert sns.published == []
