"""What is said on Polygon's socket besides data: a client's requests, the server's statuses, names of channels.

Every frame of a server is a JSON array, also for one object, and every status has a `message`: the official clients
fail on anything else.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

import msgspec


class Status(StrEnum):
    """Names of statuses; `auth_timeout` and `feed_ended` are not the vendor's."""

    CONNECTED = "connected"
    AUTH_SUCCESS = "auth_success"
    AUTH_FAILED = "auth_failed"
    AUTH_TIMEOUT = "auth_timeout"
    SUCCESS = "success"
    ERROR = "error"
    MAX_CONNECTIONS = "max_connections"
    SLOW_CONSUMER = "slow_consumer"
    FEED_ENDED = "feed_ended"


class Request(msgspec.Struct):
    """A client's message: `auth` with a key, `subscribe` or `unsubscribe` with a comma list of channels."""

    action: str
    params: str = ""


class Channel(NamedTuple):
    """`prefix.sym`, such as T.BRK.A: the symbol may hold dots, and is `*` for all."""

    prefix: str
    sym: str

    def __str__(self) -> str:
        return f"{self.prefix}.{self.sym}"


EVERY = "*"
_requests = msgspec.json.Decoder(Request)


def decode_request(data: str | bytes) -> Request | None:
    """None where the message is not `{"action": ..., "params": ...}`."""
    try:
        return _requests.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None


def channel_names(params: str) -> list[str]:
    """The pieces of a comma list, in order; empty ones are left out."""
    return [name for name in (piece.strip() for piece in params.split(",")) if name]


def channel_of(name: str) -> Channel:
    """A name split at its first dot; without a dot the symbol is empty."""
    prefix, _, sym = name.partition(".")
    return Channel(prefix, sym)


def status_event(status: Status, message: str) -> bytes:
    """One status object."""
    return msgspec.json.encode({"ev": "status", "status": str(status), "message": message})


def frame_of(events: Iterable[bytes]) -> bytes:
    """A frame of events, or of texts that hold several with commas between them."""
    return b"[" + b",".join(events) + b"]"
