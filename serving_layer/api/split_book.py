"""Splits of symbols, as they adjust bars at the feed's time, each looked up once a minute at most."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import TypeVar, cast

from serving_layer.api.daily_rows import DailyRows
from serving_layer.api.market import Market
from shared.bars.adjust import NO_SPLITS, Adjustment, usable
from shared.bars.windows import new_york_date
from shared.models.daily import Split

T = TypeVar("T")

KEPT_S = 60.0
MOST_KEPT = 20_000
"""Answers that a process remembers: of symbols, and of moments asked about."""


class SplitBook:
    """Raises StoreUnavailable: a bar that should be adjusted is never shown raw. `now_s`: this host's Unix seconds."""

    def __init__(self, rows: DailyRows, market: Market, now_s: Callable[[], float]) -> None:
        self._rows, self._market, self._now_s = rows, market, now_s
        self._kept: dict[Hashable, tuple[float, object]] = {}

    def splits(self, sym: str | None, as_of: datetime | None) -> Sequence[Split]:
        """Every row of a symbol, or of all, as it was known at a moment (None: now), also what is not in force yet."""
        return self._remembered(("rows", sym, as_of), lambda: self._rows.splits(sym, as_of))

    def of(self, sym: str, as_of: datetime | None) -> Adjustment:
        """What adjusts the bars of a symbol."""
        today = self._today()
        return self._remembered(
            (sym, as_of, today), lambda: Adjustment(self._in_force(sym, self.splits(sym, as_of), as_of, today))
        )

    def of_all(self, as_of: datetime | None) -> Callable[[str], Adjustment]:
        """What adjusts the bars of any symbol, from one look at all splits."""
        today = self._today()

        def make() -> Mapping[str, Adjustment]:
            ordered = sorted(self.splits(None, as_of), key=lambda split: split.sym)
            return {
                sym: Adjustment(self._in_force(sym, list(some), as_of, today))
                for sym, some in groupby(ordered, key=lambda split: split.sym)
            }

        found = self._remembered(("all", as_of, today), make)
        return lambda sym: found.get(sym, NO_SPLITS)

    def _in_force(self, sym: str, splits: Sequence[Split], as_of: datetime | None, today: date) -> list[Split]:
        """A split is in force from its day on, by the feed's date; where a feed is replayed beside days that are stored
        already, also once a day at its new price is stored."""
        through = today
        if any(split.day > today for split in splits):
            newest = self._rows.last_before(sym, date.max)
            through = today if newest is None else max(today, newest.day)
        if as_of is not None:
            through = min(through, new_york_date(int(as_of.timestamp() * 1000)))
        return usable(splits, through, as_of)

    def _today(self) -> date:
        return new_york_date(self._market.moment().now_ms)

    def _remembered(self, asked: Hashable, make: Callable[[], T]) -> T:
        now_s = self._now_s()
        at, found = self._kept.get(asked, (-KEPT_S, None))
        if 0 <= now_s - at < KEPT_S:
            return cast(T, found)
        made = make()
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[asked] = (now_s, made)
        return made
