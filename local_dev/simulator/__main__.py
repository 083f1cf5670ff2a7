"""`python -m local_dev.simulator ...`: prints "ready URL" once it listens, serves until told to stop."""

import argparse
import asyncio
import sys

from local_dev.simulator.market import Market
from local_dev.simulator.minutes import parse_spans
from local_dev.simulator.server import SimulatorServer
from local_dev.vendor.errors import WrongInputError
from local_dev.vendor.server import serve
from local_dev.vendor.settings import VendorSettings, parse_speed

LARGEST_ACTIVITY = 100.0


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 after SIGTERM or SIGINT, 2 with one sentence for wrong input."""
    options = _parser().parse_args(arguments)
    try:
        if not 0 < options.activity <= LARGEST_ACTIVITY:
            raise WrongInputError(f"activity must be more than 0 and at most 100, was {options.activity}")
        settings = VendorSettings(
            speed=parse_speed(options.speed), hold=options.hold, from_ms=options.from_ms, api_key=options.api_key
        )
        market = Market(options.seed, options.activity)
        streamed = parse_spans(options.streamed)
        asyncio.run(serve(lambda: SimulatorServer(market, settings, port=options.port, streamed=streamed)))
    except WrongInputError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local_dev.simulator", description="A Polygon-compatible server of a made-up market."
    )
    parser.add_argument("--port", type=int, default=0, help="0 = a free port")
    parser.add_argument("--speed", default="1", help="0.1 to 1000 times real time, or max")
    parser.add_argument("--hold", action="store_true", help="start the clock at the first subscription")
    parser.add_argument("--from-ms", type=int, help="feed time (Unix ms) from which a feed goes on that ended there")
    parser.add_argument(
        "--streamed",
        default="",
        metavar="FROM-TO,...",
        help="spans of feed time (Unix ms) that an earlier feed streamed; the last TO is left out if this one goes on",
    )
    parser.add_argument("--seed", type=int, default=1, help="another number is another market")
    parser.add_argument("--activity", type=float, default=1.0, help="times the usual number of trades")
    parser.add_argument("--api-key", help="the only key accepted (default: any)")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
