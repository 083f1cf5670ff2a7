"""The newest trade of each symbol, noted as parts are framed: one look-up a part, nothing a trade."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from shared.frames import TradeRow, trade_of_row
from shared.models.trade import Trade

_t_and_q = itemgetter(0, 1)


class NewestTrades:
    """What `take` hands out is forgotten; `symbols` are all that were ever seen."""

    def __init__(self) -> None:
        self.symbols: set[str] = set()
        self._newest: dict[str, tuple[int, list[Sequence[tuple[Any, ...]]]]] = {}

    def see(self, sym: str, sec: int, trades: Sequence[tuple[Any, ...]]) -> None:
        """Trades of one symbol in one event second, in any order, as the wire's rows."""
        held = self._newest.get(sym)
        if held is None:
            self.symbols.add(sym)
        elif sec < held[0]:
            return
        elif sec == held[0]:
            held[1].append(trades)
            return
        self._newest[sym] = (sec, [trades])

    def take(self) -> list[Trade]:
        """Of each symbol seen since the last call, the newest of those trades by (t, q)."""
        newest, self._newest = self._newest, {}
        return [
            trade_of_row(sym, TradeRow(*max((row for trades in seen for row in trades), key=_t_and_q)))
            for sym, (_, seen) in newest.items()
        ]
