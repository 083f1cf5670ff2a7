"""Signals in memory, with SignalStore's rules: what it answers the table answers (tests/unit/shared/stores)."""

from collections.abc import Callable, Iterator

from shared.models.signal import Signal, StoredSignal


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

    def of_symbol(self, sym: str, start: int, end: int) -> Iterator[StoredSignal]:
        self.before("query")
        inside = [row for row in self.rows.values() if row.sym == sym and start <= row.t < end]
        return iter(sorted(inside, key=lambda row: (row.t, row.id)))
