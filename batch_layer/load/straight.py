"""Rows copied straight into months that their own load has made: nobody else has rows there to compare them with.

It is done with rows that are all good and each of another key; what is wrong with others, staging finds out.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from struct import error
from typing import TYPE_CHECKING, Any, NamedTuple

from batch_layer.load import statements
from batch_layer.load.copying import Refused, blocks, instant, text
from batch_layer.load.partitions import OwnMonths
from batch_layer.load.targets import Target

if TYPE_CHECKING:
    from psycopg import Connection


class Stream(NamedTuple):
    """A COPY stream in blocks, and the days (those of `Target.by`, UTC's of times) of its rows."""

    blocks: list[bytes]
    days: list[date]


def stream_of(target: Target, rows: Sequence[Sequence[Any]], source: str, known_at: datetime) -> Stream | None:
    """The rows as the table's own types; None when one cannot be written so."""
    encoders = [(name, kind.straight or kind.encode) for name, kind in target.columns.items()]
    refused: list[Refused] = []
    try:
        by = list(target.columns).index(target.by)
        days = {_day(value) for value in {row[by] for row in rows}}
        made = list(blocks(rows, encoders, refused.append, text(source), instant(known_at)))
    except (error, TypeError, ValueError, IndexError, OverflowError, OSError):
        return None
    return None if refused else Stream(made, sorted(days))


def _day(value: date | int) -> date:
    if isinstance(value, date):
        return date.fromordinal(value.toordinal())
    return datetime.fromtimestamp(value / 1000, UTC).date()


def copied(connection: "Connection", target: Target, stream: Stream, months: OwnMonths) -> bool:
    """Whether the rows are in the table now; not one is where a month or a row was there already, or a row breaks one
    of the table's rules."""
    from psycopg import DataError, IntegrityError  # noqa: PLC0415  (who loads nothing needs no driver)

    before = months.kept()
    try:
        with connection.transaction():
            if not months.make(stream.days):
                return False
            with connection.cursor() as cursor, cursor.copy(statements.copy_straight(target).encode()) as copy:
                for block in stream.blocks:
                    copy.write(block)
    except (DataError, IntegrityError):
        months.undo(before)
        return False
    return True
