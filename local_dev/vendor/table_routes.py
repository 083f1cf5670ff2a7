"""The REST routes that tables answer."""

from collections.abc import Callable

from local_dev.vendor.bar_side import GROUPED_PATH, RANGE_PATH, BarSide
from local_dev.vendor.market_side import HOLIDAYS_PATH, STATUS_PATH, MarketSide
from local_dev.vendor.reference_side import DIVIDENDS_PATH, SPLITS_PATH, TICKER_PATH, TICKERS_PATH, ReferenceSide
from local_dev.vendor.rest import Answer
from local_dev.vendor.tables import Tables
from shared.bars.sessions import SessionTable, new_york_sessions


def table_routes(tables: Tables, traded: list[str], now_ms: Callable[[], int]) -> dict[str, Answer]:
    """Path -> what answers it, bars included. `traded`: symbols with trades; `now_ms`: the feed's clock, Unix ms."""
    sessions = new_york_sessions()
    bars = BarSide(tables, sessions)
    return {RANGE_PATH: bars.custom, GROUPED_PATH: bars.grouped} | reference_routes(tables, traded, sessions, now_ms)


def reference_routes(
    tables: Tables, traded: list[str], sessions: SessionTable, now_ms: Callable[[], int]
) -> dict[str, Answer]:
    """The same without bars, for a market whose bars are in no table."""
    reference, market = ReferenceSide(tables, traded), MarketSide(sessions, now_ms)
    return {
        SPLITS_PATH: reference.splits,
        DIVIDENDS_PATH: reference.dividends,
        TICKERS_PATH: reference.tickers,
        TICKER_PATH: reference.ticker,
        STATUS_PATH: market.status,
        HOLIDAYS_PATH: market.holidays,
    }
