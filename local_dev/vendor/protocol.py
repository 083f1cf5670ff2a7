"""The vendor's WebSocket messages (websocket.md §2): what a client may say and what it is told."""

import json
from enum import StrEnum

import msgspec

from local_dev.vendor.tape import Frame

PREFIX = "T."
EVERYTHING = "T.*"


class Status(StrEnum):
    CONNECTED = "connected"
    AUTH_SUCCESS = "auth_success"
    AUTH_FAILED = "auth_failed"
    AUTH_TIMEOUT = "auth_timeout"
    SUCCESS = "success"
    ERROR = "error"
    MAX_CONNECTIONS = "max_connections"
    SLOW_CONSUMER = "slow_consumer"
    FEED_ENDED = "feed_ended"  # ours: a recording ends, the vendor's feed does not


class Request(msgspec.Struct):
    """A client's message."""

    action: str
    params: str = ""


_REQUEST = msgspec.json.Decoder(Request)


def decode_request(data: str | bytes) -> Request | None:
    """None if the message is not `{"action": ..., "params": ...}`."""
    try:
        return _REQUEST.decode(data)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return None


def status_frame(status: Status, message: str) -> Frame:
    """Always an array with one status object; the official client needs `message` in each."""
    event = {"ev": "status", "status": str(status), "message": message}
    return Frame(json.dumps([event], separators=(",", ":")).encode())


def channels(params: str) -> list[str]:
    return [channel for channel in (piece.strip() for piece in params.split(",")) if channel]


def is_trade_channel(channel: str) -> bool:
    """`T.*` or `T.<symbol>`; the symbol may hold dots."""
    return channel.startswith(PREFIX) and len(channel) > len(PREFIX)
