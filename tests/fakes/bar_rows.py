"""Speed rows in memory, with BarStore's rules: what it answers the table answers (tests/unit/shared/stores)."""

from collections.abc import Iterable, Iterator

from shared.bars.windows import HOUR_MS
from shared.models.bar import Partial
from shared.stores.bars import LatePart, MinuteItem
from shared.stores.packed import unpack


class BarRows:
    """`reads` counts the minutes handed out, to show that a reader stops early."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[int, MinuteItem]] = {}
        self._packed: dict[str, dict[int, Partial]] = {}
        self.reads = 0

    def put_base(self, sym: str, t: int, base: Partial, now_s: int) -> bool:
        held = self._row(sym, t)
        if held.base is not None and held.base.count > base.count:
            return False
        self._rows[sym][t] = held._replace(base=base)
        return True

    def put_late(self, sym: str, t: int, part_id: str, late: LatePart, now_s: int) -> bool:
        held = self._row(sym, t)
        if part_id in held.late:
            return False
        self._rows[sym][t] = held._replace(late={**held.late, part_id: late})
        return True

    def put_packed(self, hours: Iterable[tuple[str, int, bytes]], now_s: int) -> None:
        for sym, hour, data in hours:
            kept = {t: partial for t, partial in self._packed.get(sym, {}).items() if not hour <= t < hour + HOUR_MS}
            self._packed[sym] = kept | unpack(hour, data)

    def minutes(self, sym: str, start: int, end: int, now_s: int, *, reverse: bool = False) -> Iterator[MinuteItem]:
        rows, packed = self._rows.get(sym, {}), self._packed.get(sym, {})
        for t in sorted({*rows, *packed}, reverse=reverse):
            if start <= t < end:
                self.reads += 1
                row, below = rows.get(t, MinuteItem(t, None, {})), packed.get(t)
                if below is not None and (row.base is None or row.base.count < below.count):
                    row = row._replace(base=below)
                yield row

    def _row(self, sym: str, t: int) -> MinuteItem:
        return self._rows.setdefault(sym, {}).setdefault(t, MinuteItem(t, None, {}))
