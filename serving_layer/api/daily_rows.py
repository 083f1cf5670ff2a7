"""What the API asks of the store of days and of companies (shared/stores/daily.py answers it)."""

from datetime import date, datetime
from typing import Protocol

from shared.models.daily import DailyBar, Dividend, Split, Ticker
from shared.stores.daily import ANY_SYMBOL, Symbols


class DailyRows(Protocol):
    """Raw days, corporate actions and listed symbols; raises StoreUnavailable."""

    def bars(
        self,
        sym: str,
        start: date,
        end: date,
        *,
        reverse: bool = False,
        limit: int | None = None,
        as_of: datetime | None = None,
    ) -> list[DailyBar]: ...
    def grouped(self, day: date, as_of: datetime | None = None) -> list[DailyBar]: ...
    def last_before(self, sym: str, day: date) -> DailyBar | None: ...
    def splits(self, sym: str | None, as_of: datetime | None = None) -> list[Split]: ...
    def dividends(self, sym: str | None, as_of: datetime | None = None) -> list[Dividend]: ...
    def ticker(self, sym: str) -> Ticker | None: ...
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
    ) -> list[Ticker]: ...
