"""Changes of the signals table become messages: the first activation of a signal, once a delivery."""

import json
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from shared.clients.sns import Topic
from shared.models.signal import Signal, StoredSignal
from speed_layer.notify import handler
from speed_layer.notify.handler import RESERVE_MS, notify

ARN = "arn:aws:sns:us-east-1:123456789012:signals"


class Sns:
    """Speaks as boto3's client does. `failing`: numbers of the calls that time out."""

    def __init__(self, failing: tuple[int, ...] = ()) -> None:
        self.published: list[dict[str, Any]] = []
        self.calls = 0
        self.failing = failing

    def publish(self, **message: Any) -> None:
        self.calls += 1
        if self.calls in self.failing:
            raise ReadTimeoutError(endpoint_url="the topic")
        self.published.append(message)


class Context:
    """Time goes by with every look at it."""

    def __init__(self, remaining_ms: int = 60_000, step_ms: int = 0) -> None:
        self.remaining_ms, self.step_ms = remaining_ms, step_ms

    def get_remaining_time_in_millis(self) -> int:
        self.remaining_ms -= self.step_ms
        return self.remaining_ms


def change(number: int, name: str = "INSERT", **changes: Any) -> dict[str, Any]:
    """A record of the table's stream, with sequence number 100 + number."""
    signal = Signal(f"{number:024x}", "macd_cross", '{"fast":12}', "SPY", "5m", 1_381_239_000_000, "buy", "167.42")
    stored = StoredSignal(*signal, "active", 1_381_260_000_000, "49")._replace(**changes)
    image = {
        field: {"N": str(value)} if isinstance(value, int) else {"S": value}
        for field, value in stored._asdict().items()
        if value != ""
    }
    return {"eventName": name, "dynamodb": {"SequenceNumber": str(100 + number), "NewImage": image}}


def told(sns: Sns) -> list[int]:
    """Numbers of the signals that were told."""
    return [int(json.loads(message["Message"])["id"], 16) for message in sns.published]


def test_a_new_signal_is_told_with_all_it_says_and_attributes_to_filter_by() -> None:
    sns = Sns()
    assert notify([change(1)], Topic(sns, ARN), Context()) == {"batchItemFailures": []}
    (message,) = sns.published
    assert message["TopicArn"] == ARN
    assert json.loads(message["Message"]) == {
        "id": "000000000000000000000001",
        "ticker": "SPY",
        "strategy": "macd_cross",
        "params": {"fast": 12},
        "timeframe": "5m",
        "t": 1_381_239_000_000,
        "side": "buy",
        "price": "167.42",
        "status": "active",
        "known_at": 1_381_260_000_000,
    }
    assert message["MessageAttributes"] == {
        name: {"DataType": "String", "StringValue": value}
        for name, value in {
            "id": "000000000000000000000001",
            "ticker": "SPY",
            "strategy": "macd_cross",
            "timeframe": "5m",
            "side": "buy",
        }.items()
    }


def test_only_the_first_activation_is_told() -> None:
    """Neither a withdrawal, nor its coming back, nor a signal of the past that was filled in."""
    sns = Sns()
    changes = [
        change(1),
        change(1, "MODIFY", status="withdrawn"),
        change(1, "MODIFY"),
        change(2, "INSERT", record=""),
        change(3, "INSERT", status="withdrawn"),
        {"eventName": "REMOVE", "dynamodb": {"SequenceNumber": "104"}},
    ]
    assert notify(changes, Topic(sns, ARN), Context()) == {"batchItemFailures": []}
    assert told(sns) == [1]


def test_a_repeated_delivery_is_told_again_under_the_same_id() -> None:
    sns = Sns()
    for _ in range(2):
        notify([change(1)], Topic(sns, ARN), Context())
    assert told(sns) == [1, 1]


def test_what_the_topic_did_not_take_comes_again_from_there_on() -> None:
    sns = Sns(failing=(2,))
    changes = [change(number) for number in range(1, 5)]
    assert notify(changes, Topic(sns, ARN), Context()) == {"batchItemFailures": [{"itemIdentifier": "102"}]}
    assert notify(changes[1:], Topic(sns, ARN), Context()) == {"batchItemFailures": []}
    assert told(sns) == [1, 2, 3, 4]


@pytest.mark.parametrize("image", [{}, {"id": {"S": "x"}}, {**change(2)["dynamodb"]["NewImage"], "side": {"S": "up"}}])
def test_an_image_that_cannot_be_read_is_reported_so_that_the_mapping_keeps_it(image: dict[str, Any]) -> None:
    sns = Sns()
    bad = {"eventName": "INSERT", "dynamodb": {"SequenceNumber": "102", "NewImage": image}}
    answer = notify([change(1), bad, change(3)], Topic(sns, ARN), Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "102"}]}
    assert told(sns) == [1], "what follows comes again, alone"


def test_near_the_end_of_its_time_the_function_stops_and_the_rest_comes_again() -> None:
    sns = Sns()
    changes = [change(number) for number in range(1, 5)]
    answer = notify(changes, Topic(sns, ARN), Context(RESERVE_MS + 25, step_ms=10))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "103"}]}
    assert told(sns) == [1, 2]


def test_the_function_tells_its_topic(monkeypatch: pytest.MonkeyPatch) -> None:
    sns = Sns()
    monkeypatch.setenv("TOPIC_ARN", ARN)
    monkeypatch.setattr(handler, "client", lambda service: {"sns": sns}[service])
    handler.wire.cache_clear()
    assert handler.lambda_handler({"Records": [change(1)]}, Context()) == {"batchItemFailures": []}
    handler.wire.cache_clear()
    assert [message["TopicArn"] for message in sns.published] == [ARN]
