"""Minutes of the batch view, from PostgreSQL: the partials that were loaded, exactly.

Where a source gave the bar alone, a partial is made of it: opened at the minute's start, closed at its end.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from shared.bars.algebra import VWAP_DIVISOR, key_of
from shared.bars.scale import NOTIONAL_DIGITS, PRICE_SCALE, SIZE_SCALE
from shared.bars.windows import END_OF_TIME_MS, MINUTE_MS, new_york_date
from shared.frames import read_partial
from shared.models.bar import Partial
from shared.polygon.numbers import VWAP_DIGITS
from shared.stores.postgres import Postgres

PAGE_ROWS = 5_000
"""Minutes read at a time, at most: as many as a page of bars has by default."""
LAST_SEQUENCE = 10**12 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BAR = ", ".join(
    (
        *(f"{name} * {PRICE_SCALE}" for name in ("open", "high", "low", "close")),
        f"volume * {SIZE_SCALE}, notional * 1e{NOTIONAL_DIGITS}, vwap * {10**VWAP_DIGITS}, count",
    )
)
_COLUMNS = f"(extract(epoch FROM t) * 1000)::bigint, partial, CASE WHEN partial IS NULL THEN ARRAY[{_BAR}] END"
_NOW = "bars_1m WHERE sym = %s AND t >= %s AND t < %s"
_KNOWN_THEN = """(
    SELECT DISTINCT ON (t) * FROM bars_1m_versions
    WHERE sym = %s AND t >= %s AND t < %s AND day BETWEEN %s AND %s AND known_at <= %s
    ORDER BY t, known_at DESC, revision DESC
) known"""


class MinuteStore:
    """Raises StoreUnavailable when the database does not answer in time."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def minutes(
        self, sym: str, start_ms: int, end_ms: int, *, reverse: bool = False, as_of: datetime | None = None
    ) -> Iterator[tuple[int, Partial]]:
        """(minute, partial) of [start, end), Unix ms, in order of time or against it; `as_of`: what was known then.

        Lazy, page by page: a reader that stops early stops the paging. Each page is one statement, so a load that is
        committed meanwhile shows from the next page on.
        """
        start, end = max(start_ms, 0), min(end_ms, END_OF_TIME_MS)
        while start < end:
            rows = self._page(sym, start, end, reverse=reverse, as_of=as_of)
            for t, text, bar in rows:
                yield t, read_partial(text) if text is not None else partial_of(t, bar)
            if len(rows) < PAGE_ROWS:
                return
            last = rows[-1][0]
            start, end = (start, last) if reverse else (last + MINUTE_MS, end)

    def _page(self, sym: str, start: int, end: int, *, reverse: bool, as_of: datetime | None) -> list[tuple[Any, ...]]:
        order = f"ORDER BY t {'DESC' if reverse else 'ASC'} LIMIT {PAGE_ROWS}"
        span = (sym, _instant(start), _instant(end))
        if as_of is None:
            found, known = _NOW, tuple[object, ...]()
        else:
            found, known = _KNOWN_THEN, (new_york_date(start), new_york_date(end - 1), as_of)
        query = f"SELECT {_COLUMNS} FROM {found} {order}"  # noqa: S608  (names are ours; values travel apart)
        return self._postgres.rows(query, (*span, *known))


def partial_of(t: int, bar: Sequence[Decimal | None]) -> Partial:
    """The partial of a bar of which no more is known: open, high, low, close, volume, notional, vwap, count, scaled.

    Without notional and VWAP every share is taken to have been traded at the mean of high, low and close.
    """
    first, high, low, last, volume, notional, vwap, count = (None if value is None else int(value) for value in bar)
    shares = volume or 0
    if first is None or high is None or low is None or last is None:
        return Partial(volume=shares, notional=notional or 0, count=count or 0)
    if notional is None:
        notional = shares * (high + low + last) // 3 if vwap is None else vwap * VWAP_DIVISOR * shares
    return Partial(
        first=key_of((t, 0, first, 0, 0)),
        last=key_of((t + MINUTE_MS - 1, LAST_SEQUENCE, last, 0, 0)),
        high=high,
        low=low,
        volume=shares,
        notional=notional,
        count=count or 0,
    )


def _instant(t_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=t_ms)
