"""`condvest backfill`: daily bars, corporate actions and tickers into the database, resumed where it was stopped."""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from batch_layer.backfill.stored import VENDOR, Backfill
from batch_layer.fetch.bucket import TokenBucket
from batch_layer.fetch.days import Completeness
from batch_layer.fetch.fetcher import Fetcher
from batch_layer.fetch.flat_files import FlatFiles, flat_client
from batch_layer.fetch.planner import FREE, PAID, REST_METHODS, Method, Plan, Quota, describe, plan_days
from batch_layer.fetch.reference_plan import plan_reference
from batch_layer.fetch.rest import VendorRest
from batch_layer.fetch.run import Outcome, Step
from batch_layer.load.multi_session import keep_up
from batch_layer.load.rows import Loaded
from batch_layer.rebuild.multi_session import MultiSession
from local_dev.cli.database import database
from local_dev.cli.errors import WrongInput
from local_dev.cli.options import add_state, day_of, symbols_of
from local_dev.cli.stopping import Stopped, stop_on_signals
from local_dev.cli.vendor_hosts import vendor_hosts
from local_dev.cli.vendor_key import find, vendor_key
from local_dev.runtime.history_source import HistorySource, served, simulated
from local_dev.runtime.processes import Supervisor
from local_dev.runtime.sources import Simulated
from local_dev.runtime.state import Spans
from local_dev.simulator.market import SYMBOLS
from local_dev.vendor.tables import load_tables
from shared.bars.sessions import SIMULATED, XNYS, SessionTable, sessions_named

