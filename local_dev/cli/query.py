"""`condvest query`: bars through the REST API, from a running platform or from what a state folder holds."""

import argparse
import csv
import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from local_dev.cli.api_client import ApiClient, ApiFailed
from local_dev.cli.candles import candles_of
from local_dev.cli.errors import WrongInput
from local_dev.cli.options import add_state
from local_dev.cli.running import Address
from local_dev.cli.serving import serving
from local_dev.cli.stopping import Stopped
from shared.bars.windows import NEW_YORK

HELP = "Read bars through the API."
UNITS = {"m": "minute", "h": "hour", "d": "day", "w": "week"}
COLUMNS = ("t", "o", "h", "l", "c", "v", "vw", "n")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ticker", metavar="TICKER")
    parser.add_argument("--tf", default="1m", metavar="1m", help="a number and m, h, d or w (default 1m)")
    parser.add_argument("--from", dest="since", metavar="DATE|MS", help="default: the last day there is")
    parser.add_argument("--to", dest="until", metavar="DATE|MS", help="default: as --from")
    parser.add_argument("--format", choices=(*FORMATS, "chart"), default="table")
    parser.add_argument("--url", help="default: the platform of the state folder, started if it does not run")
    parser.add_argument("--key", help="default: the local key, if the platform gives one away")
    add_state(parser)


def run(options: argparse.Namespace) -> int:
    multiplier, timespan = timeframe(options.tf)
    given = Address(options.url.rstrip("/"), options.key or "") if options.url else None
    try:
        with serving(options.state, given) as found:
            client = ApiClient(found.url, options.key or found.key)
            since = options.since or options.until or client.last_day()
            bars = client.bars(options.ticker, multiplier, timespan, since, options.until or since)
            _write(bars, options)
    except Stopped as stopped:
        raise ApiFailed("stopped before everything was read") from stopped
    return 0


def timeframe(text: str) -> tuple[int, str]:
    """`5m` is (5, "minute"). Raises WrongInput."""
    parts = re.fullmatch(r"([1-9]\d{0,4})([mhdw])", text)
    if parts is None:
        raise WrongInput(f"--tf must be a number and m, h, d or w, was {text}.")
    return int(parts[1]), UNITS[parts[2]]


def _write(bars: Iterator[dict[str, Any]], options: argparse.Namespace) -> None:
    if options.format == "chart":
        as_chart(bars, f"{options.ticker} {options.tf}")
    else:
        FORMATS[options.format](bars)


def as_table(bars: Iterator[dict[str, Any]]) -> None:
    """New York time of each bar's start."""
    print(f"{'start (New York)':<17}" + "".join(f"{name:>14}" for name in COLUMNS[1:]))
    count = 0
    for count, bar in enumerate(bars, 1):  # noqa: B007  (it is the number of bars afterwards)
        start = datetime.fromtimestamp(bar["t"] / 1000, UTC).astimezone(NEW_YORK)
        print(f"{start:%Y-%m-%d %H:%M} " + "".join(f"{_text(bar.get(name)):>14}" for name in COLUMNS[1:]))
    print(f"{count:,} bars")


def as_csv(bars: Iterator[dict[str, Any]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_text(bar.get(name)) for name in COLUMNS] for bar in bars)


def as_json(bars: Iterator[dict[str, Any]]) -> None:
    """One array, a bar a line, numbers as the API wrote them."""
    print("[")
    comma = ""
    for bar in bars:
        fields = ",".join(f"{json.dumps(name)}:{_text(value)}" for name, value in bar.items())
        print(f"{comma}{{{fields}}}", end="")
        comma = ",\n"
    print("\n]")


def as_chart(bars: Iterator[dict[str, Any]], name: str) -> None:
    """Candles and volume as wide as the terminal."""
    from local_dev.cli.chart import chart, picture_for  # noqa: PLC0415  (its library takes 0.2 s to import)

    print(chart(name, candles_of(bars), picture_for(sys.stdout)))


FORMATS = {"table": as_table, "csv": as_csv, "json": as_json}


def _text(value: Decimal | int | None) -> str:
    return "" if value is None else format(value, "f") if isinstance(value, Decimal) else str(value)
