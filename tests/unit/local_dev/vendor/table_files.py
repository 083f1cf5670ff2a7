"""Folders of bars and corporate actions made up for a test, and a server over them beside it."""

import asyncio
import gzip
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from local_dev.vendor.server import TablesServer
from local_dev.vendor.settings import VendorSettings
from local_dev.vendor.tables import load_tables

PATIENCE_S = 20.0
HEADER = "ticker,volume,open,close,high,low,window_start,transactions"
ACTIONS = "ticker,ex_date,split_from,split_to,cash_amount"
NEW_YORK = ZoneInfo("America/New_York")


def midnight_ns(day: str) -> int:
    return int(datetime.combine(date.fromisoformat(day), datetime.min.time(), NEW_YORK).timestamp()) * 10**9


def bar(ticker: str, day: str, close: str = "10.5", *, volume: str = "1000", count: str = "0") -> str:
    """A line of a daily file."""
    return f"{ticker},{volume},10,{close},11.25,9.75,{midnight_ns(day)},{count}"


def write_daily(folder: Path, *lines: str) -> Path:
    """One file a symbol, as the lines name them."""
    (folder / "daily").mkdir(exist_ok=True)
    for ticker in {line.partition(",")[0] for line in lines}:
        own = [line for line in lines if line.startswith(f"{ticker},")]
        text = "\n".join([HEADER, *own]) + "\n"
        (folder / f"daily/{ticker}.csv.gz").write_bytes(gzip.compress(text.encode()))
    return folder


def write_actions(folder: Path, *lines: str) -> Path:
    (folder / "corporate_actions.csv").write_text("\n".join([ACTIONS, *lines]) + "\n")
    return folder


@contextmanager
def serving_tables(
    folder: Path, settings: VendorSettings | None = None, monotonic: Callable[[], float] = time.monotonic
) -> Iterator[TablesServer]:
    """The server in a thread of its own, for clients that block."""
    started: list[TablesServer] = []
    ready, loop, stop = threading.Event(), asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        chosen = VendorSettings(api_key="key") if settings is None else settings
        async with TablesServer(load_tables(folder), chosen, monotonic=monotonic) as server:
            started.append(server)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert ready.wait(PATIENCE_S)
        yield started[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
        loop.close()
