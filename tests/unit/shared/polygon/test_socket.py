"""Requests of clients are read, or refused whole; statuses are arrays with a message in each."""

import json

import pytest

from shared.polygon.socket import (
    Channel,
    Request,
    Status,
    channel_names,
    channel_of,
    decode_request,
    frame_of,
    status_event,
)


def test_a_request_is_an_action_with_parameters() -> None:
    assert decode_request('{"action":"subscribe","params":"T.SPY","more":1}') == Request("subscribe", "T.SPY")
    assert decode_request(b'{"action":"auth"}') == Request("auth", "")


@pytest.mark.parametrize(
    "message",
    ["", "x", "[]", "1", "null", '{"params":"T.*"}', '{"action":1}', '{"action":"auth","params":null}', b"\xff\xfe"],
)
def test_anything_else_is_no_request(message: str | bytes) -> None:
    assert decode_request(message) is None


def test_a_message_nested_too_deep_is_no_request() -> None:
    assert decode_request('{"action":' + "[" * 100_000) is None


def test_channels_come_in_a_comma_list() -> None:
    assert channel_names("T.SPY, AM.*,,A.BRK.A,") == ["T.SPY", "AM.*", "A.BRK.A"]


@pytest.mark.parametrize(
    ("name", "channel"), [("T.BRK.A", ("T", "BRK.A")), ("AM.*", ("AM", "*")), ("T", ("T", "")), ("T.", ("T", ""))]
)
def test_a_channel_is_split_at_its_first_dot(name: str, channel: tuple[str, str]) -> None:
    assert channel_of(name) == Channel(*channel)


def test_a_frame_is_an_array_of_events() -> None:
    frame = frame_of([status_event(Status.CONNECTED, 'say "hello"'), b'{"ev":"T"},{"ev":"A"}'])
    assert json.loads(frame) == [
        {"ev": "status", "status": "connected", "message": 'say "hello"'},
        {"ev": "T"},
        {"ev": "A"},
    ]
