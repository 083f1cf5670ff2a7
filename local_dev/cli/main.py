"""Which command was asked for. Exit codes: 0 done, 1 it did not work out, 2 wrong input (one sentence says what)."""

import argparse
import importlib
import os
import sys
from typing import NoReturn

from local_dev.cli.errors import WrongInput
from local_dev.runtime.feed import FeedRefused
from local_dev.runtime.state import WrongState
from local_dev.vendor.errors import WrongInputError
from shared.errors import CondvestError

COMMANDS = (
    "up",
    "query",
    "watch",
    "alert",
    "keys",
    "check",
    "backfill",
    "import",
    "batch",
    "vendor",
    "cost",
    "doctor",
    "clean",
)
"""Modules of this package; only the one that is asked for is imported."""
_MODULES = {"import": "import_file"}
"""Where a module cannot have its command's name."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence; `--help` says the rest."""

    def error(self, message: str) -> NoReturn:
        raise WrongInput(f"{message} ({self.prog} --help lists what there is)")


def main(arguments: list[str] | None = None) -> int:
    given = sys.argv[1:] if arguments is None else arguments
    try:
        options = parser(*given[:1]).parse_args(given)
        return int(options.run(options))
    except (WrongInput, WrongState, WrongInputError, FeedRefused) as error:
        print(error, file=sys.stderr)
        return 2
    except CondvestError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:  # `condvest query ... | head`: whoever read has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more at its end
        return 1


def parser(wanted: str = "") -> Parser:
    """Of the wanted command; of all where it is none of them."""
    parser = Parser(prog="condvest", description="Your own market-data platform, on this machine.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
    for name in [wanted] if wanted in COMMANDS else COMMANDS:
        command = importlib.import_module(f"local_dev.cli.{_MODULES.get(name, name)}")
        described = commands.add_parser(name, help=command.HELP, description=command.HELP)
        command.add_arguments(described)
        described.set_defaults(run=command.run)
    return parser
