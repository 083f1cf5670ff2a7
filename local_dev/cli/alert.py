"""`condvest alert`: rules that tell of prices, moves, indicators and signals; and how often one would have."""

import argparse
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local_dev.cli.alert_replay import Replay, replay
from local_dev.cli.api_client import ApiClient, ApiFailed
from local_dev.cli.errors import WrongInput
from local_dev.cli.options import add_state, day_of
from local_dev.cli.running import Address
from local_dev.cli.serving import serving
from local_dev.cli.stopping import Stopped
from serving_layer.alerts.request import read_rule
from serving_layer.api.refusals import Refused
from shared.bars.windows import NEW_YORK
from shared.models.alert import Crossing, Rule

HELP = "Add, list and remove alerts, or try a rule on what is stored."
RULE = "JSON, @FILE, or TICKER>PRICE and TICKER<PRICE for short"
_SHORT = re.compile(r"([^<>\s]{1,16})([<>])([0-9.]{1,20})")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    add = _action(actions, "add", "Add an alert.", _add)
    add.add_argument("rule", metavar="RULE", help=RULE)
    _action(actions, "list", "List alerts.", _list)
    _action(actions, "remove", "Remove an alert.", _remove).add_argument("id", metavar="ID")
    test = _action(actions, "test", "How often a rule would have fired over stored trades and bars.", _test)
    test.add_argument("rule", metavar="RULE", help=RULE)
    test.add_argument("--from", dest="since", type=day_of, metavar="DATE", help="default: the last day there is")
    test.add_argument("--to", dest="until", type=day_of, metavar="DATE", help="default: as --from")


def run(options: argparse.Namespace) -> int:
    given = Address(options.url.rstrip("/"), options.key or "") if options.url else None
    if hasattr(options, "rule"):
        rule_of(options.rule)  # a wrong one is refused before anything is started
    try:
        with serving(options.state, given) as found:
            options.act(ApiClient(found.url, options.key or found.key), options)
    except Stopped as stopped:
        raise ApiFailed("stopped before it was done") from stopped
    return 0


def text_of(given: str) -> str:
    """The JSON of a rule as it is given on the command line. Raises WrongInput."""
    if short := _SHORT.fullmatch(given.strip()):
        ticker, way, level = short.groups()
        direction = "up" if way == ">" else "down"
        when = f'{{"type":"price","level":{level},"direction":"{direction}"}}'
        return f'{{"ticker":{json.dumps(ticker)},"when":{when}}}'
    if not given.startswith("@"):
        return given
    try:
        return Path(given[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise WrongInput(f"the rule in {given[1:]} cannot be read.") from error


def rule_of(given: str) -> Rule:
    """Raises WrongInput."""
    try:
        return read_rule(text_of(given).encode(errors="surrogatepass"))
    except Refused as error:
        raise WrongInput(f"{error}.") from error


def _action(
    actions: Any, name: str, said: str, act: Callable[[ApiClient, argparse.Namespace], None]
) -> argparse.ArgumentParser:
    action: argparse.ArgumentParser = actions.add_parser(name, help=said, description=said)
    action.set_defaults(act=act)
    action.add_argument("--url", help="default: the platform of the state folder, started if it does not run")
    action.add_argument("--key", help="default: the local key, if the platform gives one away")
    add_state(action)
    return action


def _add(client: ApiClient, options: argparse.Namespace) -> None:
    print(_line(client.add_alert(text_of(options.rule).encode())))


def _list(client: ApiClient, options: argparse.Namespace) -> None:
    count = 0
    for count, alert in enumerate(client.alerts(), 1):  # noqa: B007  (it is the number of alerts afterwards)
        print(_line(alert))
    print(f"{count} alert{'' if count == 1 else 's'}")


def _remove(client: ApiClient, options: argparse.Namespace) -> None:
    client.remove_alert(options.id)
    print(f"removed {options.id}")


def _test(client: ApiClient, options: argparse.Namespace) -> None:
    since = options.since or options.until or day_of(client.last_day())
    found = replay(client, rule_of(options.rule), since, options.until or since)
    for crossing in found.crossings:
        print(_told(crossing))
    print(_summary(found))


def _line(alert: dict[str, Any]) -> str:
    when = " ".join(f"{name} {value}" for name, value in alert["when"].items())
    note = f"  {alert['note']}" if alert["note"] else ""
    return f"{alert['id']}  {alert['status']:<6}  {alert['ticker']:<6} {when}  {alert['repeat']}{note}"


def _told(crossing: Crossing) -> str:
    at = datetime.fromtimestamp(crossing.t / 1000, UTC).astimezone(NEW_YORK)
    value = "" if crossing.value == crossing.direction else f" {crossing.value}"
    return f"{at:%Y-%m-%d %H:%M:%S}  {crossing.sym} {crossing.direction}{value}"


def _summary(found: Replay) -> str:
    times = len(found.crossings)
    return f"would have fired {times} time{'' if times == 1 else 's'}, over {found.looked_at:,} {found.kind}"
