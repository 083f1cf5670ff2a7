"""Settled dates in memory, with SettledStore's rules; threads may share one."""

from collections.abc import Mapping
from datetime import date, datetime
from threading import Lock

from shared.stores.settled import Settled


class SettledDates:
    """`asked` collects the ranges that were looked up."""

    def __init__(self) -> None:
        self._days: dict[tuple[str, date], Settled] = {}
        self._lock = Lock()
        self.asked: list[tuple[date, date]] = []

    def settle(self, timeframe: str, day: date, *, known_at: datetime, source: str) -> bool:
        with self._lock:
            held = self._days.get((timeframe, day))
            if held is not None and held.known_at > known_at:
                return False
            self._days[timeframe, day] = Settled(known_at, source, held.since if held else known_at)
            return True

    def days(self, timeframe: str, first: date, last: date) -> Mapping[date, Settled]:
        with self._lock:
            self.asked.append((first, last))
            return {
                day: settled
                for (of, day), settled in sorted(self._days.items())
                if of == timeframe and first <= day <= last
            }