HELP = "Load history into the database: daily bars, splits, dividends, tickers; goes on where it was stopped."
FLAT_ENDPOINT = "https://files.polygon.io"
FLAT_KEY, FLAT_SECRET = ("FLAT_FILES_KEY",), ("FLAT_FILES_SECRET",)
QUOTAS = {"free": FREE, "paid": PAID}
UNMETERED = Quota(1_000_000, flat_files=False)
"""A server on this machine takes what it is given."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", dest="first", type=day_of, required=True, metavar="DATE", help="first trade date")
    parser.add_argument("--to", dest="last", type=day_of, required=True, metavar="DATE", help="the last one, included")
    parser.add_argument(
        "--source", default="rest", metavar="rest|flatfiles|sim|PATH", help="default rest, the vendor's API"
    )
    parser.add_argument("--symbols", default="*", metavar="A,B|@FILE", help="default: the whole market, or all of PATH")
    parser.add_argument("--plan", choices=QUOTAS, default="free", help="the vendor's plan (default free)")
    parser.add_argument("--accept-short", action="store_true", help="take days that look incomplete")
    parser.add_argument("--dry-run", action="store_true", help="say what would be asked and what it costs")
    add_state(parser)


class Wanted(NamedTuple):
    """What the command line asks for. `folder` None: the vendor is asked, or the simulated market."""

    symbols: tuple[str, ...] | None
    first: date
    last: date
    quota: Quota
    methods: tuple[Method, ...]
    folder: Path | None
    sessions: SessionTable
    simulated: bool = False


def run(options: argparse.Namespace) -> int:
    wanted = _wanted(options)
    plan = plan_days(
        wanted.symbols,
        wanted.first,
        wanted.last,
        sessions=wanted.sessions,
        quota=wanted.quota,
        methods=wanted.methods,
    )
    asked = datetime.now(UTC)
    plan = plan.also(plan_reference(wanted.symbols, wanted.first, asked.date()))
    if options.dry_run:
        print("\n".join(describe(plan)))
        return 0
    with stop_on_signals(), ExitStack() as stack:
        try:
            return _load(options, wanted, plan, asked, stack)
        except Stopped:
            print("stopped; the same command goes on from here")
            return 1


def _wanted(options: argparse.Namespace) -> Wanted:
    """Raises WrongInput."""
    if options.first > options.last:
        raise WrongInput(f"--from {options.first} is after --to {options.last}.")
    given = symbols_of(options.symbols)
    symbols = None if given == "*" else tuple(given.split(","))
    if options.source in {"rest", "flatfiles"}:
        methods: tuple[Method, ...] = ("flat",) if options.source == "flatfiles" else REST_METHODS
        return Wanted(symbols, options.first, options.last, QUOTAS[options.plan], methods, None, sessions_named(XNYS))
    simulated = options.source == "sim"
    folder = Path(options.source).resolve()
    there_are = sorted(SYMBOLS) if simulated else load_tables(folder).symbols if folder.is_dir() else []
    if not there_are:
        raise WrongInput(f"--source: {options.source} is no folder with daily bars.")
    if unknown := set(symbols or ()) - set(there_are):
        raise WrongInput(f"--symbols: {options.source} has no {min(unknown)}; it has {', '.join(there_are)}.")
    symbols, days = symbols or tuple(there_are), (options.first, options.last)
    if simulated:
        return Wanted(symbols, *days, UNMETERED, REST_METHODS, None, sessions_named(SIMULATED), simulated=True)
    return Wanted(symbols, *days, UNMETERED, REST_METHODS, folder, sessions_named(XNYS))


def _load(options: argparse.Namespace, wanted: Wanted, plan: Plan, asked: datetime, stack: ExitStack) -> int:
    flat = _flat_files() if plan.method == "flat" else None
    opened = _source(wanted)
    state, supervisor, postgres = stack.enter_context(database(options.state))
    source = stack.enter_context(opened(supervisor, state.record.past))
    backfill = Backfill(postgres, source.name, asked)
    complete = Completeness(wanted.sessions, backfill.symbols_on, accept_short=options.accept_short)
    rest = VendorRest(source.base, source.key, TokenBucket(wanted.quota.calls_a_minute))
    fetcher = Fetcher(rest, wanted.sessions, complete, asked, flat)
    began = time.monotonic()
    with _progress(len(plan.units)) as told:
        outcome = backfill.run(plan.units, fetcher, told)
        told.longer_bars()
        longer = keep_up(postgres, MultiSession(wanted.sessions), now=lambda: datetime.now(UTC))
    print("\n".join(_summary(outcome, backfill, longer, rest.calls, time.monotonic() - began)))
    return 1 if outcome.failed else 0


def _source(wanted: Wanted) -> Callable[[Supervisor, Spans], AbstractContextManager[HistorySource]]:
    """Opens it, for a state folder with such a past. Raises WrongInput for a key that is missing, before anything is
    started."""
    if wanted.simulated:
        return lambda supervisor, past: simulated(supervisor, Simulated("1"), past, None)
    if wanted.folder is not None:
        folder = wanted.folder
        return lambda supervisor, past: served(folder, supervisor)
    key = vendor_key("--source rest", "files need none: --source PATH")
    vendor = HistorySource(VENDOR, vendor_hosts().rest, key, metered=True)
    return lambda supervisor, past: nullcontext(vendor)


def _flat_files() -> FlatFiles:
    key, secret = find(FLAT_KEY), find(FLAT_SECRET)
    if key is None or secret is None:
        raise WrongInput(f"--source flatfiles needs {FLAT_KEY[0]} and {FLAT_SECRET[0]}: a key pair of its own.")
    return FlatFiles(flat_client(FLAT_ENDPOINT, key.value, secret.value))


@contextmanager
def _progress(units: int) -> Iterator["Told"]:
    """A bar for people; a line for each failed unit in any case."""
    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield Told(progress, units)


class Told:
    """Shows each step as it is done."""

    def __init__(self, progress: Progress, units: int) -> None:
        self._progress = progress
        self._task = progress.add_task("fetching", total=units)

    def __call__(self, step: Step) -> None:
        self._progress.update(self._task, completed=step.number, description=step.unit.id)
        if step.failed is not None:
            self._progress.console.print(f"{step.unit.id}: {step.failed}")

    def longer_bars(self) -> None:
        self._progress.update(self._task, description="bars of several sessions")


def _summary(outcome: Outcome, backfill: Backfill, longer: Loaded, calls: int, seconds: float) -> Iterator[str]:
    loaded = backfill.loaded
    others = f"{outcome.done_before:,} before, {len(outcome.failed):,} failed"
    yield f"units       {outcome.stored:>10,}  stored now ({others})"
    yield f"calls       {calls:>10,}  in {seconds:.1f} s"
    yield f"rows        {loaded.rows:>10,}  added {loaded.added:,}, corrected {loaded.changed:,}"
    why = ", ".join(f"{reason} {count:,}" for reason, count in sorted(loaded.reasons.items()))
    yield f"quarantined {loaded.quarantined:>10,}  {why}".rstrip()
    yield f"longer bars {longer.rows:>10,}  of several sessions, added {longer.added:,}, corrected {longer.changed:,}"
    for unit, reason in outcome.failed:
        yield f"not stored  {unit.id}: {reason}"
