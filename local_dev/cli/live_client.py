"""The platform's `/stocks` over Polygon's protocol: connect, say the key, subscribe, hand on, come back after drops."""

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NoReturn, Protocol
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from local_dev.cli.errors import WrongInput
from local_dev.cli.stream_probe import words
from local_dev.runtime.loopback import proxy_for
from shared.errors import CondvestError

OPEN_S: Final = 5.0
ANSWER_S: Final = 10.0
CLOSE_S: Final = 1.0
MAX_FRAME: Final = 16 * 2**20
FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 10.0
HEALTHY_AFTER_S: Final = 10.0

Events = Sequence[Mapping[str, Any]]


class Lost(CondvestError):
    """The connection is gone, or did not come about; the message says why."""


class Listener(Protocol):
    """What the connection tells its owner."""

    def on_up(self) -> None:
        """Subscribed."""

    def on_down(self, why: str, again_s: float) -> None:
        """Not connected; the next try is in `again_s` seconds."""

    def on_events(self, events: Events) -> None:
        """Data of one frame."""

    def on_word(self, status: str, message: str) -> None:
        """The server says something besides data."""


async def follow(url: str, key: Callable[[], Awaitable[str]], channels: str, listener: Listener) -> None:
    """Never returns. `url`: the platform's, http(s). Raises WrongInput when the key is refused.

    `key` is asked before each connection, and may raise CondvestError while there is nobody to ask.
    """
    longest = FIRST_WAIT_S
    while True:
        began = time.monotonic()
        try:
            await _watch(url, await key(), channels, listener)
        except WrongInput:
            raise
        except CondvestError as error:
            why = str(error)
        except ConnectionClosed as closed:
            why = _of_close(closed)
        except TimeoutError:
            why = "no answer in time"
        except (OSError, WebSocketException) as error:
            why = str(error) or type(error).__name__
        if time.monotonic() - began > HEALTHY_AFTER_S:
            longest = FIRST_WAIT_S
        again_s = random.uniform(longest / 2, longest)  # noqa: S311  (jitter, not a secret)
        longest = min(2 * longest, LONGEST_WAIT_S)
        listener.on_down(words(why, ""), again_s)
        await asyncio.sleep(again_s)


async def _watch(url: str, key: str, channels: str, listener: Listener) -> NoReturn:
    """One connection, to its end."""
    async with await _opened(url, key) as socket:
        await _log_in(socket, key, listener)
        await socket.send(json.dumps({"action": "subscribe", "params": channels}))
        await _until(socket, "success", listener)
        listener.on_up()
        while True:
            _hand_on(await socket.recv(), listener)


async def _opened(url: str, key: str) -> ClientConnection:
    parts = urlsplit(url)
    address = f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}{parts.path}/stocks"
    try:
        return await connect(
            address,
            open_timeout=OPEN_S,
            close_timeout=CLOSE_S,
            max_size=MAX_FRAME,
            compression=None,
            proxy=proxy_for(address),
        )
    except InvalidStatus as refused:
        status = refused.response.status_code
        if status in {401, 403}:
            raise _refused(f"status {status}", key) from refused
        raise Lost(
            f"{address} answered {status}{' (the push service is not up)' if status == 503 else ''}"
        ) from refused


async def _log_in(socket: ClientConnection, key: str, listener: Listener) -> None:
    await _until(socket, "connected", listener)
    await socket.send(json.dumps({"action": "auth", "params": key}))
    failed = await _until(socket, "auth_success", listener, "auth_failed")
    if failed is not None:
        raise _refused(failed, key)


def _refused(said: str, key: str) -> WrongInput:
    what = "the key was refused" if key else "there is no key, and the platform gives none away"
    return WrongInput(f"{what} ({words(said, key)}): give one with --key that may read live data.")


async def _until(socket: ClientConnection, status: str, listener: Listener, bad: str = "") -> str | None:
    """Wait for a status; the message of the `bad` one when that comes. Whatever comes between is handed on."""
    async with asyncio.timeout(ANSWER_S):
        while True:
            frame = await socket.recv()
            found = {event["status"]: str(event.get("message", "")) for event in _statuses(_decoded(frame))}
            if bad in found:
                return found[bad]
            _hand_on(frame, listener)
            if status in found:
                return None


def _hand_on(frame: str | bytes, listener: Listener) -> None:
    events = _decoded(frame)
    for event in _statuses(events):
        if event["status"] not in {"connected", "auth_success", "success"}:
            listener.on_word(str(event["status"]), words(event.get("message", ""), ""))
    data = [event for event in events if event.get("ev") != "status"]
    if data:
        listener.on_events(data)


def _decoded(frame: str | bytes) -> list[dict[str, Any]]:
    try:
        events = json.loads(frame, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise Lost("a frame was not JSON") from error
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise Lost("a frame was no array of events")
    return events


def _statuses(events: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return (event for event in events if event.get("ev") == "status" and "status" in event)


def _of_close(closed: ConnectionClosed) -> str:
    if closed.rcvd is None:
        return "cut without a word"
    comes_back = " (service restart)" if closed.rcvd.code == 1012 else ""
    return f"closed with {closed.rcvd.code}{comes_back}{f': {closed.rcvd.reason}' if closed.rcvd.reason else ''}"
