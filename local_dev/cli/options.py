"""Options that several commands share, and how their values are read."""

import argparse
import re
import socket
from datetime import date
from pathlib import Path

from local_dev.cli.errors import WrongInput
from local_dev.runtime.sources import is_real_time
from local_dev.runtime.state import Source
from local_dev.vendor.files import find_files
from shared.errors import InvalidRecord
from shared.polygon.trades import check_symbol

STATE = Path(".condvest")
PORT = 8000
FEEDS_BY_NAME = ("sim", "polygon")
"""Feeds that are no path; `none` is no feed."""


def add_state(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--state", type=Path, default=STATE, metavar="DIR", help=f"default {STATE}")


def day_of(text: str) -> date:
    """A date on the command line. Raises ArgumentTypeError."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is no date as YYYY-MM-DD") from error


def source_of(feed: str, symbols: str, speed: str = "1") -> Source:
    """Raises WrongInput, or the vendor server's own word for a path it cannot serve."""
    if feed == "none":
        return Source("none")
    if feed in FEEDS_BY_NAME:
        return Source(feed, symbols_of(symbols), "" if is_real_time(speed) else f"{speed}x")
    find_files(Path(feed))
    return Source(str(Path(feed).resolve()), symbols_of(symbols))


def symbols_of(text: str) -> str:
    """`*`, or a sorted comma list from `A,B` or `@FILE` (commas or white space between). Raises WrongInput."""
    if text == "*":
        return text
    if text.startswith("@"):
        try:
            text = Path(text[1:]).read_text(encoding="utf-8")
        except OSError as error:
            raise WrongInput(f"--symbols: {text[1:]} cannot be read ({error.strerror}).") from error
    found = sorted({symbol for symbol in re.split(r"[,\s]+", text) if symbol})
    if not found:
        raise WrongInput("--symbols names no symbol.")
    for symbol in found:
        try:
            check_symbol(symbol)
        except InvalidRecord as error:
            raise WrongInput(f"--symbols: {symbol} is no symbol.") from error
    return ",".join(found)


def bind(port: int) -> socket.socket:
    """Listen on loopback at once, so that nothing is started for a port somebody else has. 0 = a free one."""
    if not 0 <= port <= 65535:
        raise WrongInput(f"--port must be 0 to 65535, was {port}.")
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError as error:
        listening.close()
        raise WrongInput(f"port {port} cannot be used ({error.strerror}): choose another with --port.") from error
    return listening
