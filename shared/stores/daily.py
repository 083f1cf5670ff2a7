"""Daily bars, splits, dividends and tickers as they are read: from PostgreSQL, as scaled integers, raw.

`as_of`: what was known then, from the rows and from what they were before their corrections.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from shared.bars.scale import PRICE_SCALE, SIZE_SCALE
from shared.models.daily import DailyBar, Dividend, Split, Ticker
from shared.polygon.numbers import VWAP_DIGITS
from shared.stores.postgres import Postgres

_BAR = ", ".join(
    (
        "sym, day",
        *(f"({name} * {PRICE_SCALE})::bigint" for name in ("open", "high", "low", "close")),
        f"(volume * {SIZE_SCALE})::bigint, (vwap * {10**VWAP_DIGITS})::bigint, count",
    )
)
_TICKER = ", ".join(Ticker._fields)
NEAR_DAYS = 60
"""How far back the last bar before a date is looked for first."""
ORDERED = ("sym", "name", "market", "locale", "exchange", "kind", "active", "currency", "cik", "updated", "delisted")
"""Columns of tickers that a list may be ordered by."""


class Symbols(NamedTuple):
    """A range of symbols in byte order; None leaves that side open."""

    gt: str | None = None
    gte: str | None = None
    lt: str | None = None
    lte: str | None = None


ANY_SYMBOL = Symbols()


class DailyStore:
    """Raises StoreUnavailable when the database does not answer in time."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def bars(
        self,
        sym: str,
        start: date,
        end: date,
        *,
        reverse: bool = False,
        limit: int | None = None,
        as_of: datetime | None = None,
    ) -> list[DailyBar]:
        """Bars of [start, end], both included, by day or against it; the first `limit` of them."""
        table, known = ("bars_1d", ()) if as_of is None else (_known_then("bars_1d", "sym, day"), (as_of,))
        return self._bars(
            f"FROM {table} WHERE sym = %s AND day BETWEEN %s AND %s ORDER BY day {_direction(reverse)} LIMIT %s",
            (*known, sym, start, end, limit),
        )

    def grouped(self, day: date, as_of: datetime | None = None) -> list[DailyBar]:
        """The bars of all symbols on a trade date, by symbol."""
        table, known = ("bars_1d", ()) if as_of is None else (_known_then("bars_1d", "sym, day"), (as_of,))
        return self._bars(f"FROM {table} WHERE day = %s ORDER BY sym", (*known, day))

    def last_before(self, sym: str, day: date) -> DailyBar | None:
        """The last bar of a symbol before a date; most are near, and a few months are found sooner than all of them."""
        near = date.fromordinal(max(1, day.toordinal() - NEAR_DAYS))
        last = "FROM bars_1d WHERE sym = %s AND day >= %s AND day < %s ORDER BY day DESC LIMIT 1"
        found = self._bars(last, (sym, near, day)) or self._bars(last, (sym, date.min, near))
        return found[0] if found else None

    def splits(self, sym: str | None, as_of: datetime | None = None) -> list[Split]:
        """By symbol and day, those announced for later included. Of one split under several ids the first by id."""
        table, known = ("splits", ()) if as_of is None else (_known_then("splits", "id"), (as_of,))
        rows = self._postgres.rows(
            f"SELECT DISTINCT ON (sym, day, split_from, split_to) {', '.join(Split._fields)}"
            f" FROM {table} WHERE {_of(sym)} ORDER BY sym, day, split_from, split_to, id",
            (*known, *_given(sym)),
        )
        return [Split(*row) for row in rows]

    def dividends(self, sym: str | None, as_of: datetime | None = None) -> list[Dividend]:
        """By symbol, day and id, those announced for later included."""
        table, known = ("dividends", ()) if as_of is None else (_known_then("dividends", "id"), (as_of,))
        rows = self._postgres.rows(
            f"SELECT {', '.join(Dividend._fields)} FROM {table} WHERE {_of(sym)} ORDER BY sym, day, id",
            (*known, *_given(sym)),
        )
        return [Dividend(*row) for row in rows]

    def ticker(self, sym: str) -> Ticker | None:
        rows = self._postgres.rows(f"SELECT {_TICKER} FROM tickers WHERE sym = %s", (sym,))
        return Ticker(*rows[0]) if rows else None

    def tickers(
        self,
        symbols: Symbols = ANY_SYMBOL,
        *,
        active: bool | None = None,
        search: str = "",
        kind: str = "",
        market: str = "",
        exchange: str = "",
        order: str = "sym",
        reverse: bool = False,
        limit: int | None = None,
    ) -> list[Ticker]:
        """Listings that fit all that is given; `search`: part of symbol or name, in any case. `order`: of ORDERED, then
        by symbol; what has no such value comes last."""
        if order not in ORDERED:
            raise ValueError(f"order must be one of {', '.join(ORDERED)}, was {order}")
        equal = {"active": active, "kind": kind or None, "market": market or None, "exchange": exchange or None}
        found = f"%{_literal(search)}%"
        conditions: list[tuple[str, tuple[object, ...]]] = [
            *((f"{name} = %s", (value,)) for name, value in equal.items() if value is not None),
            *((f"sym {_SIGNS[name]} %s", (value,)) for name, value in symbols._asdict().items() if value is not None),
            *([("(sym ILIKE %s OR name ILIKE %s)", (found, found))] if search else []),
        ]
        where = " AND ".join(["true", *(condition for condition, _ in conditions)])
        direction = _direction(reverse)
        rows = self._postgres.rows(
            f"SELECT {_TICKER} FROM tickers WHERE {where}"
            f" ORDER BY {order} {direction} NULLS LAST, sym {direction} LIMIT %s",
            (*(value for _, values in conditions for value in values), limit),
        )
        return [Ticker(*row) for row in rows]

    def _bars(self, rest: str, parameters: Sequence[object]) -> list[DailyBar]:
        return list(map(DailyBar._make, self._postgres.rows(f"SELECT {_BAR} {rest}", parameters)))


_SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def _known_then(relation: str, keys: str) -> str:
    """The rows of a table as they were known at a time, which is the one parameter."""
    return f"""(
        SELECT DISTINCT ON ({keys}) * FROM {relation}_versions
        WHERE known_at <= %s ORDER BY {keys}, known_at DESC, revision DESC
    ) known"""


def _of(sym: str | None) -> str:
    return "true" if sym is None else "sym = %s"


def _given(sym: str | None) -> tuple[Any, ...]:
    return () if sym is None else (sym,)


def _direction(reverse: bool) -> str:
    return "DESC" if reverse else "ASC"


def _literal(search: str) -> str:
    """Text in which LIKE finds no wildcards."""
    return search.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
