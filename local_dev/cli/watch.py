"""`condvest watch`: last trades, minute bars and signals as they come, from a platform that runs."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, Final

from local_dev.cli.api_client import ApiClient, ApiFailed
from local_dev.cli.board import Board
from local_dev.cli.errors import WrongInput
from local_dev.cli.live_client import Events, follow
from local_dev.cli.options import add_state, symbols_of
from local_dev.cli.running import Address, address
from local_dev.cli.stopping import SIGNALS
from local_dev.cli.watch_screen import WatchScreen
from shared.errors import CondvestError

HELP = "Watch live prices, minute bars and signals."
PREFIXES: Final = ("T", "A", "AM", "S")
REFRESH_SECONDS: Final = 60.0
"""How often the REST API is asked for what the socket does not say: the close of the day before."""
AGAIN_SECONDS: Final = 5.0
"""How soon after an answer that did not come."""
ANSWER_SECONDS: Final = 5.0
"""How long an answer of the REST API is waited for, and so, at the worst, the end after Ctrl-C."""
ASKED_ALONE: Final = 50
"""So many symbols are asked for their last signal one by one; for more, the newest signals of all must do."""
NEWEST_SIGNALS: Final = 1_000


class NeverConnected(CondvestError):
    """The time that was given is over, and nothing could be watched in it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("symbols", metavar="A,B|@FILE|*", help="which symbols; * for all")
    parser.add_argument("--for", dest="seconds", type=float, metavar="SECONDS", help="end by itself after this long")
    parser.add_argument("--url", help="default: the platform that runs on the state folder")
    parser.add_argument("--key", help="default: the local key, if the platform gives one away")
    add_state(parser)


def run(options: argparse.Namespace) -> int:
    """Exit 0 after Ctrl-C or when the time is over; 1 when nothing could be watched in that time."""
    if options.seconds is not None and not 0 < options.seconds < float("inf"):
        raise WrongInput(f"--for must be a number of seconds above 0, was {options.seconds}.")
    chosen = symbols_of(options.symbols)
    found = Address(options.url.rstrip("/"), "") if options.url else address(options.state)
    if found is None:
        raise WrongInput(f"no platform runs on {options.state}: start one with condvest up, or give --url.")
    client = ApiClient(found.url, options.key or found.key, ANSWER_SECONDS)
    watch = Watch(client, found.url, () if chosen == "*" else tuple(chosen.split(",")))
    if not asyncio.run(watch.run(options.seconds)) and options.seconds is not None:
        raise NeverConnected(f"nothing could be watched within {options.seconds:g} s")
    return 0


class Watch:
    """One board, fed by the socket and once a minute by the REST API. `symbols` empty: all there are."""

    def __init__(self, client: ApiClient, url: str, symbols: tuple[str, ...]) -> None:
        self._client, self._url, self._symbols = client, url, symbols
        self._board = Board(symbols)
        self._screen = WatchScreen(self._board, sys.stdout, sys.stderr)
        self._up, self._was_up = asyncio.Event(), False

    async def run(self, seconds: float | None) -> bool:
        """Until told to stop, or for so many seconds. Whether there was a connection. Raises WrongInput."""
        stop = asyncio.Event()
        for number in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        channels = ",".join(f"{prefix}.{sym}" for sym in self._symbols or "*" for prefix in PREFIXES)
        works = (self._stop(stop, seconds), follow(self._url, self._key, channels, self), self._refresh(), self._show())
        tasks = [asyncio.create_task(work) for work in works]
        with self._screen:
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                self._screen.show()
        return self._was_up

    def on_up(self) -> None:
        self._up.set()
        self._was_up = True
        self._screen.connection(f"connected to {self._url}")

    def on_down(self, why: str, again_s: float) -> None:
        self._up.clear()
        self._screen.connection(f"not connected: {why}; again in {again_s:.1f} s")

    def on_events(self, events: Events) -> None:
        self._board.take(events)

    def on_word(self, status: str, message: str) -> None:
        self._screen.trouble(f"{status}: {message}")

    async def _key(self) -> str:
        return await asyncio.to_thread(self._client.key)

    async def _stop(self, stop: asyncio.Event, seconds: float | None) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)

    async def _show(self) -> None:
        while True:
            self._screen.show()
            await asyncio.sleep(self._screen.seconds)

    async def _refresh(self) -> None:
        """While connected. What the API refuses or fails at is said, and asked again soon."""
        while True:
            await self._up.wait()
            troubles: dict[str, str] = {}
            for what, ask, take in self._questions():
                try:
                    take(await asyncio.to_thread(ask))
                except (ApiFailed, WrongInput) as error:
                    troubles[what] = f"{what} not known: {error}".rstrip(".")
            self._screen.trouble("; ".join(troubles.values()))
            await asyncio.sleep(AGAIN_SECONDS if troubles else REFRESH_SECONDS)

    def _questions(self) -> Iterator[tuple[str, Callable[[], Any], Callable[[Any], None]]]:
        """What, how to ask for it (blocks), and who takes the answer."""
        yield "feed", self._client.feed, self._take_feed
        yield "previous close", partial(self._client.snapshots, self._symbols), self._board.take_snapshots
        one_by_one = 0 < len(self._symbols) <= ASKED_ALONE
        for ticker, limit in [(sym, 1) for sym in self._symbols] if one_by_one else [(None, NEWEST_SIGNALS)]:
            yield "signals", partial(self._client.latest_signals, ticker, limit), self._take_signals

    def _take_feed(self, feed: dict[str, Any]) -> None:
        self._screen.title = "SIMULATED" if feed.get("simulated") else ""

    def _take_signals(self, signals: list[dict[str, Any]]) -> None:
        wanted = set(self._symbols)
        self._board.take_signals(signal for signal in signals if not wanted or signal["ticker"] in wanted)
