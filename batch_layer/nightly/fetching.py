"""What of a trade date is asked of the vendor, and in which calls."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from heapq import nlargest

from batch_layer.fetch.units import Fetched, Unit
from batch_layer.nightly.landing import Told
from shared.models.daily import DailyBar

ACTIONS_BEFORE_DAYS = 7
"""Corporate actions that took effect so many days before the trade date are asked for again: some are told late."""
LISTINGS_WEEKDAY = 0
"""The whole market's listings take dozens of calls, and are asked for on Mondays."""


def units_of(day: date, symbols: Sequence[str] | None, asked: date) -> Iterator[Unit]:
    """None = the whole market. `asked`: today."""
    since = day - timedelta(days=ACTIONS_BEFORE_DAYS)
    yield Unit("grouped", start=day, end=day)
    yield Unit("splits", start=since, asked=asked)
    yield Unit("dividends", start=since, asked=asked)
    if symbols is not None:
        yield from (Unit("ticker", sym, asked=asked) for sym in symbols)
    elif day.weekday() == LISTINGS_WEEKDAY:
        yield from (Unit("tickers", asked=asked), Unit("delisted", asked=asked))


def fetch_all(units: Iterator[Unit], fetch: Callable[[Unit], Fetched]) -> Fetched:
    """All of it as one. Raises what `fetch` raises."""
    parts = [fetch(unit) for unit in units]
    return Fetched(*([row for rows in of_a_kind for row in rows] for of_a_kind in zip(*parts, strict=True)))


def compared(bars: Iterable[DailyBar], symbols: Collection[str] | None, most: int) -> list[str]:
    """Of which symbols the vendor's minutes are compared with ours: those that were traded most, in order of symbol."""
    known = [bar for bar in bars if symbols is None or bar.sym in symbols]
    return sorted(bar.sym for bar in nlargest(most, known, key=lambda bar: bar.volume))


def counts(told: Told, known_at: datetime) -> dict[str, object]:
    """For the run's ledger."""
    rows = {name: len(rows) for name, rows in told.fetched._asdict().items() if rows}
    return {"known_at": known_at.isoformat(), **rows, "minutes": len(told.minutes)}
