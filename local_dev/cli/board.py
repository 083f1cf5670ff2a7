"""What is known of each watched symbol: its last trade, day, minute and signal, whichever order the news comes in."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

NS_PER_MS: Final = 1_000_000


@dataclass
class Row:
    """Prices in USD, sizes and volumes in shares, times in Unix ms; None: not known yet."""

    sym: str
    price: Decimal | None = None
    size: Decimal | None = None
    traded: tuple[int, int] = (0, 0)
    """Time and sequence of the last trade."""
    previous: Decimal | None = None
    """The close of the trade date before."""
    volume: Decimal | None = None
    volume_ms: int = 0
    """When the volume of the day was as said."""
    minute: Mapping[str, Any] | None = None
    """The last minute bar as pushed."""
    signal: Mapping[str, Any] | None = None
    """The signal of the latest bar."""

    @property
    def change(self) -> Decimal | None:
        return None if self.price is None or self.previous is None else self.price - self.previous

    @property
    def percent(self) -> Decimal | None:
        return 100 * self.change / self.previous if self.change is not None and self.previous else None


Taker = Callable[[Row, Mapping[str, Any]], bool]
"""Puts news into a row; whether it was any."""


class Board:
    """`symbols` empty: every symbol that is heard of."""

    def __init__(self, symbols: Iterable[str]) -> None:
        self._rows = {sym: Row(sym) for sym in symbols}
        self._changed: set[str] = set()
        self.unreadable = 0
        """Events that could not be understood."""
        self._takers = {"T": _take_trade, "A": _take_second, "AM": _take_minute, "S": _take_signal}

    def rows(self) -> list[Row]:
        return [row for _, row in sorted(self._rows.items())]

    def changed(self) -> list[Row]:
        """Rows with news since the last call."""
        changed, self._changed = self._changed, set()
        return [self._rows[sym] for sym in sorted(changed)]

    def take(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Events of the socket; an older one never undoes a newer one."""
        for event in events:
            take = self._takers.get(event.get("ev", ""))
            if take is not None:
                try:
                    self._note(self._row(event["sym"]), take, event)
                except (KeyError, TypeError, ArithmeticError):
                    self.unreadable += 1

    def take_snapshots(self, snapshots: Iterable[Mapping[str, Any]]) -> None:
        """As the REST API gives them."""
        for snapshot in snapshots:
            self._note(self._row(snapshot["ticker"]), _take_snapshot, snapshot)

    def take_signals(self, signals: Iterable[Mapping[str, Any]]) -> None:
        """As the REST API gives them."""
        for signal in signals:
            self._note(self._row(signal["ticker"]), _take_signal, signal)

    def _note(self, row: Row, take: Taker, said: Mapping[str, Any]) -> None:
        if take(row, said):
            self._changed.add(row.sym)

    def _row(self, sym: str) -> Row:
        if sym not in self._rows:
            self._rows[sym] = Row(sym)
        return self._rows[sym]


def _take_snapshot(row: Row, snapshot: Mapping[str, Any]) -> bool:
    before = replace(row)
    row.previous = _number(snapshot.get("prevDay", {}).get("c")) or row.previous
    at_ms, volume = snapshot.get("updated", 0) // NS_PER_MS, snapshot.get("day", {}).get("v")
    if volume is not None and at_ms >= row.volume_ms:
        row.volume, row.volume_ms = _number(volume), at_ms
    last = snapshot.get("lastTrade")
    if last is not None and (last["t"] // NS_PER_MS, 0) > row.traded:
        row.price, row.size, row.traded = _number(last["p"]), _number(last["s"]), (last["t"] // NS_PER_MS, 0)
    return row != before


def _take_trade(row: Row, event: Mapping[str, Any]) -> bool:
    traded = (event["t"], event["q"])
    if traded < row.traded:
        return False
    row.price, row.size, row.traded = _number(event["p"]), _number(event.get("ds", event["s"])), traded
    return True


def _take_second(row: Row, event: Mapping[str, Any]) -> bool:
    volume = event.get("dav", event.get("av"))
    if volume is None or event["e"] < row.volume_ms:
        return False
    row.volume, row.volume_ms = _number(volume), event["e"]
    return True


def _take_minute(row: Row, event: Mapping[str, Any]) -> bool:
    """A minute that was revised comes again, with the same start."""
    news = _take_second(row, event)
    if row.minute is not None and event["s"] < row.minute["s"]:
        return news
    row.minute = event
    return True


def _take_signal(row: Row, signal: Mapping[str, Any]) -> bool:
    """The one of the latest bar stays, also when it is withdrawn."""
    if row.signal is not None and signal["t"] < row.signal["t"]:
        return False
    news = row.signal is None or (row.signal["t"], row.signal.get("status")) != (signal["t"], signal.get("status"))
    row.signal = signal
    return news


def _number(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)
