"""Bars of several sessions into `bars_nd`, kept up with `bars_1d`: only groups of dates that changed are made again.

Every load of daily bars notes its dates in `bars_nd_due`, in its own transaction; here they are taken out in the
transaction that writes what comes of them. So new days, days of a backfill and corrections of old ones are all worked
in, each once, whoever loads meanwhile, and with nothing due there is nothing to do.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from itertools import chain
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from batch_layer.load.once import in_transaction
from batch_layer.load.rows import Loaded, load
from batch_layer.load.runs import finish
from batch_layer.load.targets import BARS_ND
from batch_layer.rebuild.multi_session import DAILY, MOST_VOLUME, MultiSession
from shared.bars.scale import PRICE_SCALE, SIZE_SCALE
from shared.stores.postgres import Postgres

if TYPE_CHECKING:
    from psycopg import Connection

JOB = "multi_session"
"""What each run leaves in `runs`; its unit is since when its rows are known."""
SOURCE = "bars_1d"
SPAN_DAYS = 200
"""Calendar days that are worked in at a time: a million bars of a whole market, which take a minute or two."""
_COLUMNS = ", ".join(
    (
        "sym, day",
        *(f"(b.{name} * {PRICE_SCALE})::bigint" for name in ("open", "high", "low", "close")),
        f"(volume * {SIZE_SCALE})::bigint, count",
    )
)


class _Last(msgspec.Struct):
    """What the last run left: the last trade date known of any symbol, and since when its rows are known."""

    through: date
    known_at: datetime


def keep_up(
    postgres: Postgres,
    groups: MultiSession,
    *,
    now: Callable[[], datetime],
    sleep: Callable[[float], None] = time.sleep,
) -> Loaded:
    """Work in all that is due, a span of days a transaction. Cut off, what was not done is still due.

    Raises StoreUnavailable when the database did not answer through all tries.
    """
    loaded = Loaded()
    while postgres.rows("SELECT FROM bars_nd_due LIMIT 1"):
        loaded = loaded.plus(
            in_transaction(
                postgres,
                lambda connection: load_multi_session(connection, groups, known_at=now()),
                sleep=sleep,
            )
        )
    return loaded


def load_multi_session(connection: "Connection", groups: MultiSession, *, known_at: datetime) -> Loaded:
    """Work in the earliest dates that are due, those within SPAN_DAYS. `known_at`: now; a clock that was set back makes
    no row older than another.

    `added` counts also bars that were forming and grew: those leave no correction. `reasons` counts daily bars of due
    dates that cannot be grouped. One run at a time: another waits.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('condvest bars_nd'))")
        due = [day for (day,) in connection.execute("SELECT take_due_days(%s)", (SPAN_DAYS,)).fetchall()]
        sessions = [day for day in due if groups.span(day) is not None]
        last = _last(connection)
        through = _through(connection, sessions, last)
        if not sessions or through is None:
            return Loaded()
        if last is not None:
            known_at = max(known_at, last.known_at + timedelta(microseconds=1))
        loaded = _work_in(connection, groups, sessions, through, known_at)
        ended = "UPDATE bars_nd SET forming = false, known_at = %s WHERE forming AND last_day <= %s"
        connection.execute(ended, (known_at, through))
        finish(
            connection, JOB, _unit(known_at), loaded.summary() | {"through": str(through), "known_at": _unit(known_at)}
        )
        return loaded


def _last(connection: "Connection") -> _Last | None:
    newest = "SELECT detail::text FROM runs WHERE job = %s ORDER BY unit DESC LIMIT 1"
    found = connection.execute(newest, (JOB,)).fetchone()
    return msgspec.json.decode(found[0], type=_Last) if found else None


def _unit(moment: datetime) -> str:
    """Of fixed width, so that the last is the greatest."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _through(connection: "Connection", due: Sequence[date], last: _Last | None) -> date | None:
    """The last trade date that is known of any symbol, of what was due until now. None while there is none."""
    before = None if last is None else last.through
    has_bars = "SELECT FROM bars_1d WHERE day = %s AND volume * %s <= %s LIMIT 1"
    later = (day for day in reversed(due) if before is None or day > before)
    usable = (day for day in later if connection.execute(has_bars, (day, SIZE_SCALE, MOST_VOLUME)).fetchone() == ())
    return next(usable, before)


def _span(groups: MultiSession, days: Sequence[date]) -> tuple[date, date]:
    spans = [span for day in days if (span := groups.span(day)) is not None]
    return min(first for first, _ in spans), max(last for _, last in spans)


def _work_in(
    connection: "Connection", groups: MultiSession, due: Sequence[date], through: date, known_at: datetime
) -> Loaded:
    made = groups.holding(_daily(connection, *_span(groups, due)), due, through)
    rows = chain.from_iterable(
        bars.with_columns(timeframe=pl.lit(timeframe), vwap=None).select(*BARS_ND.columns).iter_rows()
        for timeframe, bars in made.bars.items()
    )
    loaded = load(connection, BARS_ND, rows, SOURCE, known_at)
    reasons = dict(made.refused["reason"].value_counts().iter_rows())
    return loaded.plus(Loaded(reasons=reasons))


def _daily(connection: "Connection", first: date, last: date) -> pl.DataFrame:
    """The daily bars of [first, last], both included."""
    query = f"SELECT {_COLUMNS} FROM bars_1d b WHERE day BETWEEN '{first}' AND '{last}'"  # noqa: S608  (dates are ours)
    with connection.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv)".encode()) as copy:
        text = b"".join(bytes(block) for block in copy)
    return pl.read_csv(BytesIO(text), has_header=False, schema=DAILY) if text else pl.DataFrame(schema=DAILY)
