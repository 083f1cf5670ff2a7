"""Every channel that is named is answered with a status of its own."""

import json

import pytest

from serving_layer.push.hub import Hub
from serving_layer.push.requests import MOST_CHANNELS, Subscriptions
from shared.polygon.socket import Request
from tests.unit.serving_layer.push.test_hub import Taker


class Desk:
    """One subscriber's requests."""

    def __init__(self) -> None:
        self.hub, self.taker = Hub(), Taker()
        self.subscriptions = Subscriptions(self.hub, self.taker)

    def ask(self, action: str, params: str) -> list[tuple[str, str]]:
        answers = [json.loads(status) for status in self.subscriptions.act(Request(action, params))]
        assert {answer["ev"] for answer in answers} == {"status"}
        return [(answer["status"], answer["message"]) for answer in answers]

    def hears(self, prefix: str, sym: str) -> bool:
        return self.taker in self.hub.wanted(prefix, sym)


def test_each_channel_of_a_list_is_confirmed() -> None:
    desk = Desk()
    assert desk.ask("subscribe", "T.SPY,AM.*,S.BRK.A") == [
        ("success", "subscribed to: T.SPY"),
        ("success", "subscribed to: AM.*"),
        ("success", "subscribed to: S.BRK.A"),
    ]
    assert desk.hears("T", "SPY")
    assert desk.hears("AM", "anything")
    assert desk.hears("S", "BRK.A")
    assert not desk.hears("T", "QQQ")
    assert len(desk.subscriptions) == 3


def test_a_channel_is_given_back_by_its_name() -> None:
    desk = Desk()
    desk.ask("subscribe", "T.SPY,T.*")
    assert desk.ask("unsubscribe", "T.*,T.QQQ") == [
        ("success", "unsubscribed to: T.*"),
        ("error", "not subscribed to: T.QQQ"),
    ]
    assert desk.hears("T", "SPY")
    assert not desk.hears("T", "QQQ")


@pytest.mark.parametrize("name", ["Q.SPY", "LULD.*", "NOI.SPY", "FMV.SPY", "LV.SPY"])
def test_what_only_the_vendor_has_is_not_authorized(name: str) -> None:
    desk = Desk()
    ((status, message),) = desk.ask("subscribe", name)
    assert status == "error"
    assert message.startswith(f"not authorized to subscribe to: {name}")
    assert len(desk.subscriptions) == 0


@pytest.mark.parametrize(
    "name", ["T", "T.", ".SPY", "X.SPY", "t.SPY", "T.spy$", "T.A B", f"T.{'A' * 17}", "*", "AM.**"]
)
def test_a_name_of_no_channel_is_an_error_and_takes_nothing_else_along(name: str) -> None:
    desk = Desk()
    answers = desk.ask("subscribe", f"{name},T.SPY")
    assert [status for status, _ in answers] == ["error", "success"]
    assert len(desk.subscriptions) == 1


def test_a_long_wrong_name_is_not_repeated_whole() -> None:
    ((_, message),) = Desk().ask("subscribe", "Z" * 100_000)
    assert len(message) < 200


@pytest.mark.parametrize("action", ["ping", "", "SUBSCRIBE"])
def test_an_unknown_action_is_an_error(action: str) -> None:
    assert Desk().ask(action, "T.SPY") == [("error", f"unknown action: {action}")]


def test_nothing_to_subscribe_to_is_an_error() -> None:
    assert [status for status, _ in Desk().ask("subscribe", " , ")] == ["error"]


def test_a_list_of_every_symbol_fits_and_channels_have_a_bound() -> None:
    desk = Desk()
    names = [f"T.S{number}" for number in range(MOST_CHANNELS)]
    assert len(names) > 4 * 11_000
    assert {status for status, _ in desk.ask("subscribe", ",".join(names))} == {"success"}
    assert [status for status, _ in desk.ask("subscribe", "T.MORE,T.S1")] == ["error", "success"]
    assert [status for status, _ in desk.ask("subscribe", ",".join([*names, "T.MORE"]))] == ["error"]
    desk.subscriptions.leave()
    assert not desk.hears("T", "S1")
    assert len(desk.subscriptions) == 0
