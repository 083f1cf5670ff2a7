"""A feed without trades: it has ended when it begins."""

from collections.abc import Callable

from local_dev.vendor.audience import Audience
from local_dev.vendor.connection import Connection
from local_dev.vendor.feed import ENDED
from local_dev.vendor.rest import Page
from local_dev.vendor.trade_query import TradeQuery


class Silence(Audience):
    def subscribed(self, connection: Connection) -> None:
        connection.post(ENDED)
        super().subscribed(connection)

    async def _play(self) -> None:
        """Nothing to send."""


class NoTrades:
    """A source for RestSide. `now_ms` gives the clock, Unix ms."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms

    async def page(self, ticker: str, query: TradeQuery) -> Page:  # the protocol's names
        return Page([], None)

    async def last_trades(self, names: list[str]) -> list[bytes]:  # the same
        return []

    def state(self) -> dict[str, object]:
        return {"clock_ms": self._now_ms(), "sent": 0, "total": 0, "ended": True, "held": False, "clients": 0}
