"""The REST routes that tables answer."""

from collections.abc import Callable

from local_dev.vendor.bar_side import GROUPED_PATH, RANGE_PATH, BarSide
from local_dev.vendor.bar_source import BarSource, TableBars
from local_dev.vendor.market_side import HOLIDAYS_PATH, STATUS_PATH, MarketSide
from local_dev.vendor.reference_side import DIVIDENDS_PATH, SPLITS_PATH, TICKER_PATH, TICKERS_PATH, ReferenceSide
from local_dev.vendor.rest import Answer
from local_dev.vendor.tables import Tables
from shared.bars.sessions import SessionTable, new_york_sessions


def table_routes(tables: Tables, traded: list[str], now_ms: Callable[[], int]) -> dict[str, Answer]:
    """Path -> what answers it. `traded`: symbols with trades; `now_ms`: the feed's clock, Unix ms."""
    return market_routes(TableBars(tables), tables, traded, new_york_sessions(), now_ms)


def market_routes(
    source: BarSource, tables: Tables, traded: list[str], sessions: SessionTable, now_ms: Callable[[], int]
) -> dict[str, Answer]:
    """The same for bars of any source, on a market with these sessions."""
    bars = BarSide(source, tables.actions, sessions)
    reference, market = ReferenceSide(tables, traded), MarketSide(sessions, now_ms)
    return {
        RANGE_PATH: bars.custom,
        GROUPED_PATH: bars.grouped,
        SPLITS_PATH: reference.splits,
        DIVIDENDS_PATH: reference.dividends,
        TICKERS_PATH: reference.tickers,
        TICKER_PATH: reference.ticker,
        STATUS_PATH: market.status,
        HOLIDAYS_PATH: market.holidays,
    }
