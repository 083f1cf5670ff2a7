"""`condvest cost`: what the deployment costs a month, from its templates, a load and dated prices (docs/cost.md)."""

import argparse
import json
import sys
from datetime import UTC, date, datetime

from local_dev.cli.errors import WrongInput
from local_dev.cost.bill import bill_of
from local_dev.cost.load import Load
from local_dev.cost.prices import outdated, prices
from local_dev.cost.show import as_json, table, warning
from local_dev.cost.synthesis import PROFILES, settings_for, synthesised
from local_dev.cost.what_if import EDITS, SETTINGS, Changes, changes

HELP = "What the deployment costs a month on AWS, from its templates."
WHAT_IF = (
    f"{', '.join(f'{name} ({meaning})' for name, (_, meaning) in EDITS.items())}; the settings {', '.join(SETTINGS)}; "
    "or a number of the load (docs/cost.md); may be repeated"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", choices=PROFILES, help="default: both")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--symbols", type=int, metavar="N", help="so many of the base load's symbols, with their trades")
    size.add_argument("--trades", type=int, metavar="N", help="a day; the peak grows with them")
    parser.add_argument("--what-if", action="append", default=[], metavar="NAME=VALUE", help=WHAT_IF)
    parser.add_argument("--format", choices=("table", "json"), default="table")


def run(options: argparse.Namespace) -> int:
    """Exit 0 whatever it costs."""
    return show(options, datetime.now(UTC).date())


def show(options: argparse.Namespace, today: date) -> int:
    """Print the bills; a warning about old prices goes to standard error."""
    wanted = _changes(options)
    held = prices()
    bills = {}
    for profile in [options.profile] if options.profile else PROFILES:
        settings = settings_for(profile, wanted.load, wanted.settings)
        try:
            bill = bill_of(wanted.applied(synthesised(settings)), wanted.load, held)
        except ValueError as error:
            raise WrongInput(str(error)) from error
        bills[profile] = settings, bill
    if options.format == "json":
        print(json.dumps([as_json(name, settings, wanted.load, bill) for name, (settings, bill) in bills.items()]))
    else:
        print("\n\n".join("\n".join(table(name, s, wanted.load, bill)) for name, (s, bill) in bills.items()))
    for line in warning(outdated(held, today)):
        print(line, file=sys.stderr)
    return 0


def _changes(options: argparse.Namespace) -> Changes:
    try:
        return changes(Load().scaled(trades=options.trades, symbols=options.symbols), options.what_if)
    except ValueError as error:
        raise WrongInput(str(error)) from error
