"""What a fetch brought, all kinds of rows, into their tables; what could not be read goes to quarantine."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from batch_layer.fetch.units import Fetched, Refused
from batch_layer.load.rows import Loaded, load_daily, load_dividends, load_splits, load_tickers
from batch_layer.load.statements import QUARANTINE

if TYPE_CHECKING:
    from psycopg import Connection


def load_fetched(
    connection: "Connection[tuple[Any, ...]]", relation: str, fetched: Fetched, *, source: str, known_at: datetime
) -> Loaded:
    """In the caller's transaction. `relation`: the table that rows which could not be read were meant for."""
    told: dict[str, Any] = {"source": source, "known_at": known_at}
    return (
        set_aside(connection, relation, fetched.refused, **told)
        .plus(load_daily(connection, fetched.bars, **told))
        .plus(load_splits(connection, fetched.splits, **told))
        .plus(load_dividends(connection, fetched.dividends, **told))
        .plus(load_tickers(connection, fetched.tickers, **told))
    )


def set_aside(
    connection: "Connection[tuple[Any, ...]]",
    relation: str,
    refused: Sequence[Refused],
    *,
    source: str,
    known_at: datetime,
) -> Loaded:
    """Rows that the fetcher could not read, with their bytes as text."""
    rows = [(relation, one.reason, _text(one.row), source, known_at) for one in refused]
    with connection.cursor() as cursor:
        cursor.executemany(QUARANTINE, rows)
    return Loaded(rows=len(rows), reasons=Counter(one.reason for one in refused))


def _text(row: bytes) -> str:
    """What PostgreSQL's text can hold of any bytes."""
    return row.decode(errors="backslashreplace").replace("\0", "\\0")
