"""Minutes into `bars_1m`: the partial as it is, and the bar it shows for those who read with SQL."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from batch_layer.load.rows import Loaded, load
from batch_layer.load.targets import BARS_1M
from shared.bars.algebra import present
from shared.bars.windows import NEW_YORK
from shared.frames import encode_partial
from shared.models.bar import Minute, MinuteBar

if TYPE_CHECKING:
    from psycopg import Connection

Row = tuple[Any, ...]
"""As BARS_1M has its columns."""


def load_minutes(
    connection: "Connection", day: date, minutes: Iterable[Minute], *, source: str, known_at: datetime
) -> Loaded:
    """Minutes of one trade date. `source`: who says so; `known_at`: since when we know.

    Repeats, corrections and rows that break a rule as in batch_layer/load/rows.py; a minute of another date is set
    aside as `trade_date`.
    """
    start, end = (datetime.combine(of, datetime.min.time(), NEW_YORK) for of in (day, day + timedelta(days=1)))
    rules = {f"t >= '{start.isoformat()}' AND t < '{end.isoformat()}'": "trade_date"}
    return load(connection, BARS_1M, _rows(minutes), source, known_at, rules=rules)


def load_bars_1m(connection: "Connection", bars: Iterable[MinuteBar], *, source: str, known_at: datetime) -> Loaded:
    """Minutes of any dates of which only the bar is known. Where the partial of the same bar is there, it stays."""
    return load(connection, BARS_1M, ((*bar, None, None) for bar in bars), source, known_at)


def _rows(minutes: Iterable[Minute]) -> Iterator[Row]:
    for sym, t, partial in minutes:
        bar = present(t, partial)
        prices = (None, None, None, None) if bar is None else bar[1:5]
        vwap = None if bar is None else bar.vwap
        yield sym, t, *prices, partial.volume, vwap, partial.count, partial.notional, encode_partial(partial)
