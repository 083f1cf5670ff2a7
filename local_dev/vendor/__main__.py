"""`python -m local_dev.vendor --data PATH ...`: prints "ready URL" once it listens, serves until told to stop."""

import argparse
import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from local_dev.vendor.errors import WrongInputError
from local_dev.vendor.faults import parse_faults
from local_dev.vendor.files import has_trades
from local_dev.vendor.recording import load
from local_dev.vendor.server import MarketServer, TablesServer, VendorServer, serve
from local_dev.vendor.settings import VendorSettings, parse_speed
from local_dev.vendor.tables import load_tables


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 after SIGTERM or SIGINT, 2 with one sentence for wrong input."""
    options = _parser().parse_args(arguments)
    try:
        settings = VendorSettings(
            speed=parse_speed(options.speed),
            hold=options.hold,
            from_ms=options.from_ms,
            api_key=options.api_key,
            faults=options.faults,
            calls_a_minute=options.calls_a_minute,
        )
        parse_faults(settings.faults)  # before the recording is read, which takes seconds
        asyncio.run(serve(_server(options.data, settings, options.port, with_trades=not options.no_trades)))
    except WrongInputError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        return 130  # while the recording was read; later Ctrl-C stops the server in order
    return 0


def _server(path: Path, settings: VendorSettings, port: int, *, with_trades: bool) -> Callable[[], MarketServer]:
    """What serves a path. A folder of tables alone is as good as one with trades."""
    tables = load_tables(path)
    if tables.symbols and not (with_trades and has_trades(path)):
        return lambda: TablesServer(tables, settings, port=port)
    recording = load(path)
    return lambda: VendorServer(recording, settings, tables, port=port)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local_dev.vendor", description="A Polygon-compatible server over recorded files."
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="file or folder of (gzip) JSON-lines trades, or folder of bars"
    )
    parser.add_argument("--no-trades", action="store_true", help="leave the trades of a folder with bars unread")
    parser.add_argument("--port", type=int, default=0, help="0 = a free port")
    parser.add_argument("--speed", default="1", help="0.1 to 1000 times real time, or max")
    parser.add_argument("--faults", default="", help="for example drop@1000,silence@5000:3s,http500@2")
    parser.add_argument("--hold", action="store_true", help="start the clock at the first subscription")
    parser.add_argument("--from-ms", type=int, help="feed time at the start (Unix ms)")
    parser.add_argument("--calls-a-minute", type=int, metavar="N", help="REST calls a key may make (default: any)")
    parser.add_argument("--api-key", help="the only key accepted (default: any)")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
