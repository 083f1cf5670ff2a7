"""Signals in memory, with SignalStore's rules: what it answers the table answers (tests/unit/shared/stores)."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime

from shared.models.signal import Signal, StoredSignal
from shared.stores.signals import Position


class SignalRows:
    """`before(call)` is asked before every call and may raise. `inserted`: ids in order of insertion."""

    def __init__(self, before: Callable[[str], None] = lambda call: None) -> None:
        self.rows: dict[str, StoredSignal] = {}
        self.inserted: list[str] = []
        self.before = before

    def insert(self, signal: Signal, now_ms: int, record: str) -> StoredSignal:
        self.before("insert")
        if signal.id not in self.rows:
            self.rows[signal.id] = StoredSignal(*signal, "active", now_ms, record)
            self.inserted.append(signal.id)
        return self.rows[signal.id]

    def activate(self, signal: Signal, now_ms: int) -> bool:
        self.before("activate")
        held = self.rows[signal.id]
        if (held.status, held.side, held.price) == ("active", signal.side, signal.price):
            return False
        self.rows[signal.id] = held._replace(status="active", side=signal.side, price=signal.price, known_at=now_ms)
        return True

    def withdraw(self, signal: Signal, now_ms: int) -> bool:
        self.before("withdraw")
        held = self.rows[signal.id]
        if held.status == "withdrawn":
            return False
        self.rows[signal.id] = held._replace(status="withdrawn", known_at=now_ms)
        return True

    def put_many(self, signals: Iterable[StoredSignal]) -> int:
        given = {signal.id: signal for signal in signals}
        self.rows.update(given)
        return len(given)

    def of_symbol(
        self, sym: str, start: int, end: int, *, after: Position | None = None, reverse: bool = False
    ) -> Iterator[StoredSignal]:
        self.before("query")
        places = {row.id: Position(row.t, row.id) for row in self.rows.values() if row.sym == sym}
        return self._ordered(places, start, end, after=after, reverse=reverse)

    def known_on(
        self, day: date, start: int, end: int, *, after: Position | None = None, reverse: bool = False
    ) -> Iterator[StoredSignal]:
        self.before("query")
        on_day = [row for row in self.rows.values() if _day(row.known_at) == day]
        places = {row.id: Position(row.known_at, row.id) for row in on_day}
        return self._ordered(places, start, end, after=after, reverse=reverse)

    def _ordered(
        self, places: dict[str, Position], start: int, end: int, *, after: Position | None, reverse: bool
    ) -> Iterator[StoredSignal]:
        for place in sorted(places.values(), reverse=reverse):
            behind = after is None or (place < after if reverse else place > after)
            if behind and start <= place.at < end:
                yield self.rows[place.id]


def _day(at_ms: int) -> date:
    return datetime.fromtimestamp(at_ms // 1000, UTC).date()
