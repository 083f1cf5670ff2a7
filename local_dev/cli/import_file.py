"""`condvest import`: bars of a file of one's own into the database."""

import argparse
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from batch_layer.imports.bars import Asked, Bar, Rows, Wrong, read
from batch_layer.imports.mapping import FIELDS, parse_map, places
from batch_layer.imports.run import Imported, import_rows
from batch_layer.imports.tables import open_table
from batch_layer.imports.wrong_file import WrongFile
from local_dev.cli.database import database
from local_dev.cli.errors import WrongInput
from local_dev.cli.options import add_state
from local_dev.cli.stopping import Stopped, stop_on_signals
from shared.bars.sessions import XNYS, sessions_named
from shared.bars.windows import NEW_YORK, new_york_date
from shared.errors import InvalidRecord
from shared.polygon.trades import check_symbol

HELP = "Load bars of a CSV or Parquet file into the database."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="CSV (also .gz) or Parquet")
    parser.add_argument("--kind", choices=("daily", "minute"), required=True)
    parser.add_argument(
        "--map", default="", metavar="FIELD=COLUMN,...", help=f"fields: {' '.join(FIELDS)}; default: columns so named"
    )
    parser.add_argument("--tz", default=NEW_YORK.key, metavar="ZONE", help=f"of times without one ({NEW_YORK.key})")
    parser.add_argument("--symbol", metavar="SYM", help="of all rows, where the file does not name any")
    parser.add_argument("--dry-run", action="store_true", help="read and check everything, store nothing")
    add_state(parser)


def run(options: argparse.Namespace) -> int:
    asked_at = datetime.now(UTC)
    try:
        rows = _rows(options, asked_at)
        if options.dry_run:
            imported = Imported()
            imported.note(rows)
            print("\n".join(_read(imported, options.file)))
            print("nothing was stored: --dry-run")
        else:
            imported = _store(options, rows, asked_at)
    except WrongFile as error:
        raise WrongInput(f"{error}.") from error
    except Stopped:
        print("stopped; the same command goes on from here")
        return 1
    return 0 if imported.bars else 1


def _rows(options: argparse.Namespace, now: datetime) -> Iterator[Bar | Wrong]:
    """Raises WrongInput or WrongFile before the first row is read."""
    if not options.file.is_file():
        raise WrongInput(f"there is no file {options.file}.")
    try:
        zone = ZoneInfo(options.tz)
        if options.symbol is not None:
            check_symbol(options.symbol)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise WrongInput(f"--tz: {options.tz} is no zone such as {NEW_YORK.key}.") from error
    except InvalidRecord as error:
        raise WrongInput(f"--symbol: {options.symbol} is no symbol.") from error
    table = open_table(options.file)
    where = places(table.columns, parse_map(options.map), options.symbol)
    today = new_york_date(int(now.timestamp() * 1000))
    make = Rows(Asked(where, options.symbol, zone, today), sessions_named(XNYS))
    if options.kind == "daily":
        return read(table, make.daily, options.file.name)
    return read(table, make.minute, options.file.name)


def _store(options: argparse.Namespace, rows: Iterator[Bar | Wrong], now: datetime) -> Imported:
    began = time.monotonic()
    with stop_on_signals(), database(options.state) as opened:
        imported = import_rows(opened.postgres, options.kind, rows, now)
    print("\n".join(_read(imported, options.file)))
    print(f"stored      {_stored(imported)}; in {time.monotonic() - began:.1f} s")
    return imported


def _stored(imported: Imported) -> str:
    """What became of the bars; the rare ones only where there are some."""
    loaded = imported.loaded
    refused = loaded.quarantined - sum(imported.reasons.values())
    same = imported.bars - loaded.added - loaded.changed - loaded.outdated - refused
    told = f"added {loaded.added:,}, corrected {loaded.changed:,}, there already {same:,}"
    told += f", known later otherwise {loaded.outdated:,}" if loaded.outdated else ""
    return told + (f", refused by the table {refused:,}" if refused else "")


def _read(imported: Imported, file: Path) -> Iterator[str]:
    symbols = len(imported.symbols)
    what = f"{imported.bars:,} bars of {symbols:,} {'symbol' if symbols == 1 else 'symbols'}"
    span = f", {imported.first} to {imported.last}" if imported.bars else ""
    yield f"read        {what}{span} from {file}"
    wrong = sum(imported.reasons.values())
    why = ", ".join(f"{reason} {count:,}" for reason, count in sorted(imported.reasons.items()))
    yield f"quarantined {wrong:,} rows  {why}".rstrip()
    for one in imported.shown:
        yield f"  line {one.number}: {one.refused.reason}: {one.refused.message}"
    if wrong > len(imported.shown):
        yield f"  and {wrong - len(imported.shown):,} more"
