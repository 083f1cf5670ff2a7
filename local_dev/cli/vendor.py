"""`condvest vendor`: the Polygon-compatible server alone, over recorded trades and what lies beside them."""

import argparse
from pathlib import Path

from local_dev.cli.options import add_state
from local_dev.vendor import __main__ as server

HELP = "Serve recorded trades in Polygon's protocols; the clock never waits for a client."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, metavar="PATH", help="file or folder of recorded trades")
    parser.add_argument("--port", type=int, default=0, help="0 = a free one (default)")
    parser.add_argument("--speed", default="1", metavar="N|max", help="0.1 to 1000 times real time (default 1)")
    parser.add_argument("--faults", default="", metavar="SPEC", help="for example drop@1000,silence@5000:3s,http500@2")
    parser.add_argument("--no-trades", action="store_true", help="REST over daily and minute bars alone")
    parser.add_argument("--calls-a-minute", type=int, metavar="N", help="REST calls of a key (free plan: 5)")
    add_state(parser)


def run(options: argparse.Namespace) -> int:
    arguments = ["--data", str(options.data), "--port", str(options.port), "--speed", options.speed]
    if options.no_trades:
        arguments.append("--no-trades")
    if options.calls_a_minute:
        arguments += ["--calls-a-minute", str(options.calls_a_minute)]
    return server.main([*arguments, "--faults", options.faults])
