"""Bars of the simulated market for the vendor's REST side."""

import asyncio
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import TypeVar

from local_dev.simulator.market import SYMBOLS
from local_dev.simulator.minutes import Minutes
from local_dev.vendor.tables import BarRow
from shared.bars.algebra import present, present_day
from shared.bars.scale import SIZE_DIGITS, format_scaled
from shared.bars.windows import new_york_date, new_york_midnight_ms
from shared.models.bar import Bar
from shared.polygon.numbers import VWAP_DIGITS, price_text

LOOK_S = 1.0
SHARE = 0.25
"""Of one processor, that making bars before they are asked for may take."""
T = TypeVar("T")


class SimulatedBars:
    """A BarSource; what takes long is done beside the feed, one thing at a time."""

    def __init__(self, minutes: Minutes) -> None:
        self._minutes = minutes
        self._turn = asyncio.Lock()

    async def days(self, ticker: str, start_ms: int, end_ms: int) -> list[BarRow]:
        if ticker not in SYMBOLS:
            return []
        return await self._aside(lambda: self._days(SYMBOLS.index(ticker), start_ms, end_ms))

    async def minutes(self, ticker: str, start_ms: int, end_ms: int) -> list[BarRow]:
        if ticker not in SYMBOLS:
            return []
        found = await self._aside(lambda: list(self._minutes.minutes(SYMBOLS.index(ticker), start_ms, end_ms)))
        return [_row(bar) for t, partial in found if (bar := present(t, partial))]

    async def market(self, day: date) -> list[tuple[str, BarRow]]:
        rows = await self._aside(lambda: [self._day(number, day) for number in range(len(SYMBOLS))])
        return sorted((sym, row) for sym, row in zip(SYMBOLS, rows, strict=True) if row)

    async def keep_up(self) -> None:
        """Make the bars of each hour that has ended, so that the day's end finds them made. Never returns."""
        while True:
            await asyncio.sleep(LOOK_S)
            for symbol, piece in await self._aside(lambda: list(self._minutes.unmade())):
                began = time.monotonic()
                await self._aside(lambda: self._minutes.make(symbol, piece))  # noqa: B023 -- waited for at once
                await asyncio.sleep((time.monotonic() - began) * (1 / SHARE - 1))

    def _days(self, symbol: int, start_ms: int, end_ms: int) -> list[BarRow]:
        first, last = self._minutes.reach()
        day = max(new_york_date(start_ms), first)
        rows = []
        while day <= last and new_york_midnight_ms(day) < end_ms:
            if row := self._day(symbol, day):
                rows.append(row)
            day += timedelta(days=1)
        return rows

    def _day(self, symbol: int, day: date) -> BarRow | None:
        bar = present_day(new_york_midnight_ms(day), self._minutes.day(symbol, day))
        return None if bar is None else _row(bar)

    async def _aside(self, work: Callable[[], T]) -> T:
        async with self._turn:
            return await asyncio.to_thread(work)


def _row(bar: Bar) -> BarRow:
    vwap = "" if bar.vwap is None else format_scaled(bar.vwap, VWAP_DIGITS)
    return BarRow(
        bar.t,
        price_text(bar.open),
        price_text(bar.high),
        price_text(bar.low),
        price_text(bar.close),
        format_scaled(bar.volume, SIZE_DIGITS),
        str(bar.count),
        vwap,
    )
