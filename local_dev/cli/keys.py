"""`condvest keys`: make, list and revoke API keys, of a local platform or of a deployment."""

import argparse
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from local_dev.cli.errors import WrongInput
from local_dev.cli.options import add_state
from local_dev.keys.book import Entry, KeyBook, KeyRefused
from local_dev.keys.places import here, on_aws
from serving_layer.auth.keys import LIVE, PLANS

HELP = "Make, list and revoke API keys."
WITHIN_S = 60
_CLIENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    create = _action(actions, "create", "Make a key; it is shown once.", _create)
    create.add_argument("--client", required=True, type=client_of, metavar="NAME", help="whose key it is")
    create.add_argument("--plan", choices=sorted(PLANS), default=LIVE, help=f"default {LIVE}")
    create.add_argument("--scopes", metavar="A,B", help="default: all that go with the plan")
    _action(actions, "list", "List keys.", _list)
    _action(actions, "revoke", "Revoke a key.", _revoke).add_argument("id", metavar="ID")
    _action(actions, "sync", "Tell the edge of every live key again, and of no other.", _sync)


def run(options: argparse.Namespace) -> int:
    book = on_aws(options.environment, options.region) if options.environment else here(options.state)
    try:
        options.act(book, options, datetime.now(UTC).isoformat(timespec="seconds"))
    except KeyRefused as error:
        raise WrongInput(str(error)) from error
    return 0


def client_of(text: str) -> str:
    """A client's name on the command line. Raises ArgumentTypeError."""
    if not _CLIENT.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text} is no name of 1 to 64 letters, digits or . _ @ -")
    return text


def _action(
    actions: Any, name: str, said: str, act: Callable[[KeyBook, argparse.Namespace, str], None]
) -> argparse.ArgumentParser:
    action: argparse.ArgumentParser = actions.add_parser(name, help=said, description=said)
    action.set_defaults(act=act)
    action.add_argument(
        "--environment", metavar="NAME", help="of a deployment to AWS; default: the state folder's keys"
    )
    action.add_argument("--region", default="us-east-1", help="of the deployment, default us-east-1")
    add_state(action)
    return action


def _create(book: KeyBook, options: argparse.Namespace, now: str) -> None:
    scopes = sorted(PLANS[options.plan]) if options.scopes is None else options.scopes.split(",")
    entry, key = book.create(options.client, scopes, options.plan, now)
    print(key)
    print(f"{_line(entry)}; this is the only time that the key is shown", file=sys.stderr)


def _list(book: KeyBook, options: argparse.Namespace, now: str) -> None:
    entries = book.entries()
    for entry in entries:
        print(_line(entry))
    live = sum(not entry.revoked for entry in entries)
    print(f"{len(entries)} key{'' if len(entries) == 1 else 's'}, {live} live")


def _revoke(book: KeyBook, options: argparse.Namespace, now: str) -> None:
    entry = book.revoke(options.id, now)
    print(f"revoked {entry.id} of {entry.client}: refused within {WITHIN_S} seconds")


def _sync(book: KeyBook, options: argparse.Namespace, now: str) -> None:
    told, forgotten = book.sync()
    print(f"the edge was told of {told} and forgot {forgotten}")


def _line(entry: Entry) -> str:
    state = f"revoked {entry.revoked}" if entry.revoked else "live"
    return f"{entry.id}  {entry.client:<16}  {entry.plan:<7}  {' '.join(entry.scopes)}  {entry.created}  {state}"
