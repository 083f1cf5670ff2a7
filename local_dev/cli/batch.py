"""`condvest batch`: the nightly of one trade date or several, by the definition that AWS runs."""

import argparse
import sys
from datetime import date

from local_dev.cli.batch_source import source_of_state
from local_dev.cli.errors import WrongInput
from local_dev.cli.logs import log_to
from local_dev.cli.options import add_state, bind, day_of
from local_dev.cli.running import address
from local_dev.cli.stopping import Stopped, stop_on_signals
from local_dev.runtime.nightly import Nightly
from local_dev.runtime.nights import Run, run_one
from local_dev.runtime.platform import Platform
from local_dev.runtime.state import Source, open_state

HELP = "Fetch, rebuild, reconcile and settle trade dates, as the nightly does."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("day", type=day_of, metavar="DATE", help="trade date")
    parser.add_argument("--through", type=day_of, metavar="DATE", help="the last one, included (default: DATE alone)")
    add_state(parser)


def run(options: argparse.Namespace) -> int:
    last = options.through or options.day
    if options.day > last:
        raise WrongInput(f"{options.day} is after --through {last}.")
    if address(options.state) is not None:
        raise WrongInput(f"a platform runs on {options.state} and settles by itself: stop it first.")
    if not options.state.exists():
        raise WrongInput(f"there is no state folder at {options.state}: condvest up makes one.")
    state = open_state(options.state, Source("none"), fresh=False)
    log_to(state.logs)
    platform = Platform(state, bind(0), print)
    with stop_on_signals():
        try:
            return _settle(platform, options.day, last)
        except Stopped:
            print("stopped; the same command does it again")
            return 1
        finally:
            platform.stop()
            state.close()


def _settle(platform: Platform, first: date, last: date) -> int:
    platform.deploy()
    days = list(platform.sessions.between(first, last))
    if not days:
        raise WrongInput(f"{first} to {last}: no trade date.")
    done: list[Run] = []
    with source_of_state(platform) as source, Nightly(platform, source) as nightly:
        for day in days:
            done.append(run_one(platform, nightly, day))
            print(done[-1].line)
            sys.stdout.flush()
    return 1 if any(one.trouble for one in done) else 0
