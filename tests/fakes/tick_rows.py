"""Ticks in memory, with TickStore's rules but for chunks (tests/unit/shared/stores/test_ticks.py)."""

from collections.abc import Iterable, Iterator

from shared.bars.windows import END_OF_TIME_MS
from shared.errors import StoreUnavailable
from shared.frames import Part, TradeRow
from shared.stores.ticks import order_of


class TickRows:
    """`reads` counts the trades handed out, to show that a reader stops early; `down` makes every call fail."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[tuple[int, int, int, str], TradeRow]] = {}
        self.puts: list[str] = []
        self.reads = 0
        self.down = False

    def put(self, parts: Iterable[Part], first_sequence: str, now_s: int) -> None:
        self._answer()
        self.puts.append(first_sequence)
        for part in parts:
            for row in part.trades:
                self.add(part.sym, row)

    def add(self, sym: str, row: TradeRow) -> None:
        """One trade, unless it is there already."""
        self._rows.setdefault(sym, {}).setdefault((row.t // 60_000, row.x, row.trfi, row.i), row)

    def trades(self, sym: str, from_ms: int, to_ms: int, now_s: int, *, reverse: bool = False) -> Iterator[TradeRow]:
        self._answer()
        for row in sorted(self._rows.get(sym, {}).values(), key=order_of, reverse=reverse):
            if from_ms <= row.t < to_ms:
                self.reads += 1
                yield row

    def newest(self, sym: str, now_s: int) -> TradeRow | None:
        return next(self.trades(sym, 0, END_OF_TIME_MS, now_s, reverse=True), None)

    def _answer(self) -> None:
        if self.down:
            raise StoreUnavailable("ticks table: down")
