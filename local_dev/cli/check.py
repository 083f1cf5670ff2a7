"""`condvest check`: one symbol's trade date as we tell it and as the vendor does, and why each bar differs.

Both are asked in the vendor's own protocol, so what is compared is what a reader of either gets.
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import date, datetime
from pathlib import Path

from batch_layer.fetch.bucket import TokenBucket
from batch_layer.fetch.days import Completeness, fetch_range
from batch_layer.fetch.minutes import fetch_minutes
from batch_layer.fetch.planner import FREE, PAID
from batch_layer.fetch.rest import VendorRest
from batch_layer.fetch.trades import fetch_trades
from batch_layer.fetch.units import Unit
from batch_layer.reconcile.beside import by_day
from batch_layer.reconcile.report import KINDS, Difference
from batch_layer.reconcile.single import Told, compare
from batch_layer.reconcile.witness import seen_of
from local_dev.cli.api_client import ApiClient, ApiFailed
from local_dev.cli.errors import WrongInput
from local_dev.cli.options import add_state, day_of
from local_dev.cli.running import Address
from local_dev.cli.serving import serving
from local_dev.cli.stopping import Stopped
from local_dev.cli.vendor_hosts import vendor_hosts
from local_dev.cli.vendor_key import vendor_key
from local_dev.runtime.history_source import HistorySource, served
from local_dev.runtime.processes import Supervisor
from local_dev.vendor.tables import load_tables
from shared.bars.sessions import SessionDay, sessions_named
from shared.bars.windows import NEW_YORK
from shared.errors import InvalidRecord
from shared.polygon.trades import check_symbol

HELP = "Compare a symbol's trade date with the vendor's, bar by bar, with the reason of each difference."
QUOTAS = {"free": FREE, "paid": PAID}
UNMETERED_CALLS = 1_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ticker", metavar="TICKER")
    parser.add_argument("day", type=day_of, metavar="DATE")
    parser.add_argument("--source", default="rest", metavar="rest|PATH", help="default rest, the vendor's API")
    parser.add_argument("--plan", choices=QUOTAS, default="free", help="the vendor's plan (default free)")
    parser.add_argument("--url", help="default: the platform of the state folder, started if it does not run")
    parser.add_argument("--key", help="default: the local key, if the platform gives one away")
    add_state(parser)


def run(options: argparse.Namespace) -> int:
    """1 if a difference is unexplained, or there is nothing to compare with."""
    sym, session = _asked(options.ticker, options.day)
    given = Address(options.url.rstrip("/"), options.key or "") if options.url else None
    try:
        with _source(options.source) as source, serving(options.state, given) as found:
            calls = QUOTAS[options.plan].calls_a_minute if source.metered else UNMETERED_CALLS
            theirs_from = VendorRest(source.base, source.key, TokenBucket(calls))
            key = ApiClient(found.url, options.key or found.key).key()
            ours_from = VendorRest(found.url, key, TokenBucket(UNMETERED_CALLS))
            ours, theirs = _told(ours_from, sym, session), _told(theirs_from, sym, session)
            trades = [seen_of(trade, session) for trade in fetch_trades(ours_from, sym, session)]
    except Stopped as stopped:
        raise ApiFailed("stopped before everything was read") from stopped
    if not theirs.minutes and theirs.day is None:
        raise ApiFailed(f"{source.name} has no bar of {sym} on {session.date}: there is nothing to compare with")
    found_differences = compare(sym, session, ours, theirs, trades)
    _print(found_differences, len({*ours.minutes, *theirs.minutes}))
    return 1 if any(one.kind == "unexplained" for one in found_differences) else 0


def _asked(ticker: str, day: date) -> tuple[str, SessionDay]:
    """Raises WrongInput."""
    try:
        sym = check_symbol(ticker)
    except InvalidRecord as error:
        raise WrongInput(f"{ticker} is no symbol.") from error
    session = sessions_named("XNYS").day(day)
    if session is None:
        raise WrongInput(f"{day} is no trade date.")
    return sym, session


@contextmanager
def _source(source: str) -> Iterator[HistorySource]:
    """Whom to ask for the vendor's bars. Raises WrongInput for a path without any, and for a key that is missing."""
    if source == "rest":
        key = vendor_key("--source rest", "files need none: --source PATH")
        with nullcontext(HistorySource("the vendor", vendor_hosts().rest, key, metered=True)) as vendor:
            yield vendor
        return
    folder = Path(source).resolve()
    if not folder.is_dir() or not load_tables(folder).symbols:
        raise WrongInput(f"--source: {source} is no folder with bars.")
    with tempfile.TemporaryDirectory() as logs:
        supervisor = Supervisor(Path(logs))
        try:
            with served(folder, supervisor) as files:
                yield files
        finally:
            supervisor.stop()


def _told(rest: VendorRest, sym: str, session: SessionDay) -> Told:
    minutes, _ = fetch_minutes(rest, sym, session.date)
    sessions = sessions_named("XNYS")
    complete = Completeness(sessions, lambda day: None, accept_short=True)
    days = fetch_range(rest, Unit("range", sym, session.date, session.date), sessions, complete)
    return Told({one.t: one.bar for one in minutes}, by_day(days.bars).get(sym))


def _print(differences: Sequence[Difference], minutes: int) -> None:
    for one in differences:
        at = datetime.fromtimestamp(one.t // 1000, NEW_YORK)
        when = "day  " if one.between == "vendor days" else f"{at:%H:%M}"
        print(f"{when}  {one.kind:<11}  {_fields(one)}")
        print(f"{'':20}{one.reason}")
    of_minutes = [one for one in differences if one.between == "vendor minutes"]
    counts = Counter(one.kind for one in differences)
    kinds = ", ".join(f"{counts[kind]:,} {kind}" for kind in KINDS if counts[kind])
    print(f"{minutes:,} minutes, {minutes - len(of_minutes):,} equal; differences: {kinds or 'none'}")


def _fields(one: Difference) -> str:
    """Ours, then the vendor's."""
    if one.ours is None or one.theirs is None:
        side, bar = ("only the vendor has", one.theirs) if one.ours is None else ("only we have", one.ours)
        return f"{side} {' '.join(f'{name} {value}' for name, value in (bar or {}).items())}"
    return ", ".join(f"{name} {one.ours[name]} | {one.theirs[name]}" for name in one.fields)
