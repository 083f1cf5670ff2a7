"""The vendor's own WebSocket clients, unmodified, listening to our `/stocks` in a thread of their own."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tests.end_to_end.local_platform import LocalPlatform, RunFailed


class Subscriber:
    """What one client was given: trades in order of arrival, the latest minute bar by (symbol, start), any failure."""

    def __init__(self, client: Any) -> None:
        self.trades: list[Any] = []
        self.minutes: dict[tuple[str, int], Any] = {}
        self.minutes_received = 0
        self.failure: BaseException | None = None
        self._client = client
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._client.close(), self._loop).result(10)
        self._thread.join(10)

    def wait_for(self, true: Callable[["Subscriber"], bool], within_s: float, what: str) -> None:
        """Poll a condition of this client. Raises RunFailed when the client failed or the time is over."""
        deadline = time.monotonic() + within_s
        while not true(self):
            if self.failure is not None:
                raise RunFailed(f"the client failed while waiting {what}: {self.failure!r}")
            if time.monotonic() > deadline:
                raise RunFailed(f"{what} not within {within_s} s: {len(self.trades)} trades, {len(self.minutes)} bars")
            time.sleep(0.02)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._client.connect(self._take))
        except BaseException as error:  # noqa: BLE001 -- handed to whoever waits
            self.failure = error

    async def _take(self, events: list[Any]) -> None:
        for event in events:
            if event.event_type == "T":
                self.trades.append(event)
            elif event.event_type == "AM":
                self.minutes_received += 1
                self.minutes[event.symbol, event.start_timestamp] = event


@contextmanager
def subscribed(platform: LocalPlatform, client: Any, channels: Sequence[str]) -> Iterator[Subscriber]:
    """A client of this class, connected and subscribing, until the block is left. `client`: a WebSocketClient class."""
    authority = platform.base.removeprefix("http://")
    subscriber = Subscriber(
        client(
            api_key=platform.health()["local_key"],
            feed=authority,
            market="stocks",
            secure=False,
            subscriptions=list(channels),
        )
    )
    subscriber.start()
    try:
        yield subscriber
    finally:
        if subscriber.failure is None:
            subscriber.stop()
