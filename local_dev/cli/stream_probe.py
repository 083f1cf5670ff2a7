"""What one of the vendor's streams gives a key: connect, say the key, ask for trades, then for minute bars.

One connection, closed again before the answer is given: the vendor allows one at a time, and a second harms the first.
"""

import json
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from local_dev.runtime.loopback import proxy_for

LIQUID: Final = "AAPL"
OPEN_S: Final = 5.0
ANSWER_S: Final = 10.0
CLOSE_S: Final = 2.0
LONGEST_WORDS: Final = 200
_BUSY: Final = frozenset({"max_connections", "force_disconnect"})


class Access(StrEnum):
    """From most to least, then what tells nothing of the plan."""

    TRADES = "trades"
    BARS = "minute bars"
    NOTHING = "nothing"  # let in, but neither trades nor minute bars
    REFUSED = "refused"  # not let in
    BUSY = "busy"  # another connection has the key's place
    UNKNOWN = "unknown"  # no answer, or none that can be understood


@dataclass(frozen=True)
class Stream:
    """`said`: the vendor's own words, or what went wrong; without the key."""

    access: Access
    said: str = ""


def probe_stream(url: str, key: str, symbol: str = LIQUID) -> Stream:
    """Takes 27 s at the very most; a network that fails is an answer (UNKNOWN), not an error."""
    try:
        with connect(
            url, open_timeout=OPEN_S, close_timeout=CLOSE_S, ping_interval=None, proxy=proxy_for(url)
        ) as socket:
            return _talk(socket, key, symbol)
    except ConnectionClosed as closed:
        said = closed.rcvd.reason or f"code {closed.rcvd.code}" if closed.rcvd else "without a word"
        return Stream(Access.UNKNOWN, f"closed by the vendor: {words(said, key)}")
    except TimeoutError:
        return Stream(Access.UNKNOWN, "no answer in time")
    except (OSError, WebSocketException) as error:
        return Stream(Access.UNKNOWN, words(str(error) or type(error).__name__, key))


def words(said: object, key: str) -> str:
    """Foreign words as one line for a terminal: printable, short, and without the key."""
    text = str(said).replace(key, "***") if key else str(said)
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()[:LONGEST_WORDS].rstrip(".")


def _talk(socket: ClientConnection, key: str, symbol: str) -> Stream:
    deadline = time.monotonic() + ANSWER_S
    status, said = _answer(socket, deadline, "connected")
    if status == "connected":
        socket.send(json.dumps({"action": "auth", "params": key}))
        status, said = _answer(socket, deadline, "auth_success")
    if status != "auth_success":
        busy = status in _BUSY
        refused = status == "auth_failed"
        return Stream(Access.BUSY if busy else Access.REFUSED if refused else Access.UNKNOWN, words(said, key))
    trades, said = _subscribed(socket, f"T.{symbol}")
    if trades:
        return Stream(Access.TRADES)
    bars, _ = _subscribed(socket, f"AM.{symbol}")
    return Stream(Access.BARS if bars else Access.NOTHING, words(said, key))


def _subscribed(socket: ClientConnection, channel: str) -> tuple[bool, str]:
    """Whether the channel was given, and the vendor's words."""
    socket.send(json.dumps({"action": "subscribe", "params": channel}))
    status, said = _answer(socket, time.monotonic() + ANSWER_S / 2, "success")
    return status == "success", said


def _answer(socket: ClientConnection, deadline: float, hoped_for: str) -> tuple[str, str]:
    """The next status and its message; data between is left out, and of several statuses the hoped-for one counts."""
    while True:
        frame = socket.recv(timeout=max(0.0, deadline - time.monotonic()))
        found = [(str(event["status"]), str(event.get("message", ""))) for event in _statuses(frame)]
        if found:
            return next((answer for answer in found if answer[0] == hoped_for), found[0])


def _statuses(frame: str | bytes) -> list[dict[str, Any]]:
    try:
        events = json.loads(frame)
    except (ValueError, RecursionError):
        return []
    events = events if isinstance(events, list) else []
    return [event for event in events if isinstance(event, dict) and event.get("ev") == "status" and "status" in event]
