"""Days, splits, dividends and tickers in memory, with the rules of the store's read side."""

from collections.abc import Iterable
from datetime import date, datetime
from operator import attrgetter

from shared.errors import StoreUnavailable
from shared.models.daily import DailyBar, Dividend, Split, Ticker
from shared.stores.daily import ANY_SYMBOL, Symbols


class DailyRows:
    """`asked` collects the names of the reads; while `down`, every read fails as one of a database does."""

    def __init__(
        self,
        days: Iterable[DailyBar] = (),
        splits: Iterable[Split] = (),
        dividends: Iterable[Dividend] = (),
        tickers: Iterable[Ticker] = (),
    ) -> None:
        self.days = {(bar.sym, bar.day): bar for bar in days}
        self.all_splits, self.all_dividends, self.all_tickers = list(splits), list(dividends), list(tickers)
        self._before: dict[tuple[str, date], list[tuple[datetime, DailyBar | None]]] = {}
        self.asked: list[str] = []
        self.down = False

    def correct(self, bar: DailyBar, known_at: datetime) -> None:
        """Another bar of a day; until `known_at` the one that is there was known. Later corrections come later."""
        self._before.setdefault((bar.sym, bar.day), []).append((known_at, self.days.get((bar.sym, bar.day))))
        self.days[bar.sym, bar.day] = bar

    def _then(self, as_of: datetime | None) -> list[DailyBar]:
        """All days as they were known."""
        known: dict[tuple[str, date], DailyBar | None] = dict(self.days)
        if as_of is not None:
            for key, versions in self._before.items():
                known[key] = next((bar for until, bar in versions if as_of < until), known[key])
        return [bar for bar in known.values() if bar is not None]

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
        self._ask("bars")
        found = [bar for bar in self._then(as_of) if bar.sym == sym and start <= bar.day <= end]
        return sorted(found, key=attrgetter("day"), reverse=reverse)[:limit]

    def grouped(self, day: date, as_of: datetime | None = None) -> list[DailyBar]:
        self._ask("grouped")
        return sorted((bar for bar in self._then(as_of) if bar.day == day), key=attrgetter("sym"))

    def last_before(self, sym: str, day: date) -> DailyBar | None:
        self._ask("last_before")
        return max(
            (bar for (of, at), bar in self.days.items() if of == sym and at < day), key=attrgetter("day"), default=None
        )

    def splits(self, sym: str | None, as_of: datetime | None = None) -> list[Split]:
        self._ask("splits")
        return [row for row in self.all_splits if sym in (None, row.sym) and (as_of is None or row.known_at <= as_of)]

    def dividends(self, sym: str | None, as_of: datetime | None = None) -> list[Dividend]:
        self._ask("dividends")
        return [
            row for row in self.all_dividends if sym in (None, row.sym) and (as_of is None or row.known_at <= as_of)
        ]

    def ticker(self, sym: str) -> Ticker | None:
        self._ask("ticker")
        return next((row for row in self.all_tickers if row.sym == sym), None)

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
        self._ask("tickers")
        found = [
            row
            for row in self.all_tickers
            if (symbols.gt is None or row.sym > symbols.gt)
            and (symbols.gte is None or row.sym >= symbols.gte)
            and (symbols.lt is None or row.sym < symbols.lt)
            and (symbols.lte is None or row.sym <= symbols.lte)
            and active in (None, row.active)
            and (search.lower() in row.sym.lower() or search.lower() in row.name.lower())
            and kind in ("", row.kind)
            and market in ("", row.market)
            and exchange in ("", row.exchange)
        ]
        return sorted(found, key=attrgetter(order, "sym"), reverse=reverse)[:limit]

    def _ask(self, name: str) -> None:
        self.asked.append(name)
        if self.down:
            raise StoreUnavailable("postgres: connection to server at 10.0.0.7 failed")
