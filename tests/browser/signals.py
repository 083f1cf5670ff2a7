"""Signals of the fake platform: a few on one symbol, at fixed distances before the start, one of them withdrawn."""

from collections.abc import Mapping
from typing import Any

SYMBOL = "ALFA"
_PAST = (  # minutes before the start, strategy, side, withdrawn
    (18, "rsi_reversal", "buy", False),
    (41, "macd_cross", "sell", True),
    (64, "ema_channel", "buy", False),
    (95, "volume_spike", "sell", False),
    (1_500, "opening_range_breakout", "buy", False),
)


class SignalBook:
    """By id, as the signals route gives them."""

    def __init__(self, now: int) -> None:
        minute = now - now % 60
        self._by_id: dict[str, dict[str, Any]] = {}
        for before, strategy, side, withdrawn in _PAST:
            self.add(strategy, (minute - before * 60) * 1000, side, withdrawn=withdrawn)

    def add(self, strategy: str, t: int, side: str, *, withdrawn: bool = False, ticker: str = SYMBOL) -> dict[str, Any]:
        """Keep a signal of minute bars; the event that tells of it. The same again changes its state."""
        id_ = f"{strategy}-{ticker}-{t}"
        row = {
            "id": id_,
            "ticker": ticker,
            "strategy": strategy,
            "params": {},
            "timeframe": "1m",
            "t": t,
            "side": side,
            "price": "182.4",
            "status": "withdrawn" if withdrawn else "active",
            "known_at": t + (90_000 if withdrawn else 62_000),
        }
        self._by_id[id_] = row
        return {
            "ev": "S",
            "sym": ticker,
            "id": id_,
            "strategy": strategy,
            "tf": "1m",
            "t": t,
            "side": side,
            "p": 182.4,
            "status": row["status"],
            "k": row["known_at"],
        }

    def answer(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        found = [
            row
            for row in self._by_id.values()
            if row["ticker"] == query.get("ticker", row["ticker"])
            and row["timeframe"] == query.get("timeframe", row["timeframe"])
        ]
        return sorted(found, key=lambda row: row["t" if "ticker" in query else "known_at"], reverse=True)
