"""Speed rows in memory, with BarStore's rules: what it answers the table answers (tests/unit/shared/stores)."""

from collections.abc import Iterator

from shared.models.bar import Partial
from shared.stores.bars import LatePart, MinuteItem


class BarRows:
    """`reads` counts the minutes handed out, to show that a reader stops early."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[int, MinuteItem]] = {}
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

    def minutes(self, sym: str, start: int, end: int, now_s: int, *, reverse: bool = False) -> Iterator[MinuteItem]:
        rows = self._rows.get(sym, {})
        for t in sorted(rows, reverse=reverse):
            if start <= t < end:
                self.reads += 1
                yield rows[t]

    def _row(self, sym: str, t: int) -> MinuteItem:
        return self._rows.setdefault(sym, {}).setdefault(t, MinuteItem(t, None, {}))
